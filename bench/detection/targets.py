"""Figures go in; each of the yardstick's targets comes out with the figure beside it: met, or missed by how much."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from bench import nab
from bench.detection.fleets import Fleet
from bench.detection.ours import PER_MILLION, WEEKLY
from bench.detection.scenarios import RAMP, SUDDEN_IID, SUDDEN_WOBBLE, WOBBLE
from bench.detection.scores import Score
from bench.detection_texts import Delay

OURS = (WEEKLY, PER_MILLION)
DELAYS = {
    ("error", SUDDEN_IID): 1000,
    ("error", SUDDEN_WOBBLE): 1000,
    ("error", RAMP): 10_000,
    ("latency", SUDDEN_IID): 200,
    ("latency", SUDDEN_WOBBLE): 350,
    ("latency", RAMP): 5500,
    ("tokens", SUDDEN_IID): 350,
    ("tokens", SUDDEN_WOBBLE): 350,
    ("mix", SUDDEN_IID): 450,
    ("mix", SUDDEN_WOBBLE): 450,
}
_NAB = 70.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target: what is judged, of whom, the figure (None: never noticed), and the limit that it must keep to."""

    what: str
    detector: str
    figure: float | None
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.figure is None:
            return False
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        if self.met:
            return "met"
        if self.figure is None:
            return "missed: never noticed"
        over = abs(self.figure - self.limit)
        return f"missed by {_figure(over)}" + (f" ({over / self.limit:.0%})" if self.limit else "")


def of_scores(scores: Sequence[Score]) -> Iterator[Verdict]:
    """Judge false alarms per million events, and delays."""
    mine = [score for score in scores if score.competitor in OURS]
    for score in mine:
        limit = DELAYS.get((score.metric, score.scenario))
        if score.scenario == WOBBLE and score.per_million is not None:
            what = f"false alarms per 1e6 events, {score.metric}, {score.scenario}"
            yield Verdict(what, score.competitor, score.per_million, 1.0)
        if limit is not None:
            yield Verdict(f"median delay, {score.metric}, {score.scenario}", score.competitor, score.median, limit)
        if limit is not None and score.missed:
            yield Verdict(f"share missed, {score.metric}, {score.scenario}", score.competitor, score.missed, 0.0)


def of_fleets(fleets: Sequence[Fleet]) -> Iterator[Verdict]:
    """Judge a week's false alarms of all segments: 1 for each hundred of them."""
    for fleet in fleets:
        if fleet.competitor in OURS:
            limit = fleet.segments / 100 if fleet.competitor == WEEKLY else fleet.events / 1e6
            what = f"false alarms a week, {fleet.segments} segments, {fleet.metric}, {fleet.scenario}"
            yield Verdict(what, fleet.competitor, fleet.false_alarms, limit)


def of_texts(delays: Sequence[Delay]) -> Iterator[Verdict]:
    """Judge the median delay after each change of texts that has a target, and that none is missed."""
    for delay in delays:
        if delay.target is not None:
            median = None if np.isinf(delay.median) else delay.median
            yield Verdict(f"median texts, {delay.stream}", "Sluice texts, A 1e6", median, delay.target)
            if delay.missed:
                yield Verdict(f"share missed, {delay.stream}", "Sluice texts, A 1e6", delay.missed, 0.0)


def of_nab(rows: Sequence[nab.Row]) -> Iterator[Verdict]:
    """Judge NAB's standard score."""
    for row in rows:
        if row.detector == "NoveltyScorer":
            yield Verdict("NAB, standard score", row.detector, row.standard, _NAB, at_least=True)


def of_cost(cost: float) -> Verdict:
    """Judge what a metric costs where all of a segment are watched together."""
    return Verdict("µs of CPU a metric and event, 4 metrics together", "Sluice", cost, 1.0)


def table(verdicts: Sequence[Verdict]) -> Table:
    drawn = Table("target", "of", title="targets of the yardstick")
    for column in ("limit", "figure", ""):
        drawn.add_column(column, justify="right")
    for each in verdicts:
        figure = "-" if each.figure is None else _figure(each.figure)
        limit = f"{'≥' if each.at_least else '≤'} {_figure(each.limit)}"
        drawn.add_row(each.what, each.detector, limit, figure, str(each))
    return drawn


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
