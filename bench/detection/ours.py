"""Sluice's own drift detector comes out as a competitor at two settings of its one knob, and what it costs."""

import time

import numpy as np
from numpy.typing import NDArray

from bench.detection.race import BLOCK, Competitor
from bench.detection.streams import MIX, Metric, World, stream
from detectors.base import Words
from detectors.budget import Budget
from detectors.drift import Drift, SeasonalDrift

PER_MILLION = "Sluice, 1 per 1e6 events"
WEEKLY = "Sluice, 1 a week and 100 segments"
_SEGMENTS = 100
# What a hundred segments of 20,000 events a day may raise a week, on each metric: 14 are 1 per 1e6 of their events.
_ACCEPTED = {PER_MILLION: 14.0, WEEKLY: 1.0}
_NAMES: dict[Metric, str] = {
    "error": "error",
    "latency": "duration_s",
    "tokens": "output_tokens",
    "mix": "predicted_class",
}


class Ours:
    """A detector of one metric, which watches for the next change as soon as it has fired."""

    def __init__(self, metric: Metric, false_alarms: float) -> None:
        self._words = metric == "mix"
        self._detector = SeasonalDrift(_NAMES[metric], Budget(_SEGMENTS, false_alarms), rearms=True)

    def watch(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
        if self._words:
            return self._detector.update_many(times, [f"class {value:.0f}" for value in values.tolist()])
        return self._detector.update_many(times, values.tolist())


def competitors() -> list[Competitor]:
    """Return both settings."""
    return [_competitor(name, false_alarms) for name, false_alarms in _ACCEPTED.items()]


def cost_together(seed: int, live: int = 100_000) -> float:
    """Return the microseconds of CPU of a metric and event where a segment's four metrics are watched together, as in
    production: in blocks of 1,000, after the week that is learned first."""
    of = {metric: stream(metric, World(), np.random.default_rng([seed, at]), live) for at, metric in enumerate(_NAMES)}
    times, first = of["mix"].times, of["mix"].reference
    labels = tuple(f"class {number}" for number in range(len(MIX)))
    watcher, began = Drift(Budget(_SEGMENTS, 1.0)), 0.0
    for start in range(0, len(times), BLOCK):
        if start == first:
            began = time.process_time()
        rows = slice(start, start + BLOCK)
        numbers = {_NAMES[metric]: each.values[rows] for metric, each in of.items() if metric != "mix"}
        words = {_NAMES["mix"]: Words(of["mix"].values[rows].astype(np.int32), labels)}
        for _ in watcher.walk(times[rows], numbers, words):
            pass  # what it says is not asked here
    return (time.process_time() - began) / live / len(of) * 1e6


def _competitor(name: str, false_alarms: float) -> Competitor:
    def start(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Ours:
        watcher = Ours(metric, false_alarms)
        if len(values):  # else it learns as it goes
            watcher.watch(values, times)
        return watcher

    return Competitor(name, start)
