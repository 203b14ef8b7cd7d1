"""Standardised residuals of streams go in; what they would be if they were normal comes out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

_REACH, _CELLS = 5.0, 162  # standard deviations; two cells lie beyond
_EDGES = np.linspace(-_REACH, _REACH, _CELLS - 1)
# The cell of 0 begins half a cell below it: of a value that is always as expected, rounding may make either.
_NOTHING = (_CELLS - 2) // 2
_EDGES[_NOTHING] = -_REACH / (_CELLS - 2)
# A value that comes often, 0 say, moves between cells as the expectation does: what is learned of a cell is said of its
# neighbours too, up to a third of a standard deviation away.
_BLUR = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 2.5**2))
_BLUR /= _BLUR.sum()
_BELIEVED = 50.0  # how many values the normal distribution counts for, before any is known
_MEMORY = 0.9  # what was learned is worth when it is learned anew, each day


class NormalScores:
    """Puts each stream's residuals through their own distribution, as far as it is known, into a normal one.

    The distribution is a histogram of 162 cells, so it may be skewed, heavy-tailed, have two humps or be mostly one
    value. A residual's score is the mean of the normal distribution over the quantiles of its cell: so scores are 0 on
    average whatever the distribution, and their exponentials are no larger than normal ones (Jensen). It is learned
    from values that have been through quarantine, like the reference.
    """

    def __init__(self) -> None:
        self._learned = np.zeros((0, _CELLS), np.float32)
        self._waiting = np.zeros((0, _CELLS), np.float32)
        self._tables = np.zeros((0, _CELLS))  # the score of each cell
        self._stale = np.zeros(0, np.bool_)  # tables that are to be worked out when they are next asked for

    def grow(self, streams: int) -> None:
        """Add streams."""
        empty = np.zeros((streams, _CELLS), np.float32)
        self._learned = np.concatenate([self._learned, empty])
        self._waiting = np.concatenate([self._waiting, empty])
        self._forget_tables()

    def scored(self, streams: NDArray[np.intp], residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of some streams' residuals, float64[n, k] of intp[k] streams; NaN stays NaN."""
        for stream in streams[self._stale[streams]].tolist():
            self._tables[stream], self._stale[stream] = self._derived(stream), False
        known = ~np.isnan(residuals)
        scores = self._tables[streams, _cells(np.where(known, residuals, 0.0))]
        return np.where(known, scores, np.nan)

    def learn(self, streams: NDArray[np.intp], residuals: NDArray[np.float64]) -> None:
        """Put some streams' residuals, float64[n, k] of intp[k] streams, into quarantine."""
        known = ~np.isnan(residuals)
        places = _cells(np.where(known, residuals, 0.0)) + np.arange(len(streams)) * _CELLS
        counted = np.bincount(places[known], minlength=len(streams) * _CELLS)
        self._waiting[streams] += counted.reshape(-1, _CELLS).astype(np.float32)

    def settle(self, stream: int) -> None:
        """Learn what waits."""
        self._learned[stream] = self._learned[stream] * np.float32(_MEMORY) + self._waiting[stream]
        self._waiting[stream] = 0
        self._stale[stream] = True

    def forget(self, stream: int) -> None:
        """Drop what waits: it belongs to a change."""
        self._waiting[stream] = 0

    def reset(self, stream: int) -> None:
        self._learned[stream] = self._waiting[stream] = 0
        self._stale[stream] = True

    def _forget_tables(self) -> None:
        self._tables, self._stale = np.zeros(self._learned.shape), np.ones(len(self._learned), np.bool_)

    def _derived(self, stream: int) -> NDArray[np.float64]:
        learned = self._learned[stream].astype(np.float64)
        count, blurred = learned.sum(), learned.copy()
        blurred[1:-1] = np.convolve(np.pad(learned[1:-1], len(_BLUR) // 2, "symmetric"), _BLUR, "valid")
        below = np.cumsum(blurred)[:-1]
        share = np.concatenate([[0.0], (below + _BELIEVED * ndtr(_EDGES)) / (count + _BELIEVED), [1.0]])
        density = np.exp(-(ndtri(share) ** 2) / 2) / np.sqrt(2 * np.pi)
        scores = np.clip((density[:-1] - density[1:]) / np.diff(share), -_REACH, _REACH)
        # Of what was learned, not blurred: bets must be fair on values as they come.
        likely = (learned + _BELIEVED * np.diff(ndtr(_EDGES), prepend=0.0, append=1.0)) / (count + _BELIEVED)
        scores -= likely @ scores
        return np.asarray(scores / max(1.0, float(np.sqrt(likely @ scores**2))))

    def state(self) -> dict[str, Any]:
        return {"learned": self._learned, "waiting": self._waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._learned, self._waiting = state["learned"], state["waiting"]
        self._forget_tables()


def _cells(residuals: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the cell of each residual."""
    residuals = np.where(np.abs(residuals) <= -_EDGES[_NOTHING], 0.0, residuals)
    at = np.floor((np.clip(residuals, -2 * _REACH, 2 * _REACH) + _REACH) * ((_CELLS - 2) / (2 * _REACH)))
    return np.asarray(np.clip(at + 1, 0, _CELLS - 1), np.intp)
