"""Standardised residuals of streams go in; what they would be if they were normal comes out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

LIMIT = 4.0  # scores beyond it count as it
_EDGES = np.linspace(-5.0, 5.0, 161)
_BELIEVED = 500.0  # how many values the normal distribution counts for, before any is known
_MEMORY = 0.9  # what was learned is worth when it is learned anew, each day


class NormalScores:
    """Puts each stream's residuals through their own distribution, as far as it is known, into a normal one.

    The distribution is a histogram of 162 cells, so it may be skewed, heavy-tailed or have two humps. It is learned
    from values that have been through quarantine, like the reference.
    """

    def __init__(self) -> None:
        self._learned = np.zeros((0, len(_EDGES) + 1), np.float32)
        self._waiting = np.zeros((0, len(_EDGES) + 1), np.float32)
        self._scores = np.zeros((0, len(_EDGES)))

    def grow(self) -> None:
        """Add a stream."""
        empty = np.zeros((1, len(_EDGES) + 1), np.float32)
        self._learned = np.concatenate([self._learned, empty])
        self._waiting = np.concatenate([self._waiting, empty])
        self._scores = np.concatenate([self._scores, np.clip(_EDGES, -LIMIT, LIMIT)[None]])

    def scored(self, stream: int, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of a stream's residuals, float64[n]; NaN stays NaN."""
        scores: NDArray[np.float64] = np.interp(residuals, _EDGES, self._scores[stream])
        return scores

    def learn(self, stream: int, residuals: NDArray[np.float64]) -> None:
        """Put a stream's residuals into quarantine."""
        known = residuals[~np.isnan(residuals)]
        cells = np.searchsorted(_EDGES, known)
        self._waiting[stream] += np.bincount(cells, minlength=len(_EDGES) + 1).astype(np.float32)

    def settle(self, stream: int) -> None:
        """Learn what waits."""
        self._learned[stream] = self._learned[stream] * np.float32(_MEMORY) + self._waiting[stream]
        self._waiting[stream] = 0
        self._derive(stream)

    def forget(self, stream: int) -> None:
        """Drop what waits: it belongs to a change."""
        self._waiting[stream] = 0

    def reset(self, stream: int) -> None:
        self._learned[stream] = self._waiting[stream] = 0
        self._derive(stream)

    def _derive(self, stream: int) -> None:
        count = self._learned[stream].sum(dtype=np.float64)
        below = np.cumsum(self._learned[stream], dtype=np.float64)[:-1]
        share = (below + _BELIEVED * ndtr(_EDGES)) / (count + _BELIEVED)
        self._scores[stream] = np.clip(ndtri(share), -LIMIT, LIMIT)

    def state(self) -> dict[str, Any]:
        return {"learned": self._learned, "waiting": self._waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._learned, self._waiting = state["learned"], state["waiting"]
        self._scores = np.zeros((len(self._learned), len(_EDGES)))
        for stream in range(len(self._learned)):
            self._derive(stream)
