"""What `Levels.weigh` is to give, said plainly: one row and one stream after another, in Python's own numbers."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.alternatives import ODDS, SHIFTS
from detectors.levels import Levels
from detectors.metrics import Kind

Table = NDArray[np.float64]


def plainly(levels: Levels, times: NDArray[np.int64], values: Table) -> tuple[Table, Table, Table]:
    """Return scores, excess and back of the next rows, float64[n, S] each, and change nothing."""
    streams = [_Stream(levels, stream) for stream in range(values.shape[1])]
    said = [
        [each.weigh(float(value), int(time)) for each, value in zip(streams, row, strict=True)]
        for time, row in zip(times, values, strict=True)
    ]
    scores, excess, back = np.moveaxis(np.array(said), 2, 0)
    return scores, excess, back


class _Stream:
    """One stream: evidence M of each alternative, M <- (M + 1) L, and of its return where it is open."""

    def __init__(self, levels: Levels, stream: int) -> None:
        self.levels, self.stream, self.reference = levels, stream, levels.reference
        self.rate = levels.metrics[stream].kind is Kind.RATE
        self.spread, self.wobble = float(self.reference.spread[stream]), float(self.reference.wobble[stream])
        self.half = float(levels.open[stream])
        detectors, back = levels._detectors, levels._back
        self.weights = detectors.weights[stream].tolist()
        self.evidence = (np.exp(detectors.sums[stream]) * detectors.begun[stream]).tolist()
        self.returning = float(np.exp(back.sums[stream, 0]) * back.begun[stream, 0])

    def weigh(self, value: float, time: int) -> tuple[float, float, float]:
        level, error = (float(each[0, self.stream]) for each in self.reference.expected(np.array([time])))
        known = not math.isnan(value) and self.spread > 0
        score = self._score(value, level) if known else math.nan
        if known and self.half:
            ratio = self._return(value, score, level)
            self.returning = (self.returning + 1) * math.exp(min(max(ratio, -5.0), 5.0))
        elif known:
            ratios = self._rate(value, level, error) if self.rate else self._number(score, error)
            self.evidence = [
                (evidence + 1) * math.exp(min(max(ratio, -5.0), 5.0))
                for evidence, ratio in zip(self.evidence, ratios, strict=True)
            ]
        total = sum(weight * evidence for weight, evidence in zip(self.weights, self.evidence, strict=True))
        excess = _log(total) - float(self.levels._thresholds[self.stream]) if not self.half else -math.inf
        back = _log(self.returning) - math.log(1e5) if known and self.half else -math.inf
        return score, excess, back

    def _score(self, value: float, level: float) -> float:
        if self.rate:
            p = min(max(float(self.reference.centre[self.stream]), 5e-3), 1 - 5e-3)
            return (value - level) / math.sqrt(p * (1 - p))
        residual = min(max((value - level) / self.spread, -10.0), 10.0)
        cell = math.floor(((0.0 if abs(residual) <= 1 / 32 else residual) + 5) * 16) + 1
        return float(self.levels._scores._derived(self.stream)[min(max(cell, 0), 161)])

    def _rate(self, value: float, level: float, error: float) -> Sequence[float]:
        width = math.hypot(1.2 * error, 2.3 * self.wobble)
        ratios = []
        for odds in ODDS.tolist():
            edge = min(max(level + (width if odds > 1 else -width), 1e-5), 1 - 1e-5)
            ratios.append(value * math.log(odds) - math.log1p((odds - 1) * edge))
        return ratios

    def _number(self, score: float, error: float) -> Sequence[float]:
        wobble = self.wobble / self.spread
        width = math.hypot(1.2 * error / self.spread, 2.3 * wobble)
        ratios = []
        for shift in SHIFTS.tolist():
            beyond = math.copysign(math.hypot(shift, 3.0 * wobble), shift)
            ratios.append(beyond * (score - math.copysign(width, shift)) - beyond**2 / 2)
        return ratios

    def _return(self, value: float, score: float, level: float) -> float:
        if self.rate:
            p = min(max(level, 1e-5), 1 - 1e-5)
            return math.log1p(math.expm1(self.half) * p) - value * self.half
        return self.half**2 / 2 - self.half * score


def _log(evidence: float) -> float:
    return math.log(evidence) if evidence else -math.inf
