"""Anomaly scores of labelled series go in; out comes the score that the Numenta Anomaly Benchmark gives for them.

Scored as its authors do: the first 15% of a series, at most 750 values, are not judged; a window counts by its earliest
detection, 1 at its left edge and falling along a sigmoid to 0 at its right; a missed one costs 1; each false detection
costs 0.11, less shortly after a window. One threshold for all series is chosen so that the sum is highest, and the sum
is set between no detection at all, 0, and perfection, 100. All series count, those without windows, too. Two other
profiles double the cost of a false detection, or of a miss.

Alexander Lavin, Subutai Ahmad. Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark. 2015.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PROFILES = {"standard": (0.11, 1.0), "low_fp": (0.22, 1.0), "low_fn": (0.11, 2.0)}  # false detection, miss
_PROBATION, _LONGEST = 0.15, 5000
_HALVINGS = 200

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """A labelled series: n values, and the first and last row of each window of anomaly."""

    name: str
    values: NDArray[np.float64]
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        """How many rows at the beginning are not judged."""
        return int(_PROBATION * min(len(self.values), _LONGEST))


def sigmoid(position: Scores) -> Scores:
    """NAB's scaled sigmoid: 0.987 at -1, a window's left edge, 0 at its right edge, towards -1 behind it."""
    scaled: Scores = 2 / (1 + np.exp(5 * np.minimum(position, 3.0))) - 1
    return np.where(position >= 3, -1.0, scaled)


def weights(series: Series) -> tuple[NDArray[np.int64], Scores]:
    """Return each row's window (-1: outside, -2: not judged), and what a detection there is worth, unweighted."""
    rows = np.arange(len(series.values))
    window, worth = np.full(len(rows), -1), np.full(len(rows), -1.0)
    for number, (first, last) in enumerate(series.windows):
        worth[last + 1 :] = sigmoid((rows[last + 1 :] - last) / max(last - first, 1))
        inside = slice(first, last + 1)
        window[inside] = number
        worth[inside] = sigmoid((rows[inside] - last - 1) / (last - first + 1)) / sigmoid(np.array(-1.0))
    window[: series.probation] = -2
    return window, worth


def gains(series: Series, scores: Scores, false: float, missed: float) -> tuple[Scores, Scores]:
    """Return scores, and what the sum gains when the threshold falls to each of them. NaN never fires."""
    window, worth = weights(series)
    outside = (window == -1) & ~np.isnan(scores)
    at, gained = [scores[outside]], [false * worth[outside]]
    for number in range(len(series.windows)):
        inside = np.flatnonzero((window == number) & ~np.isnan(scores))
        falling = inside[np.argsort(-scores[inside], kind="stable")]
        at.append(scores[falling])
        # The earliest detection is worth most, so the best so far is what a window counts.
        gained.append(np.diff(np.maximum.accumulate(np.concatenate(([-missed], worth[falling])))))
    return np.concatenate(at), np.concatenate(gained)


def curve(corpus: Sequence[Series], scores: Sequence[Scores], profile: str = "standard") -> tuple[Scores, Scores]:
    """Return falling thresholds, infinity first, and the NAB score with each (a row fires at or above it)."""
    false, missed = PROFILES[profile]
    parts = [gains(series, each, false, missed) for series, each in zip(corpus, scores, strict=True)]
    at, gained = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(-at, kind="stable")
    at, total = at[order], np.cumsum(gained[order])
    last = np.append(at, -np.inf)[1:] != at  # rows of equal score fire together
    windows = sum(len(series.windows) for series in corpus)
    normal = 100 / ((1 + missed) * windows)
    return np.append(np.inf, at[last]), np.append(0.0, total[last] * normal)


def best(corpus: Sequence[Series], scores: Sequence[Scores], profile: str = "standard") -> tuple[float, float]:
    """Return the highest NAB score, and the threshold that gives it."""
    thresholds, points = curve(corpus, scores, profile)
    at = int(np.argmax(points))
    return float(points[at]), float(thresholds[at])


def with_threshold(corpus: Sequence[Series], scores: Sequence[Scores], threshold: float) -> float:
    """Return the standard NAB score with a given threshold."""
    thresholds, points = curve(corpus, scores)
    return float(points[np.searchsorted(-thresholds, -threshold, side="right") - 1])


def other_half(corpus: Sequence[Series], scores: Sequence[Scores], seed: int = 1) -> Scores:
    """Return, for each of many halvings of the corpus, the score of one half with the other's threshold."""
    rng = np.random.default_rng(seed)
    points = []
    for _ in range(_HALVINGS):
        chosen = rng.permutation(len(corpus))
        here, there = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]
        _, threshold = best([corpus[i] for i in here], [scores[i] for i in here])
        points.append(with_threshold([corpus[i] for i in there], [scores[i] for i in there], threshold))
    return np.array(points)
