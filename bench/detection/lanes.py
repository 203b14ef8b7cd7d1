"""Rows become what a detector of single numbers is shown: raw, or less the seasonal mean of the reference week.

A detector of single numbers needs numbers: of a mix it gets a lane for each class, 1 where a row is of that class. On
residuals, it gets for each lane the value (its logarithm, where it is positive) less its seasonal mean, in standard
deviations: what an engineer would write who knows that the day has a season.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.detection.race import Watcher
from bench.detection.streams import HOUR_NS, MIX, Metric

Lanes = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]]  # values[n], times[n] → float64[n, k]
Fires = Callable[[float], bool]  # takes one number, says whether the detector fires, and re-arms it
_EPOCH_WEEKDAY = 3  # the epoch was a Thursday


class Shows(Protocol):
    """Learns from the reference how rows become lanes."""

    def __call__(self, metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Lanes: ...


def raw(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Lanes:
    """Show the values as they are."""
    del values, times
    return lambda values, _: _columns(metric, values)


def residuals(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Lanes:
    """Show what the reference's seasonal mean does not explain."""
    columns = _scaled(metric, values)
    weights, *_ = np.linalg.lstsq(_season(times), columns, rcond=None)
    deviation = (columns - _season(times) @ weights).std(axis=0)
    return lambda values, times: (_scaled(metric, values) - _season(times) @ weights) / deviation


class EachEvent:
    """Feeds each lane to a detector of its own; a row on which any fires is an alarm, once."""

    def __init__(self, lanes: Lanes, make: Callable[[], Fires], count: int) -> None:
        self._lanes = lanes
        self._detectors = [make() for _ in range(count)]

    def watch(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
        columns = self._lanes(values, times)
        rows: set[int] = set()
        for fires, column in zip(self._detectors, columns.T, strict=True):
            rows.update(index for index, value in enumerate(column.tolist()) if fires(value))
        return sorted(rows)


def each_event(
    make: Callable[[], Fires], shows: Shows = raw, memory: int | None = None
) -> Callable[[Metric, NDArray[np.float64], NDArray[np.int64]], Watcher]:
    """Return how a detector of single numbers starts: it sees the reference's last `memory` rows (None: all) first."""

    def start(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Watcher:
        watcher = EachEvent(shows(metric, values, times), make, len(MIX) if metric == "mix" else 1)
        seen = slice(None if memory is None else -memory, None)
        watcher.watch(values[seen], times[seen])
        return watcher

    return start


def _columns(metric: Metric, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if metric == "mix":
        columns: NDArray[np.float64] = (values[:, None] == np.arange(len(MIX))).astype(np.float64)
        return columns
    return values[:, None]


def _scaled(metric: Metric, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if metric in ("latency", "tokens"):
        logs: NDArray[np.float64] = np.log(np.maximum(values, 1e-3))
        return logs[:, None]
    return _columns(metric, values)


def _season(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the basis (float64[n, 8]): a mean, one for weekends, and three harmonics of the day."""
    hours = times / HOUR_NS
    weekend = (hours // 24 + _EPOCH_WEEKDAY) % 7 >= 5
    angles = 2 * np.pi / 24 * hours[:, None] * np.arange(1, 4)
    basis: NDArray[np.float64] = np.column_stack([np.ones(len(times)), weekend, np.sin(angles), np.cos(angles)])
    return basis
