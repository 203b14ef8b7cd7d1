"""A worker's sums are looked at every few seconds; out come the last hour's rates and quantiles, for charts."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from time import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sinks.metrics import ANSWER_SECONDS
from sinks.prometheus import Metrics

SAMPLES = 720  # an hour, at one in 5 s: about 100 KB
LATELY = 60  # samples, five minutes, over which segments are compared
EVERY = 12  # samples between two looks at the segments
BUSIEST = 12

Counts = NDArray[np.int64]


class Sample(NamedTuple):
    """What happened between two looks: rates a second, and seconds of latency, None where nothing was answered."""

    at: float
    events: float
    answers: float
    failed: float
    dead_letters: float
    p50: float | None
    p95: float | None
    found: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment's last minutes: answers a second, share that failed, and the 95th percentile of seconds taken."""

    name: str
    answers: float
    failed: float
    p95: float | None


class _Look(NamedTuple):
    at: float
    served: dict[str, tuple[int, int]]
    counts: dict[str, Counts]


class Recent:
    """The last hour of one worker, since its start at most; `take` is called every few seconds."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time) -> None:
        self._metrics, self._clock = metrics, clock
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._looks: deque[_Look] = deque(maxlen=LATELY // EVERY + 1)
        self._taken = 0
        self._at, self._sums, self._counts = clock(), self._read(), self._all()

    def take(self) -> None:
        """Take a sample of what has happened since the last."""
        now, sums, counts = self._clock(), self._read(), self._all()
        passed = now - self._at
        if passed <= 0:  # the machine's clock was set back
            self._at = now
            return
        *many, found = (after - before for before, after in zip(self._sums, sums, strict=True))
        events, answers, failed, dead = (round(each / passed, 3) for each in many)
        taken = counts - self._counts
        p50, p95 = quantile(taken, 0.5), quantile(taken, 0.95)
        self._samples.append(Sample(round(now, 1), events, answers, failed, dead, p50, p95, found))
        if self._taken % EVERY == 0:
            self._looks.append(_Look(now, dict(self._metrics.tally.served), self._metrics.durations.counts()))
        self._taken += 1
        self._at, self._sums, self._counts = now, sums, counts

    def after(self, at: float) -> list[Sample]:
        """Return the samples that are later than a time, in seconds since 1970."""
        newer = sum(sample.at > at for sample in reversed(self._samples))
        return list(islice(self._samples, len(self._samples) - newer, None))

    def segments(self) -> list[Segment]:
        """Return the segments with the most answers of the last five minutes or so, the busiest first."""
        if len(self._looks) < 2:
            return []
        first, last = self._looks[0], self._looks[-1]
        return sorted(_compared(first, last), key=lambda each: (-each.answers, each.name))[:BUSIEST]

    def _read(self) -> tuple[int, int, int, int, int]:
        tally = self._metrics.tally
        return tally.events, tally.answers, tally.failed, tally.dead_letters, tally.found

    def _all(self) -> Counts:
        buckets = len(ANSWER_SECONDS) + 1
        return sum(self._metrics.durations.counts().values(), start=np.zeros(buckets, np.int64))


def _compared(first: _Look, last: _Look) -> list[Segment]:
    found, passed = [], last.at - first.at
    for name, (answers, failed) in last.served.items():
        before, failed_before = first.served.get(name, (0, 0))
        if answers > before:
            taken = last.counts[name] - first.counts.get(name, 0) if name in last.counts else None
            p95 = quantile(taken, 0.95) if taken is not None else None
            share = (failed - failed_before) / (answers - before)
            found.append(Segment(name, round((answers - before) / passed, 3), share, p95))
    return found


def quantile(counts: Counts, q: float) -> float | None:
    """Return a quantile of what a histogram of durations counted, in seconds; None where it counted nothing.

    As Prometheus has it, so that this page and Grafana agree: linear within a bucket, and the greatest bound for what
    lies beyond it.

    >>> quantile(np.bincount([3], [10], minlength=15).astype(np.int64), 0.5)
    0.375
    """
    total = int(counts.sum())
    if total == 0:
        return None
    reached = np.cumsum(counts)
    place = int(np.searchsorted(reached, q * total))
    if place == len(ANSWER_SECONDS):
        return ANSWER_SECONDS[-1]
    low = ANSWER_SECONDS[place - 1] if place else 0.0
    inside = q * total - (reached[place] - counts[place])
    return round(float(low + (ANSWER_SECONDS[place] - low) * inside / counts[place]), 4)
