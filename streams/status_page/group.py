"""What all workers have in common is asked of the store and of the folder of batches, and outlives a store's outage."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import findings, ledger
from sinks.base import SinkError
from sinks.clickhouse import AWAY, connect, judged
from sinks.findings import Incident, Standing
from streams.events import Finding
from streams.review_loop import BatchStanding, standings
from streams.settings import Settings
from streams.status_page.kept import Kept

T = TypeVar("T")

ASKED_EVERY_S = 5.0
BATCHES_EVERY_S = 30.0  # their items are read
ANSWERS_WITHIN_S = 5
PATIENCE_S = 2.0  # then a viewer sees what was known before,
FRESH_S, AT_ONCE_S = 15.0, 0.2  # at once, and without a word, where that is of now
SPAN_S = 10
OVER_DAYS = 1  # for which findings that are over are shown


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store said at a time, in seconds since 1970: findings that are open, others that ended of late, and
    rates as `sinks.ledger.rates` has them."""

    at: float
    open: list[Standing]
    over: list[Finding]
    rates: list[tuple[int, float, float]]


class GroupView:
    """Asks for viewers; nothing is asked while nobody looks.

    Args:
        settings: of the store, and of the folder of batches.
        topics: those that the group reads events from.
    """

    def __init__(self, settings: Settings, topics: Collection[str]) -> None:
        self._settings, self._topics = settings, topics
        self._client: Client | None = None
        self._seen: Seen | None = None
        threads = ThreadPoolExecutor(2, thread_name_prefix="pages")
        self._asked = Kept[None, Seen](lambda _: self._ask(self._look), ASKED_EVERY_S, threads)
        self._batches = Kept[None, list[BatchStanding]](self._standings, BATCHES_EVERY_S, threads)
        self._findings = Kept[str, tuple[Standing, Incident | None]](self._finding, ASKED_EVERY_S, threads)

    async def seen(self) -> tuple[Seen | None, str]:
        """Return what the store said last, None where it has never answered, and why that is not of now, if so."""
        fresh = self._seen is not None and time() - self._seen.at < FRESH_S
        try:
            async with asyncio.timeout(AT_ONCE_S if fresh else PATIENCE_S):
                self._seen = await self._asked.get(None)
        except TimeoutError:
            return self._seen, "" if fresh else "ClickHouse takes long to answer."
        except SinkError as away:
            return self._seen, f"{away}."
        return self._seen, ""

    async def batches(self) -> list[BatchStanding]:
        """Return the batches in this worker's folder, the latest window first."""
        return await self._batches.get(None)

    async def report(self, window: str) -> Path | None:
        """Return where the report of a window's batch lies; None where there is no whole batch of it, or no report."""
        return next((each.report for each in await self.batches() if each.name == window), None)

    async def finding(self, beginning: str) -> tuple[Standing, Incident | None]:
        """Return a finding and the incident that it is part of. Raises NoSuchFinding, SinkError."""
        return await self._findings.get(beginning)

    def _look(self, client: Client) -> Seen:
        over = [each for each in reversed(findings.lately(client, OVER_DAYS)) if each.state == "closed"]
        return Seen(time(), findings.listed(client), over, ledger.rates(client, self._topics, SPAN_S))

    def _finding(self, beginning: str) -> tuple[Standing, Incident | None]:
        standing = self._ask(lambda client: findings.one(client, beginning))
        incidents = self._ask(lambda client: findings.incidents(client, closed=True))
        return standing, next((each for each in incidents if standing.is_in(each)), None)

    def _standings(self, _key: None) -> list[BatchStanding]:
        return sorted(standings(self._settings.batches), key=lambda each: each.name, reverse=True)

    def _ask(self, ask: Callable[[Client], T]) -> T:
        url = self._settings.clickhouse_url
        try:
            if self._client is None:
                self._client = connect(url, ANSWERS_WITHIN_S)
            return ask(self._client)
        except (ClickHouseError, *AWAY) as error:
            raise judged(error, url) from error
