"""`python -m bench.outage --runs N` breaks things in live traffic, and measures how long it takes until somebody knows.

Everything is there and as it is shipped: a broker, a worker, ClickHouse, Prometheus with its rules, Alertmanager, and a
webhook at the end. The past, a week of which this hour of the day is the busy one, is read by a worker once; each run
begins with what that learned. Four segments break at once: one fails, one is slow, one falls silent, and of one people
think little. Then a quiet week goes through at speed, of which nothing may be heard. A run of ten or more replaces
bench/outage.json.
"""

import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from bench.outage import history
from bench.outage.history import Learned
from bench.outage.quiet import quiet_week
from bench.outage.trial import Told, outage
from bench.outage.watched import settings, watched
from bench.outage.webhook import Heard
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from streams.scenarios import PRESETS

LATEST = Path(__file__).parents[1] / "outage.json"
FULL = 10
PER_SECOND = 50.0  # calls, of 16 segments; those that break have 11% to 20% of them
TARGET_S = 30.0
LATEST_START = 15  # minutes past the hour


@click.command(help=__doc__)
@click.option("--runs", type=click.IntRange(1), default=FULL, show_default=True, help="Outages.")
@click.option("--per-second", type=float, default=PER_SECOND, show_default=True, help="Calls of all segments.")
def main(runs: int, per_second: float) -> None:
    if (minute := datetime.now(UTC).minute) > LATEST_START and runs >= FULL:
        raise click.UsageError(
            f"It is {minute} minutes past the hour: {runs} runs take forty minutes, in the hour of the day that "
            f"is the busy one. Start it before minute {LATEST_START}, or with fewer runs."
        )
    console, folder = Console(stderr=True), Path(tempfile.mkdtemp(prefix="outage-"))
    console.print(f"Logs are in {folder}.")
    told: list[Told] = []
    others: Counter[str] = Counter()
    with EmbeddedBroker() as broker, LocalClickHouse() as clickhouse:
        console.print("The past is read …")
        learned, before = learn(settings(broker.bootstrap, clickhouse.url), folder, per_second)
    # Others, as ClickHouse goes on for many minutes to merge what came within a few.
    with EmbeddedBroker() as broker, LocalClickHouse() as clickhouse:
        for run in range(runs):
            own = settings(broker.bootstrap, clickhouse.url)
            first, rest = outage(own, folder, learned, PRESETS["outage"], per_second, seed=1000 + run)
            told += first
            others.update(map(_what, rest))
            console.print(f"Run {run + 1}: " + ", ".join(_short(each) for each in first) + f"; others: {len(rest)}")
        console.print("A quiet week goes through …")
        week = quiet_week(settings(broker.bootstrap, clickhouse.url), folder)
    outcome = {
        "measured": datetime.now(UTC).date().isoformat(),
        "runs": runs,
        "calls_per_second": per_second,
        "scenarios": {name: summary([each for each in told if each.scenario == name]) for name in _names(told)},
        "heard_of_other_segments": dict(others),
        "heard_while_the_past_was_read": dict(before),
        "quiet_week": week,
    }
    _show(outcome, Console())
    if runs >= FULL:
        LATEST.write_bytes(orjson.dumps(outcome, option=orjson.OPT_INDENT_2) + b"\n")


def learn(own: Any, folder: Path, per_second: float) -> tuple[Learned, Counter[str]]:
    """Let a worker read the past; return what it learned, and how often what was heard of meanwhile."""
    with watched(own, folder) as running:
        return history.live_through(running, per_second), Counter(map(_what, running.webhook.heard))


def summary(told: Sequence[Told]) -> dict[str, Any]:
    """Put the runs of one scenario together: seconds from the first bad event to the webhook."""
    heard = [each.heard_s for each in told if each.heard_s is not None]
    return {
        "median_s": round(statistics.median(heard), 1) if heard else None,
        "max_s": round(max(heard), 1) if heard else None,
        "missed": len(told) - len(heard),
        "runs": [asdict(each) for each in told],
    }


def _names(told: Sequence[Told]) -> list[str]:
    return list(dict.fromkeys(each.scenario for each in told))


def _what(each: Heard) -> str:
    return f"{each.alert} {each.labels.get('metric', '')}".rstrip()


def _short(each: Told) -> str:
    return f"{each.scenario} " + ("nothing" if each.heard_s is None else f"{each.heard_s:.1f} s ({each.metric})")


def _show(outcome: dict[str, Any], console: Console) -> None:
    table = Table(
        "scenario", "median s", "max s", "missed", title=f"From the first bad event to the webhook ({TARGET_S:g} s)"
    )
    for name, each in outcome["scenarios"].items():
        table.add_row(name, str(each["median_s"]), str(each["max_s"]), str(each["missed"]))
    console.print(table)
    console.print(f"Of a quiet week: {outcome['quiet_week']['heard'] or 'nothing'}")


if __name__ == "__main__":
    main()
