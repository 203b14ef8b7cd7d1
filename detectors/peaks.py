"""The highest value of each hour goes in; out comes how high a value has to be to be rare."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

HOURS = 336  # two weeks are remembered
LEAST = 24  # hours before anything is called rare
_UPPER, _HIGH = -np.log(-np.log(np.array([0.75, 0.95])))  # of the standard Gumbel distribution
_NARROWEST = 0.2  # scale that is believed, however alike the peaks were


class Peaks:
    """Hourly peaks, and the Gumbel distribution through their 75% and 95% quantiles.

    The maximum of many values with an exponential tail is about Gumbel's (Gumbel 1958); through quantiles, because an
    incident among the peaks should not hide the next one. A value looks back over `span` hours, so that a high one
    comes with about as many others: they count as one, and the scale, learned from n such, is widened by 1 + 2/√n.
    """

    def __init__(self, span: float) -> None:
        self.span = span
        self._together = float(np.log(span))
        self.seen = np.empty(0, np.float32)
        self._derive()

    def learn(self, peaks: NDArray[np.float64]) -> None:
        """Add the peaks of the next hours."""
        self.seen = np.concatenate([self.seen, peaks.astype(np.float32)])[-HOURS:]
        self._derive()

    def rarity(self, value: float) -> float:
        """Return -log of the chance that an hour's peak exceeds `value`."""
        return max(float((value - self._mode) / self._scale), 0.0) + self._together

    def limit(self, rarity: float) -> float:
        """Return the value of such a rarity: infinity while too few peaks were seen."""
        return float(self._mode + max(rarity - self._together, 0.0) * self._scale)

    def state(self) -> dict[str, Any]:
        """Return what was seen."""
        return {"span": self.span, "seen": self.seen.copy()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Peaks":
        """Return what `state` was taken of."""
        peaks = cls(state["span"])
        peaks.learn(state["seen"])
        return peaks

    def _derive(self) -> None:
        self._mode, self._scale = np.inf, 1.0
        if len(self.seen) >= LEAST:
            upper, high = np.quantile(self.seen.astype(np.float64), (0.75, 0.95))
            scale = max(float(high - upper) / (_HIGH - _UPPER), _NARROWEST)
            self._mode = float(upper) - scale * _UPPER
            self._scale = scale * (1 + 2 / np.sqrt(max(len(self.seen) / self.span, 1.0)))
