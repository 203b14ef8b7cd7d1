"""What users have used goes in; out comes how unusual it is, for them and for their shard."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.rolling import SHIFT, SPANS, WEEK_SPAN, Rolling

Floats = NDArray[np.float64]
LEAST_TIMES = 3.0  # the user's own usual
LEAST_SHARE = 0.01  # of what all usually use
LEAST_COUNT = np.array([20.0, 60.0])  # errors, or pieces of feedback, in an hour and in a day
_RARE_SHARE, _RARE_EVENTS = 0.001, 0.1  # of what all use, and an hour: the usual of a user who was never seen
_LARGEST = 2.0**40  # quanta in a row; more is taken for that much


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is used: its metric, its column in a block, and the smallest amount told apart. `counted`: 0 or 1 a row.
    `of_calls`: it has to be too large a share of the user's calls, too."""

    metric: str
    column: str
    quantum: float
    counted: bool = False
    of_calls: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls an hour of each row's user, at least and at most, over an hour and over a day (float64[n, 2]); and
    those that all users usually make."""

    least: Floats
    most: Floats
    usual: float

    def of(self, rows: slice | NDArray[np.int64]) -> "Calls":
        """Return the calls of some rows' users."""
        return Calls(self.least[rows], self.most[rows], self.usual)


class Level:
    """How much of a quantity is usual, of each user and of all, and in amounts of what size."""

    def __init__(self, quantity: Quantity) -> None:
        self.quantity = quantity
        self.rolling = Rolling()
        self._orders = np.zeros(64)  # quanta by the binary order of magnitude of the amount they came in
        self._derive(0.0)

    def amounts(self, values: Floats) -> Floats:
        """Return values, NaN for not known, as whole quanta; of what is not known, 0."""
        known = np.where(values >= 0, values, 0.0)
        return np.minimum(np.rint(known / self.quantity.quantum), _LARGEST)

    def learn_sizes(self, amounts: Floats) -> None:
        """Learn in amounts of what size it comes."""
        self._orders += np.bincount(np.frexp(amounts)[1], amounts, minlength=64)

    def turn(self, shift: int, passed: int) -> None:
        """Begin a shift, `passed` after the one before: what was becomes usual."""
        self.rolling.turn(shift, passed)
        self._orders = np.rint(self._orders * np.exp(-passed * SHIFT / WEEK_SPAN))
        self._derive(self._usual_size())

    def unusual(self, had: Floats, everybody: Floats, minute: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return how unusual it is what users had by these minutes, float64[n, 2] for an hour and a day, and whether it
        is much, too; `had` and `everybody` are float64[n, 4].

        That is the signed root of the Poisson deviance of amounts of the usual size, against what is usual of the user,
        and more when all others use more than usual. What the summary may have missed of the usual counts as used.
        """
        if not self._size:
            return np.zeros((len(had), 2)), np.zeros((len(had), 2), np.bool_)
        rates = self.rolling.rates(had, minute)
        others = self.rolling.rates(everybody, minute) - rates
        rising = np.maximum(others / (self.mean + self._floor), 1.0)
        usual = np.maximum(self.rolling.usual(had + self.rolling.heavy.missing), self._floor)[:, None] * rising
        expected = usual * SPANS / self._size
        seen = np.maximum(rates * SPANS / self._size, expected)
        deviance = seen * np.log(seen / expected) - seen + expected
        much = (rates >= LEAST_TIMES * usual) & (rates >= LEAST_SHARE * self.mean * rising)
        if self.quantity.counted:
            much &= rates * SPANS >= LEAST_COUNT / self.quantity.quantum
        return np.sqrt(2 * np.maximum(deviance, 0.0)), much

    def share_is_rare(self, had: Floats, minute: NDArray[np.int64], calls: Calls, rarity: float) -> NDArray[np.bool_]:
        """Return whether users had it in a share of their calls that chance gives less often than exp(-rarity).

        By Chernoff's bound on the binomial tail in its Poisson form, which holds for calls that are faded, too.
        """
        seen = self.rolling.rates(had, minute) * SPANS * self.quantity.quantum
        share = (self.mean * self.quantity.quantum + 0.01) / (calls.usual + 0.02)
        expected = np.maximum(calls.most * SPANS, seen) * min(share, 1.0)
        seen = np.maximum(seen, expected)
        tail: NDArray[np.bool_] = seen * np.log(seen / expected) - seen + expected >= rarity
        return tail

    def state(self) -> dict[str, Any]:
        """Return what was learned, as numpy arrays, texts and numbers."""
        return {"rolling": self.rolling.state(), "orders": self._orders.copy(), "size": self._size}

    @classmethod
    def restore(cls, quantity: Quantity, state: dict[str, Any]) -> "Level":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        level = cls(quantity)
        level.rolling = Rolling.restore(state["rolling"])
        level._orders[:] = state["orders"]
        level._derive(state["size"])
        return level

    def _derive(self, size: float) -> None:
        """Work out what holds for a shift: the mean an hour, the usual size, and what even the rarest users use."""
        self.mean = float(self.rolling.usual(self.rolling.totals[None])[0])
        self._size = 1 / self.quantity.quantum if self.quantity.counted else size
        self._floor = max(_RARE_SHARE * self.mean, _RARE_EVENTS * self._size)

    def _usual_size(self) -> float:
        """Return the mean size of an amount, in quanta, weighted by itself; 0 while none is known."""
        known = float(self._orders.sum())
        return float(self._orders @ (0.75 * np.exp2(np.arange(64)))) / known if known else 0.0
