"""Numbers of a regular series go in, one at a time; out comes how far each is from all that the series did before."""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base

VIEWS = 4  # of a series: its value, and the range, the mean and the spread of the last WINDOW values
WINDOW = 50
KEPT = 64  # values that a view remembers
_ALIKE = 0.05  # standard deviations: nearer to a remembered value is the same value
_FADE = 0.5 ** (1 / 100)  # a score makes those of the next 100 values smaller
_QUIET = 100  # values after a score in which only a higher one is told
_SPREAD_FLOOR = 0.3  # of the overall standard deviation, added before the logarithm of the spread


class Seen:
    """A bounded memory of values, which says how far a new one is from the nearest.

    Distances are in standard deviations of all values so far, the new one included, so that the first outlier of n
    values is at most sqrt(n) away. When the memory is full, the inner value that leaves the narrowest gap is dropped:
    the extremes stay.

    >>> seen = Seen()
    >>> for value in (1.0, 2.0, 3.0, 2.0, 1.0):
    ...     seen.learn(value)
    >>> round(seen.distance(2.0), 2), round(seen.distance(9.0), 2)
    (0.0, 1.98)
    """

    def __init__(self) -> None:
        self.values: list[float] = []
        self.count, self.mean, self.scatter = 0, 0.0, 0.0

    def distance(self, value: float) -> float:
        """Return how far `value` is from the nearest remembered one, 0 where nothing has varied so far."""
        if not self.values:
            return 0.0
        gap = self._gap(value, bisect_left(self.values, value))
        if gap == 0.0:
            return 0.0
        away = value - self.mean
        scatter = self.scatter + away * away * self.count / (self.count + 1)
        return gap / math.sqrt(scatter / self.count)

    def learn(self, value: float) -> None:
        """Remember a value, and count it into the standard deviation (Welford)."""
        self.count += 1
        away = value - self.mean
        self.mean += away / self.count
        self.scatter += away * (value - self.mean)
        at = bisect_left(self.values, value)
        if self.values:
            gap = self._gap(value, at)
            if gap * gap * (self.count - 1) <= _ALIKE * _ALIKE * self.scatter:
                return
        self.values.insert(at, value)
        if len(self.values) > KEPT:
            kept = self.values
            del kept[min(range(1, KEPT), key=lambda i: kept[i + 1] - kept[i - 1])]

    def deviation(self) -> float:
        """Return the standard deviation of all values so far."""
        return math.sqrt(self.scatter / (self.count - 1)) if self.count > 1 else 0.0

    def _gap(self, value: float, at: int) -> float:
        above = self.values[at] - value if at < len(self.values) else math.inf
        return min(above, value - self.values[at - 1]) if at else above


class NoveltyScorer(base.AnomalyDetector):
    """Anomaly score of a number in a regular series: how new it is, 0 where the series has been there before.

    Four views of the series are kept, of the signed square root of its values: the value itself, and range, mean and
    log standard deviation of the last 50. For each view the distance to the nearest value ever seen counts, in
    standard deviations of that view, divided by one plus the highest lately (it halves in 100 values), so that what
    keeps happening stops being news. The score is the root of the sum of their squares. After a score only a higher
    one is told within the next 100 values: an incident is told at its beginning and when it gets worse. What it cannot
    see is a usual value at an unusual hour, and a series that is stuck at a usual value.

    There is no look-ahead, no label, no length, no range of the series that is known before. Memory is bounded: 64
    values a view. One value costs about 12 µs. A value that is not finite is not known: its score is NaN, and nothing
    is learned of it.

    >>> scorer = NoveltyScorer()
    >>> scores = scorer.score_learn_many([float(value % 7) for value in range(300)] + [20.0])
    >>> bool(scores[60:300].max() < 0.1), bool(scores[300] > 1)
    (True, True)

    References
    ----------
    The nearest neighbour's distance as strangeness: Vladimir Vovk, Alex Gammerman, Glenn Shafer. Algorithmic Learning
    in a Random World, 2005; Rikard Laxhammar, Göran Falkman. Conformal prediction for distribution-independent
    anomaly detection in streaming vessel data, 2010. · B. P. Welford. Technometrics 4, 1962.
    """

    def __init__(self) -> None:
        self._views = [Seen() for _ in range(VIEWS)]
        self._recent = [0.0] * VIEWS  # the highest distance of each view, fading
        self._window: deque[float] = deque(maxlen=WINDOW)
        self._told, self._since = 0.0, _QUIET  # the last score that was told, and the values since

    def score_one(self, x: dict[Hashable, Any]) -> float:
        """Score one value, the only one of `x`, by what has been learned so far."""
        (value,) = x.values()
        if not math.isfinite(value):
            return math.nan
        return self._told_of(self._evidence(self._distances(self._look(value))))

    def learn_one(self, x: dict[Hashable, Any]) -> None:
        """Learn one value, the only one of `x`."""
        (value,) = x.values()
        self._step(value)

    def score_learn_many(self, values: Iterable[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Score and learn n values in order: float64[n], what `score_one`, then `learn_one`, of each gives."""
        row = values.tolist() if isinstance(values, np.ndarray) else values
        return np.array([self._step(value) for value in row])

    def _step(self, value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        looks = self._look(value)
        distances = self._distances(looks)
        evidence = self._evidence(distances)
        told = self._told_of(evidence)
        self._since += 1
        if told:
            self._told, self._since = told, 0
        for i, (view, look, distance) in enumerate(zip(self._views, looks, distances, strict=True)):
            view.learn(look)
            self._recent[i] = max(self._recent[i] * _FADE, distance)
        self._window.append(math.copysign(math.sqrt(abs(value)), value))
        return told

    def _look(self, value: float) -> tuple[float, float, float, float]:
        """Return what the four views show with this value."""
        root = math.copysign(math.sqrt(abs(value)), value)
        window = [*self._window, root][-WINDOW:]
        n = len(window)
        mean = sum(window) / n
        spread = math.sqrt(sum([(each - mean) ** 2 for each in window]) / max(n - 1, 1))
        floor = _SPREAD_FLOOR * self._views[0].deviation() + 1e-9
        return root, max(window) - min(window), mean, math.log(spread + floor)

    def _distances(self, looks: tuple[float, float, float, float]) -> list[float]:
        return [view.distance(look) for view, look in zip(self._views, looks, strict=True)]

    def _evidence(self, distances: list[float]) -> float:
        shares = [distance / (1 + _FADE * recent) for distance, recent in zip(distances, self._recent, strict=True)]
        return math.sqrt(sum([share * share for share in shares]))

    def _told_of(self, evidence: float) -> float:
        return evidence if evidence > self._told or self._since >= _QUIET else 0.0
