"""What users use goes in by the row, and is kept as rolling sums of the last hour, day and week of event time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Words
from detectors.heavy_hitters import HeavyHitters

HOUR_NS = 3_600 * 10**9
SHIFT = 8  # hours; what is slow to change is brought up to date when one ends
SHIFT_NS = SHIFT * HOUR_NS
HOUR, DAY, SHIFTED, WEEK = range(4)
SPANS = np.array([1.0, 24.0])  # hours after which what was used counts 1/e, of the windows that alarms are for
WEEK_SPAN = 168.0
# What is used late in a shift is entered for more than it is, so that what was entered before need not be touched.
_RISE = np.exp(np.arange(SHIFT * 60)[:, None] / 60 / SPANS)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one shift in order of event time: the number of the first in its shard, `minute` (int64[n], 0 to 479)
    of the shift, `time_unix_nano` (int64[n], never falling), who each is about, and the inferences' ids."""

    event: int
    time_unix_nano: NDArray[np.int64]
    minute: NDArray[np.int64]
    who: Words
    inference_id: list[str]

    def __len__(self) -> int:
        return len(self.inference_id)

    def rows(self, start: int, stop: int) -> "Piece":
        """Return the rows from one to another."""
        return Piece(
            self.event + start,
            self.time_unix_nano[start:stop],
            self.minute[start:stop],
            Words(self.who.codes[start:stop], self.who.labels),
            self.inference_id[start:stop],
        )


class Rolling:
    """Sums of one quantity, of each heavy user and of all: faded over an hour and a day, and over a week the usual.

    The usual is what was known when the shift began, so that what happens now is not usual at once. Amounts are whole
    numbers of quanta; rates are quanta an hour.
    """

    def __init__(self) -> None:
        self.heavy = HeavyHitters(windows=4)
        self.totals = np.zeros(4)
        self.start = -1  # event time of the first row that is known, nanoseconds; below 0 while there is none
        self.turn(0, 0)

    @property
    def age(self) -> float:
        """Hours that were known when the shift began."""
        return max(self._shift * SHIFT_NS - self.start, 0) / HOUR_NS if self.start >= 0 else 0.0

    def known_from(self, time_unix_nano: int) -> None:
        """Say when the first row came of which the amount is known, be it 0."""
        if self.start < 0:
            self.start = time_unix_nano
            self._begin(self._shift)

    def turn(self, shift: int, passed: int) -> None:
        """Begin a shift, numbered since 1970, `passed` shifts after the one before: what was becomes usual."""
        hours = passed * SHIFT
        factors = np.exp([-hours / SPANS[HOUR], -hours / SPANS[DAY], 0.0, -hours / WEEK_SPAN])
        self.heavy.move(SHIFTED, into=WEEK)
        self.totals[WEEK] += self.totals[SHIFTED]
        self.totals[SHIFTED] = 0.0
        self.heavy.fade(factors)
        self.totals = np.rint(self.totals * factors)
        self._begin(shift)

    def add(
        self, who: Words, minute: NDArray[np.int64], amounts: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Add n rows that fit; return what their users had right after each, float64[n, 4], and what all had."""
        entered = np.zeros((len(amounts), 4))
        entered[:, :2] = np.rint(amounts[:, None] * _RISE[minute])
        entered[:, SHIFTED] = amounts
        entered_by_all = self.totals + np.cumsum(entered, axis=0)
        self.totals = entered_by_all[-1] if len(amounts) else self.totals
        return self.heavy.add(who, entered), entered_by_all

    def rates(self, had: NDArray[np.float64], minute: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the rates of an hour and a day, float64[n, 2], of what had been entered by some minutes, [n, 4]."""
        rates: NDArray[np.float64] = had[:, :2] / self._entered_as[minute]
        return rates

    def usual(self, had: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the usual rates, float64[n], of what had been entered, float64[n, 4]."""
        usual: NDArray[np.float64] = had[:, WEEK] / self._week
        return usual

    def state(self) -> dict[str, Any]:
        """Return what was summed."""
        return {
            "heavy": self.heavy.state(),
            "totals": self.totals.copy(),
            "start": self.start,
            "shift": self._shift,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Rolling":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        rolling = cls()
        rolling.heavy = HeavyHitters.restore(state["heavy"])
        rolling.totals = state["totals"]
        rolling.start = state["start"]
        rolling._begin(state["shift"])
        return rolling

    def _begin(self, shift: int) -> None:
        """Work out over how many hours each minute's sums reach back, what fades and what is not known yet left out."""
        self._shift = shift
        known = (shift * SHIFT_NS - self.start) / HOUR_NS + np.arange(SHIFT * 60)[:, None] / 60
        self._entered_as = _RISE * SPANS * -np.expm1(-np.maximum(known, 1 / 60) / SPANS)
        self._week = WEEK_SPAN * -np.expm1(-max(self.age, 1 / 60) / WEEK_SPAN)
