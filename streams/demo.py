"""`sluice demo`: a simulated week goes through the whole of Sluice on this machine, and what came of it is laid out."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.table import Table

from sinks import ledger
from sinks.clickhouse import connect
from sinks.ledger import PartitionLedger
from sinks.review import audit
from sinks.review.cut import CutResult, cut
from sinks.review.policy import Policy
from sinks.review.windows import Window
from streams import offsets, simulate
from streams.kafka import Connection
from streams.produce import Produced
from streams.scenarios import Change, Truth, scenarios
from streams.settings import Settings
from streams.stack import Stack, local_stack, watch
from streams.traffic.plan import WEEK, Plan, week_start
from streams.traffic.poison import TOO_LARGE

WEEK_NAME = "2026-W46"
SEED = 7
PATIENCE_S = 180.0

_DETECTED = """
WITH said AS (
    SELECT
        time,
        arrayJoin(arrayConcat([(metric, mean_before, mean_after)], arrayMap(m -> (m.1, m.3, m.4), also))) AS moved
    FROM findings
    WHERE segment = {segment:String} AND time >= fromUnixTimestamp64Nano({since:Int64}, 'UTC')
)
SELECT moved.1, moved.2, moved.3,
       (SELECT count() FROM inferences WHERE segment = {segment:String} AND NOT synthetic
        AND response_time > fromUnixTimestamp64Nano({since:Int64}, 'UTC') AND response_time <= said.time) AS delay
FROM said
WHERE moved.1 IN {metrics:Array(String)}
ORDER BY said.time
LIMIT 1
"""


class DemoFailed(Exception):
    """The demo did not show what it is there to show; the message says what was missing."""


@dataclass(frozen=True, slots=True)
class Detected:
    """An injected change and the first finding about it: None where there is none."""

    change: Change
    metric: str | None = None
    before: float = 0.0
    after: float = 0.0
    delay: int = 0  # answered inferences of the segment from the change to the finding


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the closing table shows."""

    truth: Truth
    produced: Produced
    inferences: int
    feedback: int
    dead_letters: dict[str, int]
    ledgers: list[PartitionLedger]
    detected: list[Detected]
    findings: int
    batch: CutResult


