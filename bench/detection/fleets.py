"""A week of many segments at rest becomes a count of false alarms, beside those of the week in which Sluice learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.detection.scenarios import WEEK
from bench.detection.scores import Run
from bench.detection.streams import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Fleet:
    """False alarms of a competitor in all segments together: in the `events` of the week that is judged, and in as many
    of the week before, `learning`; None for who is given that week as a reference. `worst` is one segment's most."""

    competitor: str
    metric: Metric
    scenario: str
    segments: int
    events: int
    false_alarms: int
    worst: int
    learning: int | None


def counted(runs: Sequence[Run], learners: Sequence[str]) -> list[Fleet]:
    """Return a row for each competitor, metric and scenario."""
    groups: dict[tuple[str, Metric, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.competitor, run.metric, run.scenario), []).append(run)
    return [_counted(*key, group, key[0] in learners) for key, group in groups.items()]


def _counted(competitor: str, metric: Metric, scenario: str, runs: list[Run], learns: bool) -> Fleet:
    judged = [sum(row >= run.reference for row in run.watched.alarms) for run in runs]
    early = sum(len(run.watched.alarms) for run in runs) - sum(judged)
    return Fleet(
        competitor, metric, scenario, len(runs), len(runs) * WEEK, sum(judged), max(judged), early if learns else None
    )


def table(rows: Sequence[Fleet]) -> Table:
    """Lay out a row for each competitor, a column for each metric and kind of week."""
    columns = [(scenario, metric) for scenario in dict.fromkeys(r.scenario for r in rows) for metric in METRICS]
    known = {(row.competitor, row.scenario, row.metric): row for row in rows}
    events = max(row.events for row in rows)
    title = f"fleet: false alarms in a week of {rows[0].segments} segments (+ in the week of learning)"
    drawn = Table(title=f"{title}; {events:,} events")
    drawn.add_column("detector", no_wrap=True)
    shown = [each for each in columns if any((row.scenario, row.metric) == each for row in rows)]
    for scenario, metric in shown:
        drawn.add_column(f"{scenario}: {metric}", justify="right")
    for competitor in dict.fromkeys(row.competitor for row in rows):
        drawn.add_row(competitor, *(_cell(known[competitor, *each]) for each in shown))
    return drawn


def _cell(row: Fleet) -> str:
    return f"{row.false_alarms:,}" + ("" if row.learning is None else f" (+{row.learning:,})")
