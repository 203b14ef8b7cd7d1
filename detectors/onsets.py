"""Sums of log-likelihood ratios go in, row by row; since when an alternative has been likelier than rest comes out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SOON = -1  # the time of a row that has not come yet


class Onsets:
    """Where the sum of log-likelihood ratios was least, for S streams and K alternatives.

    That is where a change to this alternative most likely began: the maximum-likelihood estimate, and the place from
    which a CUSUM would count (E. S. Page. Continuous inspection schemes. Biometrika 41, 1954). At rest the sums fall,
    so the place is always near.
    """

    def __init__(self, alternatives: int) -> None:
        self.rows = 0
        self._total = np.zeros((0, alternatives))  # of stretches that are over
        self._low = np.zeros((0, alternatives))
        self._row = np.zeros((0, alternatives), np.int64)
        self._time = np.zeros((0, alternatives), np.int64)

    def grow(self, streams: int) -> None:
        """Add streams."""
        new = (streams, self._total.shape[1])
        self._total, self._low = (np.concatenate([each, np.zeros(new)]) for each in (self._total, self._low))
        self._row = np.concatenate([self._row, np.full(new, self.rows)])
        self._time = np.concatenate([self._time, np.full(new, _SOON)])

    def extend(self, sums: NDArray[np.float64], times: NDArray[np.int64], *, over: bool) -> None:
        """Take the sums after each of the next n rows (float64[n, S, K], counted from the beginning of a stretch) and
        their times; `over` says that the stretch ends with them."""
        self._time[self._time == _SOON] = times[0]
        total = self._total + sums
        last = len(sums) - 1 - total[::-1].argmin(axis=0)
        low = np.take_along_axis(total, last[None], axis=0)[0]
        lower = low <= self._low
        self._low = np.where(lower, low, self._low)
        self._row = np.where(lower, self.rows + last + 1, self._row)
        after = np.append(times[1:], _SOON)
        self._time = np.where(lower, after[last], self._time)
        self.rows += len(sums)
        if over:
            self._total = self._total + sums[-1]

    def since(self, stream: int, sums: NDArray[np.float64], believed: NDArray[np.float64], now: int) -> tuple[int, int]:
        """Return the row and the time at which the likeliest change of a stream began, given its sums after the last
        row and how much each alternative is believed in (float64[K] both), and that row's time."""
        with np.errstate(divide="ignore"):
            gained = self._total[stream] + sums - self._low[stream] + np.log(believed)
        best = int(gained.argmax())
        time = int(self._time[stream, best])
        return min(int(self._row[stream, best]), self.rows - 1), now if time == _SOON else time

    def forget(self, stream: int) -> None:
        """Begin anew with a stream, whose sums within the stretch are 0 again."""
        self._total[stream] = self._low[stream] = 0.0
        self._row[stream], self._time[stream] = self.rows, _SOON

    def state(self) -> dict[str, Any]:
        return {"rows": self.rows, "total": self._total, "low": self._low, "row": self._row, "time": self._time}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.rows, self._total, self._low = state["rows"], state["total"], state["low"]
        self._row, self._time = state["row"], state["time"]