def run(settings: Settings, inferences: int, console: Console, *, stays: bool) -> Outcome:
    """Run the demo and print what came of it; where it `stays`, its pages can be looked at until Ctrl-C.

    Raises DemoFailed, and whatever a server of the stack fails with.
    """
    # Its large records must not pass; and its worker's status page shows its batch.
    batches = _fresh(settings.batches / "demo")
    settings = settings.model_copy(update={"event_bytes": TOO_LARGE // 2, "batches": batches})
    console.print("Starting an embedded broker, a local ClickHouse and a worker …")
    with local_stack(settings) as stack:
        console.print(f"  broker {stack.broker.bootstrap}, ClickHouse {stack.clickhouse.url}, ", end="")
        console.print(f"status page {stack.settings.pages_url}/")
        # A day more than the week: the week closes when the events have moved on by the allowance for late ones.
        duration = WEEK + settings.lateness + WEEK / 28
        plan = Plan(week_start(WEEK_NAME), duration, inferences, SEED, scenarios(["demo"]))
        console.print(f"Simulating {inferences:,} calls of {WEEK_NAME} and the day after, with changes injected …")
        truth, produced = asyncio.run(simulate.to_kafka(plan, Connection(stack.broker.bootstrap)))
        console.print("Waiting until every record is accounted for and watched …")
        ledgers = _settled(stack, produced)
        console.print(f"Cutting the review batch of {WEEK_NAME} …")
        client = connect(stack.settings.clickhouse_url)
        batch = cut(client, Window.week(WEEK_NAME), Policy(), batches, settings.lateness)
        audit.begin(batch.path, datetime.now(UTC))
        outcome = _outcome(client, truth, produced, ledgers, batch)
        _show(outcome, console)
        if stays:
            console.print(f"\nThe status page is at {stack.settings.pages_url}/ until you press Ctrl-C.")
            watch(stack)
        return outcome


def _settled(stack: Stack, produced: Produced) -> list[PartitionLedger]:
    """Wait until the ledger covers all that was produced and stage 2 has seen all that stage 1 measured."""
    client = connect(stack.settings.clickhouse_url)
    wanted, deadline = produced.confirmed.total(), time.monotonic() + PATIENCE_S
    while True:
        stack.check()
        progress = asyncio.run(offsets.progress(stack.settings))
        ledgers = ledger.read(client, progress.committed)
        covered = sum(each.offsets for each in ledgers if each.topic in produced.confirmed)
        if covered >= wanted and progress.lag == 0 and stack.worker.metric("sluice_held_rows") == 0:
            return ledgers
        if time.monotonic() > deadline:
            raise DemoFailed(f"{covered:,} of {wanted:,} records are accounted for, {progress.lag:,} are waiting.")
        time.sleep(0.5)


def _fresh(folder: Path) -> Path:
    """Give each run a folder of its own: a batch that was cut is never written over."""
    taken = {path.name for path in folder.iterdir()} if folder.exists() else set()
    return folder / next(f"run-{n}" for n in range(1, len(taken) + 2) if f"run-{n}" not in taken)


def _outcome(
    client: Client, truth: Truth, produced: Produced, ledgers: list[PartitionLedger], batch: CutResult
) -> Outcome:
    def rows(query: str) -> Sequence[Sequence[int]]:
        result: Sequence[Sequence[int]] = client.query(query).result_rows
        return result

    with_part = "request_time IS NOT NULL OR response_time IS NOT NULL"
    letters = client.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason ORDER BY reason").result_rows
    return Outcome(
        truth,
        produced,
        inferences=rows(f"SELECT count() FROM inferences WHERE {with_part}")[0][0],  # noqa: S608  # a constant
        feedback=rows("SELECT count() FROM feedback_events FINAL")[0][0],
        dead_letters={str(reason): int(count) for reason, count in letters},
        ledgers=ledgers,
        detected=[_detected(client, change) for change in truth.changes],
        findings=rows("SELECT count() FROM findings")[0][0],
        batch=batch,
    )


def _detected(client: Client, change: Change) -> Detected:
    parameters = {
        "segment": change.segment,
        "metrics": list(change.scenario.metrics),
        "since": change.first_time_unix_nano,
    }
    for metric, before, after, delay in client.query(_DETECTED, parameters).result_rows:
        return Detected(change, metric, before, after, delay)
    return Detected(change)


def _show(outcome: Outcome, console: Console) -> None:
    truth, table = outcome.truth, Table(title="What came of it", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    refused = outcome.produced.refused.total()
    table.add_row(
        "records produced", f"{outcome.produced.confirmed.total():,}" + _but(refused, "refused by the broker")
    )
    table.add_row("  of them", f"{truth.duplicates:,} sent twice, {truth.late_responses:,} late responses")
    table.add_row("inferences", f"{outcome.inferences:,} rows of {truth.inferences:,} calls, one each")
    table.add_row("feedback", f"{outcome.feedback:,} rows of {truth.feedback:,}")
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in outcome.dead_letters.items())
    table.add_row("dead letters", f"{sum(outcome.dead_letters.values()):,}: {reasons}")
    gaps = sum(len(each.gaps) for each in outcome.ledgers)
    offsets_ = sum(each.offsets for each in outcome.ledgers)
    told = f"{offsets_:,} offsets in {len(outcome.ledgers)} partitions, "
    table.add_row("ledger", told + ("gapless" if gaps == 0 else f"[red]{gaps} gaps[/red]"))
    for each in outcome.detected:
        table.add_row(f"found {each.change.scenario.name}", _found(each))
    others = outcome.findings - sum(each.metric is not None for each in outcome.detected)
    table.add_row("other findings", f"{others:,}: other metrics that moved along, repeats, false alarms")
    table.add_row("review batch", str(outcome.batch.path))
    picked = ", ".join(f"{count} {reason}" for reason, count in outcome.batch.counts.by_reason.items() if count)
    table.add_row("  items", f"{outcome.batch.counts.items} of {outcome.batch.counts.eligible:,} eligible: {picked}")
    table.add_row("  to look at", f"{outcome.batch.path}/report.html")
    console.print()
    console.print(table)


def faults(outcome: Outcome) -> list[str]:
    """Name what is not as it should be; empty where the demo shows what it promises."""
    truth = outcome.truth
    wrong = {
        f"{outcome.inferences:,} rows for {truth.inferences:,} calls": outcome.inferences != truth.inferences,
        f"{outcome.feedback:,} rows for {truth.feedback:,} pieces of feedback": outcome.feedback != truth.feedback,
        "the ledger has gaps": any(each.gaps for each in outcome.ledgers),
    } | {f"nothing was found of {each.change.scenario.name}": each.metric is None for each in outcome.detected}
    return [fault for fault, holds in wrong.items() if holds]


def _found(each: Detected) -> str:
    if each.metric is None:
        return "[red]not found[/red]"
    change = f"{each.metric} {each.before:.3g} → {each.after:.3g}"
    return f"{change}, {each.delay:,} answers after it began, in {each.change.segment}"


def _but(count: int, what: str) -> str:
    return f", {count:,} {what}" if count else ""
