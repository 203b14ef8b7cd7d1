"""A stream runs past one competitor, block by block and for a bounded time, and comes out as the rows of its alarms."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.detection.streams import METRICS, Metric, Stream

BLOCK = 1000  # rows between two looks at the CPU clock
LIMIT_S = 20.0


class Watcher(Protocol):
    """A detector that has seen the reference and takes what follows, block after block."""

    def watch(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
        """Take the next rows (both [n]), return the rising indices in [0, n) at which it fires, and re-arm."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of one stream: the rows of the alarms, counted from the stream's first row, the row before which it
    ended, `cut_off` where that was for its cost, and the seconds of CPU that the rows after the reference took."""

    alarms: tuple[int, ...]
    until: int
    cut_off: bool
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Competitor:
    """A name in the table. `start` takes a metric and the reference's values and times and returns a fresh watcher."""

    name: str
    start: Callable[[Metric, NDArray[np.float64], NDArray[np.int64]], Watcher]
    metrics: tuple[Metric, ...] = METRICS

    def run(self, stream: Stream, limit_s: float = LIMIT_S) -> Watched:
        """Show a stream to a fresh watcher, until it ends, a change in it was noticed (the first alarm after it is all
        that is asked), or `limit_s` seconds of CPU are spent after the reference."""
        values, times, first = stream.values, stream.times, stream.reference
        watcher = self.start(stream.metric, values[:first], times[:first])
        alarms: list[int] = []
        row, began, spent, noticed = first, time.process_time(), 0.0, False
        while row < len(values) and spent < limit_s and not noticed:
            end = min(row + BLOCK, len(values))
            alarms += (row + index for index in watcher.watch(values[row:end], times[row:end]))
            row, spent = end, time.process_time() - began
            noticed = stream.change_at is not None and bool(alarms) and alarms[-1] >= stream.change_at
        return Watched(tuple(alarms), row, row < len(values) and not noticed, spent)
