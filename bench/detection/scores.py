"""The alarms of many runs become the table's figures: false alarms per million events, delays, and what was missed.

Every alarm of a stream where nothing changes is false; a detector re-arms itself after each. Where something changes,
the delay is the number of changed events up to and including the first alarm at or after the change; none within
60,000 is a miss. A run that was cut off before is not known, and counts as neither.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from bench.detection.race import Watched
from bench.detection.streams import Metric, Stream

HORIZON = 60_000  # events after a change in which it must be noticed


@dataclass(frozen=True, slots=True)
class Run:
    """One competitor's alarms on one stream of a scenario, and what of the stream is needed to judge them."""

    competitor: str
    metric: Metric
    scenario: str
    reference: int
    change_at: int | None
    watched: Watched


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of a competitor on a metric in a scenario.

    Streams at rest give `false_alarms` in `events`, and their number `per_million`; changes give the `median` and `p90`
    delay in events (None where that many were missed) and the share `missed` of the `changes` of which it is known.
    None is also what does not apply. `cut_off` is how many runs were stopped for their cost, the earliest after
    `cut_after` events; `cpu_us` what an event cost.
    """

    competitor: str
    metric: Metric
    scenario: str
    events: int
    false_alarms: int
    per_million: float | None
    changes: int
    median: float | None
    p90: float | None
    missed: float | None
    cut_off: int
    cut_after: int | None
    cpu_us: float


def run_of(competitor: str, scenario: str, stream: Stream, watched: Watched) -> Run:
    """Name what came of a stream."""
    return Run(competitor, stream.metric, scenario, stream.reference, stream.change_at, watched)


def delay(run: Run) -> float | None:
    """Return how many changed events passed before the first alarm, infinity for a miss, None where it is not known.

    Raises ValueError where nothing changes.
    """
    if run.change_at is None:
        raise ValueError("nothing changes in this stream")
    for row in run.watched.alarms:
        if run.change_at <= row < run.change_at + HORIZON:
            return row - run.change_at + 1
    return None if run.watched.until < run.change_at + HORIZON else math.inf


def scored(runs: Sequence[Run]) -> list[Score]:
    """Return a score for each competitor, metric and scenario, in the order in which they came."""
    groups: dict[tuple[str, Metric, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.competitor, run.metric, run.scenario), []).append(run)
    return [_score(*key, group) for key, group in groups.items()]


def _score(competitor: str, metric: Metric, scenario: str, runs: list[Run]) -> Score:
    seen = sum(run.watched.until - run.reference for run in runs)
    at_rest = [run for run in runs if run.change_at is None]
    events = sum(run.watched.until - run.reference for run in at_rest)
    false_alarms = sum(row >= run.reference for run in at_rest for row in run.watched.alarms)
    delays = [known for run in runs if run.change_at is not None and (known := delay(run)) is not None]
    cut = [run.watched.until - run.reference for run in runs if run.watched.cut_off]
    return Score(
        competitor,
        metric,
        scenario,
        events,
        false_alarms,
        false_alarms / events * 1e6 if events else None,
        len(delays),
        _quantile(delays, 0.5),
        _quantile(delays, 0.9),
        sum(map(math.isinf, delays)) / len(delays) if delays else None,
        len(cut),
        min(cut, default=None),
        sum(run.watched.cpu_s for run in runs) / seen * 1e6,
    )


def _quantile(delays: list[float], share: float) -> float | None:
    """Return the smallest delay within which that share was noticed; None where it never was."""
    value = float(np.quantile(delays, share, method="inverted_cdf")) if delays else math.inf
    return None if math.isinf(value) else value


def table(scores: Sequence[Score], metric: Metric) -> Table:
    """Lay out a metric: a row for each competitor, a column for each scenario."""
    mine = [score for score in scores if score.metric == metric]
    scenarios = list(dict.fromkeys(score.scenario for score in mine))
    drawn = Table(title=f"{metric}: false alarms per 1e6 events; median (90%) delay in events, share missed")
    drawn.add_column("detector", no_wrap=True)
    for scenario in scenarios:
        drawn.add_column(scenario, justify="right")
    drawn.add_column("µs an event", justify="right")
    for competitor in dict.fromkeys(score.competitor for score in mine):
        row = {score.scenario: score for score in mine if score.competitor == competitor}
        cells = [cell(row[scenario]) if scenario in row else "" for scenario in scenarios]
        drawn.add_row(competitor, *cells, f"{np.median([score.cpu_us for score in row.values()]):.2f}")
    return drawn


def cell(score: Score) -> str:
    """Write what a scenario's figures are, and where runs were cut off, after how many events."""
    parts = []
    if score.per_million is not None:
        parts.append(f"{score.per_million:,.{0 if score.per_million >= 10 else 1}f}")
    if score.changes:
        middle, late = ("-" if value is None else f"{value:,.0f}" for value in (score.median, score.p90))
        parts += [f"{middle} ({late})"] if score.median is not None else []
        if score.missed:
            parts.append(f"missed {score.missed:.0%}")
    if score.cut_off:
        parts.append(f"cut off after {score.cut_after:,}")
    return ", ".join(parts)
