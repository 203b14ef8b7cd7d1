"""`python -m bench.scale PART` lets one thing grow, and says what it costs: segments, hot segments, workers,
partitions, inferences.

Each part replaces its own in bench/scale.json, from which docs/scaling.md takes its tables.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console
from rich.table import Table

from bench.runs import Cost, NotMeasured
from bench.scale import hot, queries, segments, workers
from deploy.local.clickhouse import LocalClickHouse

LATEST = Path(__file__).parents[1] / "scale.json"
AWAKE, RESTING = (10, 100, 1_000, 4_000), (1_000, 10_000)
WORKERS, PARTITIONS, HOT = (1, 2, 4), (1, 4, 16, 64), (1, 50)
SPREAD = 16  # partitions of workers, of which every one has some
INFERENCES = (100_000, 1_000_000, 10_000_000)
BACKLOG = 24_000  # inferences, of workers and partitions
Rows = list[dict[str, Any]]
T = TypeVar("T")
console = Console(stderr=True)


@click.group(help=__doc__)
def main() -> None: ...


@main.command("segments")
def segments_() -> None:
    """Let segments grow, awake and at rest: memory, and the CPU of a turn, of a row, and to wake one."""
    _keep("awake", [asdict(_apart(segments.measured, count)) for count in AWAKE])
    _keep("resting", [asdict(_apart(segments.rested, count)) for count in RESTING])


@main.command("workers")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
def workers_(rounds: int) -> None:
    """Let workers grow, in 16 partitions: the CPU of an event in all of them, and events a second."""
    grown = {count: partial(workers.measured, count, SPREAD, BACKLOG) for count in WORKERS}
    _keep("workers", list(_in_turn("workers", grown, rounds)))


@main.command("partitions")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
def partitions_(rounds: int) -> None:
    """Let partitions grow, of one worker: the CPU of an event, and events a second."""
    grown = {count: partial(workers.measured, 1, count, BACKLOG) for count in PARTITIONS}
    _keep("partitions", list(_in_turn("partitions", grown, rounds)))


@main.command("hot")
def hot_() -> None:
    """Let one segment have all events, and 50: the CPU of watching an event, and what one core can watch."""
    _keep("hot", [asdict(_apart(hot.measured, count)) for count in HOT])


@main.command("inferences")
def inferences_() -> None:
    """Let the tables grow: what people and workers ask ClickHouse again and again."""
    rows: Rows = []
    with LocalClickHouse() as server:
        for size, asked in queries.measured(f"{server.url}/scale", INFERENCES, console.print):
            rows += [{"inferences": size} | asdict(each) for each in asked]
    _keep("inferences", rows)


def _apart(measured: Callable[[int], T], count: int) -> T:
    """Measure in a process that does nothing else: memory that was once taken is not all given back."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        result = process.submit(measured, count).result()
    console.print(result)
    return result


def _in_turn(what: str, grown: Mapping[int, Callable[[], Cost]], rounds: int) -> Iterator[dict[str, Any]]:
    """Measure all in turn, round by round, so that a machine that others use is the same for all; the median holds."""
    costs: dict[int, list[Cost]] = {count: [] for count in grown}
    for _ in range(rounds):
        for count, measured in grown.items():
            try:
                costs[count].append(measured())
                console.print(f"{count} {what}: {costs[count][-1]}")
            except NotMeasured as why:
                console.print(f"{count} {what}: {why}")
    for count, taken in costs.items():
        if taken:
            middle = sorted(taken, key=lambda cost: cost.cpu_us)[len(taken) // 2]
            yield {what: count, "rounds": len(taken)} | asdict(middle)


def _keep(part: str, rows: Rows) -> None:
    table = Table(*rows[0], title=part)
    for row in rows:
        table.add_row(*(f"{value:g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=None if Console().is_terminal else 140).print(table)
    kept = orjson.loads(LATEST.read_bytes()) if LATEST.exists() else {}
    kept[part] = {"measured": datetime.now(UTC).date().isoformat(), "load": round(os.getloadavg()[0], 1), "rows": rows}
    LATEST.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
