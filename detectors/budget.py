"""How many false alarms a week are accepted goes in; the threshold of each stream comes out."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.alternatives import LOOSE
from detectors.metrics import Kind

_FEW = 1000.0  # events a week that a stream counts for at least, and while nobody knows
# While less than two days have been seen, a season is half a guess: evidence counts for less.
_KNOWN, _CAUTION = 2 / 7, 100.0


@dataclass
class Budget:
    """Shares the accepted false alarms out: equally between segments, and in a segment between its streams.

    An e-detector's alarm at A is false at most once in A events. A stream of n events a week, one of K in its segment,
    which is one of S, with F false alarms a week accepted over all of them, gets A = n K S / F. So a busy segment does
    not use up what is meant for a quiet one. A is divided by what measurements show the bound to be loose by
    (`detectors.alternatives.LOOSE`). Where several streams of a segment speak at once, e-BH (`alarms`) asks less of
    each.

    Args:
        segments: S, as many as a deployment may watch apart.
        false_alarms: F, a week.
    """

    segments: int
    false_alarms: float
    streams: int = 1

    def log_threshold(self, kind: Kind, a_week: float, share_seen: float) -> float:
        """Return log A of a stream with so many events a week, of which this share of the hours has been seen."""
        caution = _CAUTION if share_seen < _KNOWN else 1.0
        return math.log(max(a_week, _FEW) * self.streams * self.segments / self.false_alarms / LOOSE[kind] * caution)

    def log_weekly(self, ways: int) -> float:
        """Return -log of the false alarms a week that one of so many ways to be unusual may raise in a segment."""
        return math.log(ways * (self.streams + 1) * self.segments / self.false_alarms)


def alarms(excess: NDArray[np.float64]) -> tuple[int, list[int]] | None:
    """Find the first row at which streams fire, and which: e-BH over the streams, at every row.

    `excess` (float64[n, streams]) is log evidence less the log threshold of one stream alone. Sorted from the greatest,
    the first k fire where the k-th is at least -log k: k streams that speak at once need a k-th of the evidence each.

    >>> alarms(np.array([[-0.1, -9.0], [-0.6, -0.5], [9.0, 9.0]]))
    (1, [0, 1])

    Ruodu Wang, Aaditya Ramdas. False discovery rate control with e-values. JRSS B 84, 2022.
    """
    streams = excess.shape[1]
    if not streams:
        return None
    near = np.flatnonzero(excess.max(axis=1) >= -math.log(streams))
    if not len(near):
        return None
    asked = -np.log(np.arange(1, streams + 1))
    enough = -np.sort(-excess[near], axis=1) >= asked
    fires = np.flatnonzero(enough.any(axis=1))
    if not len(fires):
        return None
    row = int(near[fires[0]])
    k = int(np.flatnonzero(enough[fires[0]])[-1]) + 1
    return row, sorted(np.argsort(-excess[row], kind="stable")[:k].tolist())
