"""Inferences in the tables grow to ten millions: what people and workers ask ClickHouse again and again, its times, and
the rows that it reads for it.

Findings and references are planted as well, as many as a fleet of a thousand segments comes to have in a year.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from clickhouse_connect.driver.client import Client

from bench.review import worlds
from bench.review.planted import MONDAY, SEGMENTS, inference_id, response_id
from deploy.grafana.expanded import expanded
from deploy.grafana.queries import CLICKHOUSE
from deploy.grafana.written import dashboards
from sinks import columns, findings, ledger
from sinks.clickhouse import ClickHouse, connect
from sinks.joins import Joins, Placed
from sinks.review.closing import due_windows
from sinks.review.similar import similar
from streams.events import Finding, LedgerRow, ReferenceRow

FINDINGS, FLEET, METRICS = 5_000, 1_000, 12
LEDGER = 100_000  # rows: of a week, in which blocks come as fast as they may
ASKED = 20
CALLS = 3_500  # of a full block
DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, the seconds that it took (median and 95th percentile of ASKED times), and how many rows of all
    tables and projections were read for it."""

    what: str
    median_s: float
    p95_s: float
    rows: int


def measured(url: str, sizes: tuple[int, ...], told: Callable[[str], None]) -> Iterator[tuple[int, list[Asked]]]:
    """Ask everything of databases of these sizes, rising: each below `worlds.BASE` is planted by itself, and one of
    BASE grows to the others, multiples of it."""
    held = 0
    for size in sizes:
        told(f"{size:,} inferences")
        planted = min(size, worlds.BASE)
        own = f"{url}_{planted}"
        if not held:  # those of BASE are planted once, and grow
            worlds.make(own, seed=1, n=planted)
            plant_findings(ClickHouse(own))
        if size >= worlds.BASE:
            worlds.grow(own, held or worlds.BASE, size)
            held = size
        told("they are asked")
        yield size, [timed(own, what, ask) for what, ask in questions(own, planted).items()]


def timed(url: str, what: str, ask: Callable[[], object]) -> Asked:
    client, seconds, rows = connect(url), list[float](), list[int]()
    for _ in range(ASKED):
        before = _rows_read(client)
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
        rows.append(_rows_read(client) - before)
    median, high = np.quantile(seconds, (0.5, 0.95))
    return Asked(what, round(float(median), 4), round(float(high), 4), min(rows))


def _rows_read(client: Client) -> int:
    """Return the rows that were read since the server started; to ask for it reads some fifty itself."""
    ((rows,),) = client.query("SELECT value FROM system.events WHERE event = 'SelectedRows'").result_rows
    return int(rows)


def questions(url: str, planted: int) -> dict[str, Callable[[], object]]:
    """Return by name what is asked, where so many were planted one by one: by every panel, the pages, the commands, and
    the workers' chores."""
    client, sink = connect(url), ClickHouse(url)
    joins, some = Joins(sink), inference_id(0, planted // 2)
    placed = _placed(client, [inference_id(0, planted // 2 + n) for n in range(CALLS)])
    told = [(f"resp:{response_id(name)}", time) for name, time in placed]
    one = findings.listed(client, closed=True)[0].finding.finding_id
    asked: dict[str, Callable[[], object]] = {where: _panel(client, sql) for where, sql in panels()}
    return asked | {
        "page: what is open and what was": lambda: (findings.lately(client, 7), findings.listed(client)),
        "page: a finding and its incident": lambda: (
            findings.one(client, one),
            findings.incidents(client, closed=True),
        ),
        "sluice similar": lambda: similar(client, some, 10),
        "chore: which weeks are due": lambda: due_windows(client, Path("nowhere"), timedelta(0)),
        "chore: how feedback was joined": joins.joined,
        "chore: the latest request": joins.latest_ms,
        "chore: the ledger": lambda: ledger.read(client, {}),
        "stage 1: whose 500 questions these are": lambda: joins.asked(placed[:500]),
        f"stage 1: who else tells of {CALLS:,} calls": lambda: joins.shadow(told),
    }


def _placed(client: Client, ids: list[str]) -> list[Placed]:
    """Return inferences with when they were asked."""
    asked = """
    SELECT inference_id, toUnixTimestamp64Nano(min(time)) FROM inference_parts
    WHERE inference_id IN {ids:Array(String)} GROUP BY inference_id
    """
    return [(name, time) for name, time in client.query(asked, {"ids": ids}).result_rows]


def panels() -> Iterator[tuple[str, str]]:
    """Yield the SQL of each panel, for the week that was planted."""
    since = int(MONDAY.timestamp())
    for page in dashboards():
        for panel in page["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == CLICKHOUSE:
                    yield f"panel: {panel['title']}", expanded(target["rawSql"], since, since + 7 * 86_400)


def _panel(client: Client, sql: str) -> Callable[[], object]:
    return lambda: client.query(sql)


def plant_findings(sink: ClickHouse) -> None:
    """Store findings of a year, references of a fleet, and the ledger of a week."""
    begin = int(MONDAY.timestamp()) * 10**9
    sink.insert("finding_events", columns.finding_rows([_finding(n, begin) for n in range(FINDINGS)]))
    fleet = [f"service-{n}|/v1/chat|model|production" for n in range(FLEET)]
    for segment in fleet:
        rows = [_reference(segment, f"metric_{n}", begin) for n in range(METRICS)]
        sink.insert("references", columns.reference_rows(rows))
    blocks = (
        LedgerRow("responses", n % 4, n // 4 * 100, n // 4 * 100 + 99, 100, 100, 0, 100, 0) for n in range(LEDGER)
    )
    sink.insert("ledger", columns.ledger_rows(list(blocks), begin // 10**6))


def _finding(number: int, begin: int) -> Finding:
    """Return a finding; those of the first week stand, all others are over."""
    time_ = begin + (number * 365 * DAY_NS) // FINDINGS - 358 * DAY_NS
    return Finding(
        finding_id=f"{number:012x}",
        state="open" if number >= FINDINGS - 50 else "closed",
        time_unix_nano=time_,
        said_unix_nano=time_ + 3600 * 10**9,
        since_unix_nano=time_ - 600 * 10**9,
        segment=SEGMENTS[number % len(SEGMENTS)],
        metric="duration_s",
        detector="level",
        direction="up",
        mean_before=1.0,
        low_before=0.9,
        high_before=1.1,
        count_before=10_000,
        mean_after=2.0,
        low_after=1.8,
        high_after=2.2,
        count_after=100,
        log10_e=12.0,
        seconded=True,
        learning=False,
        event=20_000,
        since_event=19_900,
        inference_id=inference_id(0, number),
        examples_before=[inference_id(0, number + n) for n in range(5)],
        examples_after=[inference_id(0, number + n) for n in range(5, 10)],
    )


def _reference(segment: str, metric: str, said: int) -> ReferenceRow:
    week = tuple(math.sin(hour / 24) + 2 for hour in range(168))
    return ReferenceRow(segment, metric, said, "rolling", 4.0, "s", week, week, week, 100_000)
