"""What comes round beside the walk: the cut, the join, the account and what stands open; each fails alone."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from math import inf, nan
from time import monotonic
from typing import NamedTuple

from sinks import ledger
from sinks.base import SinkBusy
from sinks.clickhouse import ClickHouse
from sinks.findings import lately, listed
from sinks.grafana import Annotations
from sinks.joins import Joins
from sinks.prometheus import Metrics
from sinks.review.audit import State
from streams import offsets, timeouts, topics
from streams.delivery import Send
from streams.offsets import Progress
from streams.review_loop import STAGES, look
from streams.settings import Settings
from streams.timeouts import Hindsight

log = logging.getLogger("sluice.worker")

ANNOTATED_DAYS = 7  # longer than a Grafana is away, or a group without a leader


class Cuts(NamedTuple):
    """What became of the weeks that were due: how many were cut, and how many refused."""

    cut: int
    refused: int


class Turn:
    """Says when it is a chore's turn that comes round on the leader: as soon as it leads, then every so many seconds.

    A worker that leads from its start on shows what it sees within seconds, and not nothing for minutes. `ends` is
    called once it leads no more: what it showed as the leader is another's to show.
    """

    def __init__(
        self,
        leads: Callable[[], bool],
        every_s: float,
        clock: Callable[[], float] = monotonic,
        ends: Callable[[], None] = lambda: None,
    ) -> None:
        self._leads, self._every_s, self._clock, self._ends = leads, every_s, clock, ends
        self._next = -inf

    def __call__(self) -> bool:
        if not self._leads():
            if self._next > -inf:
                self._ends()
            self._next = -inf
            return False
        due = self._clock() >= self._next
        if due:
            self._next = self._clock() + self._every_s
        return due


async def cut_on_schedule(cut_due_weeks: Callable[[], Cuts], metrics: Metrics) -> None:
    """Cut what is due. A cut that fails stops nothing: it is said in a line, and tried again at the next schedule."""
    try:
        cuts = await asyncio.to_thread(cut_due_weeks)
    except Exception as failed:
        metrics.cuts_failed.inc()
        said = str(failed).partition("\n")[0] or type(failed).__name__
        log.error("The cut is tried again at the next schedule (SLUICE_CUT_SCHEDULE): %s", said)
    else:
        metrics.batches_cut.inc(cuts.cut)
        metrics.cuts_failed.inc(cuts.refused)


async def time_out(
    joins: Joins, publish: Send, settings: Settings, hindsight: Hindsight, read: Progress, metrics: Metrics
) -> None:
    """Say which requests stayed without a response; for the leader, by the minute."""
    latest_ms, sources = await asyncio.to_thread(joins.latest_ms), topics.sources(settings)
    ends = {place: end for place, end in read.ends.items() if place[0] in sources}
    read_ms = hindsight.reached(ends, read.committed, latest_ms, time.time_ns() // 1_000_000)
    if read_ms is not None:
        timeout_s = settings.response_timeout_seconds
        metrics.timeouts.inc(await timeouts.announce(joins, publish, timeout_s, read_ms))


async def feedback_joined(joins: Joins, metrics: Metrics) -> None:
    """Show how the last day's feedback was joined; for the leader."""
    metrics.joined(await asyncio.to_thread(joins.joined))


async def ledger_gap(clickhouse: ClickHouse, read: Progress) -> float:
    """Count the offsets that are committed and not in the ledger; NaN where ClickHouse is away and nobody can say."""
    try:
        ledgers = await asyncio.to_thread(clickhouse.ask, lambda client: ledger.read(client, read.committed))
    except SinkBusy:
        return nan
    return sum(last - first + 1 for each in ledgers for first, last in each.gaps)


async def read_so_far(settings: Settings) -> Progress | None:
    """Ask Kafka how far the group is; None where it does not answer."""
    try:
        return await offsets.progress(settings)
    except topics.KafkaUnreachable:
        return None


async def open_findings(clickhouse: ClickHouse, metrics: Metrics, segments: Collection[str]) -> None:
    """Show the findings of these segments that stand open, also those that opened before they came to this worker."""
    standing = await asyncio.to_thread(clickhouse.ask, listed)
    metrics.standing(each.finding for each in standing if each.finding.segment in segments)


async def annotate(clickhouse: ClickHouse, annotations: Annotations, metrics: Metrics) -> None:
    """Let Grafana's annotations say what the findings say, of the last days; for the leader.

    What Grafana misses while it is away it gets once it is back. Raises SinkBusy.
    """
    findings = await asyncio.to_thread(clickhouse.ask, lambda client: lately(client, ANNOTATED_DAYS))
    try:
        metrics.grafana_failures.inc(await asyncio.to_thread(annotations.keep, findings))
    except SinkBusy:
        metrics.grafana_failures.inc()
        raise


async def review_loop(settings: Settings, clickhouse: ClickHouse, metrics: Metrics) -> None:
    """Show where the review loop stands; for the leader."""
    now = datetime.now(UTC)
    seen = await asyncio.to_thread(clickhouse.ask, lambda client: look(client, settings, now))
    metrics.cuts_due.set(seen.due)
    metrics.review_waiting.set(seen.waiting_s)
    metrics.review_spent.set(seen.spent_s)
    metrics.to_release.set(seen.to_release_s)
    for state in State:
        metrics.batches.labels(state).set(seen.batches.get(state, 0))
    for stage in STAGES:
        metrics.review_items.labels(stage).set(seen.items.get(stage, 0))


async def or_later(task: Awaitable[None]) -> None:
    """Let a task that comes round again fail while its sink is away."""
    try:
        await task
    except SinkBusy as busy:
        log.warning("%s. It is tried again.", busy)
