"""Values of streams go in, hour by hour; what each of them is expected to be at an hour of the week comes out."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.week import Fit, bin_number, fit, place

START = 300  # values from which a stream has a reference at all
_MEMORY = 0.7  # what a week is worth when the next one has come
_GROWN = 1.5  # a reference is learned anew when so much more is known, and each day
_ROUNDED = 1e-5  # of a level, the least spread: what float32 rounds of one is a hundredth of that, and is no change
_NONE = np.iinfo(np.int64).min


class SeasonalReference:
    """What S streams are at rest, by the hour of the week: level, its error, the spread of a value, and wobble.

    Values wait in quarantine before they are learned: as the reference grows, up to a day. So what a change brings is
    not learned before the change can be noticed, and dropped once it is (`forget`). A stream that is `held` (a
    finding is open, or a person has pinned it) learns nothing. What is learned fades by 0.7 a week. A reference is
    learned anew (`detectors.week.fit`) when half more is known, and each day; between, nothing moves.

    Parameters
    ----------
    bins
        Of a week: 168 are hours.

    >>> reference = SeasonalReference(168)
    >>> reference.grow(1)
    >>> hours = np.arange(0, 14 * 24, 0.05)
    >>> times = (hours * 3.6e12).astype(np.int64)
    >>> by_day = (hours % 24 > 8) & (hours % 24 < 20)
    >>> busy = 1.0 + by_day + np.random.default_rng(1).normal(0, 0.1, len(hours))
    >>> for now, value in zip(times, busy):
    ...     _ = reference.advance(int(now))
    ...     reference.learn(np.array([now]), np.array([[value]]))
    >>> noon_and_midnight = np.array([12, 24]) * 3_600_000_000_000 + 14 * 86_400_000_000_000
    >>> reference.expected(noon_and_midnight)[0].round(1).tolist()
    [[2.0], [1.0]]
    """

    def __init__(self, bins: int) -> None:
        self.bins = bins
        self.now = _NONE  # the latest bin that events have reached
        self.centre = np.zeros(0)
        self.spread = np.zeros(0)  # of a single value; 0: there is no reference yet
        self.wobble = np.zeros(0)
        self.held = np.zeros(0, np.bool_)
        self._day = bins // 7
        self._variances = np.zeros((0, 4))
        self._fitted = np.zeros(0)  # values learned when the reference was
        self._fitted_at = np.zeros(0, np.int64)
        self._fitted_days = np.zeros(0, np.int64)  # of the week, seen by then
        self._within = np.zeros((0, 2))  # sum of squares within bins, degrees of freedom
        self._count = np.zeros((0, bins), np.float32)
        self._sum = np.zeros((0, bins), np.float32)
        self._weeks = np.zeros((0, bins), np.float32)
        self._level = np.zeros((0, bins), np.float32)
        self._error = np.zeros((0, bins), np.float32)
        self._parent = np.zeros((0, bins), np.float32)  # the shape of a week to lean on
        # The quarantine: bins of the last day, by number modulo; what of them has been learned early.
        self._waiting = np.zeros((0, self._day + 1, 3))  # count, sum, sum of squares
        self._begun = np.zeros((0, self._day + 1), np.bool_)

    @property
    def streams(self) -> int:
        return len(self.centre)

    def grow(self, streams: int) -> None:
        """Add streams of which nothing is known."""
        for name, value in self._arrays().items():
            empty = np.zeros((streams, *value.shape[1:]), value.dtype)
            setattr(self, name, np.concatenate([value, empty]))

    def lean(self, stream: int, shape: NDArray[np.float32]) -> None:
        """Let a stream lean on a week's shape, as `shape` gives it of another: what it has not seen is like that."""
        self._parent[stream] = shape

    def shape(self, stream: int) -> NDArray[np.float32] | None:
        """Return the shape of a stream's week, in deviations of a value from its centre (float32[bins]); None while
        less than a week has been seen."""
        if not self.spread[stream] or self.share_seen()[stream] < 1:
            return None
        return np.asarray((self._level[stream] - self.centre[stream]) / self.spread[stream], np.float32)

    def expected(self, times: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return, for n times, the level of each stream and its standard error, both float64[n, S]."""
        below, far = place(times, self.bins)
        above, far = (below + 1) % self.bins, far[:, None]
        level = self._level[:, below].T * (1 - far) + self._level[:, above].T * far
        error = self._error[:, below].T * (1 - far) + self._error[:, above].T * far
        return level, error

    def learn(self, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Put values, float64[n, S] with NaN for "not known", into quarantine; too late ones, and those of streams that
        are held, are left out."""
        numbers = bin_number(times, self.bins)
        for number in (came := dict.fromkeys(numbers.tolist())):
            if number > self.now - self._day:
                rows = values if len(came) == 1 else values[numbers == number]  # the rest came late
                known = ~np.isnan(rows) & ~self.held
                filled = np.where(known, rows, 0.0)
                slot = number % (self._day + 1)
                told = np.stack([known, filled, filled * filled], axis=2)
                # One after another: the sum must not depend on how rows are cut into blocks.
                carried = np.concatenate([self._waiting[None, :, slot], told])
                self._waiting[:, slot] = np.add.accumulate(carried, axis=0)[-1]

    def advance(self, time: int) -> list[int]:
        """Tell that events have reached this time, before they are learned; return the streams learned anew."""
        now = int(bin_number(np.array([time]), self.bins)[0])
        if now <= self.now:
            return []
        for number in range(self.now - self._day + 1, self.now + 1) if self.now != _NONE else ():
            self._mature(number, now)
        self.now = now
        return self._refit()

    def begin(self) -> list[int]:
        """Learn at once what waits, where hardly anything has been learned; return the streams learned anew."""
        new = np.flatnonzero((self._count > 0).sum(axis=1) < self._day)
        for number in range(self.now - self._day + 1, self.now + 1):
            self._take(new, number)
        return self._refit()

    def forget(self, stream: int, since: int) -> None:
        """Drop what waits from this time on: it belongs to a change."""
        first = int(bin_number(np.array([since]), self.bins)[0])
        for number in range(max(first, self.now - self._day), self.now + 1):
            self._waiting[stream, number % (self._day + 1)] = 0

    def accept(self, stream: int, shift: float, values: float) -> None:
        """Move a stream's level by what so many values were off: that is the new normal, from now on. What was learned
        counts for as many values, and for a day at most; what waits is from before, and dropped."""
        known, seen = float(self._count[stream].sum(dtype=np.float64)), int((self._count[stream] > 0).sum())
        self._sum[stream] += (shift * self._count[stream]).astype(np.float32)
        shrunk = np.float32(min(1.0, self._day / max(seen, 1), values / max(known, 1.0)))
        for each in (self._count, self._sum, self._weeks, self._within):
            each[stream] *= shrunk
        self._waiting[stream] = 0
        self._fitted[stream] = 0
        self._fit(stream, float(self._count[stream].sum(dtype=np.float64)), {})
        self._fitted_days[stream] = self._days()[stream]

    def reset(self, stream: int) -> None:
        """Forget all about a stream."""
        for value in self._arrays().values():
            value[stream] = 0

    def a_week(self) -> NDArray[np.float64]:
        """Return how many values of each stream come in a week, as far as is known."""
        seen = (self._count > 0).sum(axis=1)
        per_bin = np.divide(self._count, self._weeks, out=np.zeros_like(self._count), where=self._weeks > 0)
        return np.asarray(per_bin.sum(axis=1, dtype=np.float64) * self.bins / np.maximum(seen, 1))

    def learned(self, stream: int) -> float:
        """Return how many values a stream's reference is made of; older ones count for less."""
        return float(self._fitted[stream])

    def share_seen(self) -> NDArray[np.float64]:
        """Return which share of the week's bins has been seen."""
        return np.asarray((self._count > 0).mean(axis=1))

    def weeks(self, stream: int) -> float:
        """Return how many weeks a stream's bins have been seen in, on average; older ones count for less."""
        seen = self._weeks[stream][self._count[stream] > 0]
        return float(seen.mean()) if len(seen) else 0.0

    def week(self, stream: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a stream's levels and their errors (float32[bins] both), for people to look at."""
        return self._level[stream], self._error[stream]

    def _mature(self, number: int, now: int) -> None:
        """Learn a bin in the streams in which it has waited for long enough."""
        slot = number % (self._day + 1)
        if not (self._waiting[:, slot, 0].any() or self._begun[:, slot].any()):
            return
        seen = (self._count > 0).sum(axis=1)
        ready = now - number >= np.minimum(self._day, seen // 7 + 1)
        self._take(np.flatnonzero(ready), number)
        if now - number >= self._day:
            self._waiting[:, slot] = 0
            self._begun[:, slot] = False

    def _take(self, streams: NDArray[np.intp], number: int) -> None:
        slot, bin_ = number % (self._day + 1), number % self.bins
        streams = streams[~self.held[streams] & (self._waiting[streams, slot, 0] > 0)]
        count, total, squares = self._waiting[streams, slot].T
        fading = np.where(self._begun[streams, slot], 1.0, _MEMORY)
        weeks = self._weeks[streams, bin_]
        self._weeks[streams, bin_] = np.where(self._begun[streams, slot], weeks, weeks * _MEMORY + 1.0)
        self._count[streams, bin_] = self._count[streams, bin_] * fading + count
        self._sum[streams, bin_] = self._sum[streams, bin_] * fading + total
        within = np.stack([squares - total**2 / count, count - 1], axis=1)
        self._within[streams] = self._within[streams] * _MEMORY ** (1 / self.bins) + within
        self._waiting[streams, slot] = 0
        self._begun[streams, slot] = True

    def _refit(self) -> list[int]:
        known, days = self._count.sum(axis=1, dtype=np.float64), self._days()
        due = (known >= _GROWN * self._fitted) | (self.now >= self._fitted_at + self._day)
        due |= days > self._fitted_days  # a day of the week that is seen for the first time is a doubt less
        anew = np.flatnonzero((known >= START) & due & ~self.held & (known != self._fitted)).tolist()
        fitted: dict[bytes, Fit] = {}  # words that never came are all alike
        for stream in anew:
            self._fit(stream, float(known[stream]), fitted)
        self._fitted_days[anew] = days[anew]
        return anew

    def _fit(self, stream: int, known: float, fitted: dict[bytes, Fit]) -> None:
        """Learn a stream's week anew; `fitted` are fits by what they were made of, and takes up this one."""
        count, total = self._count[stream].astype(np.float64), self._sum[stream].astype(np.float64)
        centre = total.sum() / known
        squares, freedom = self._within[stream]
        level = np.divide(total, count, out=np.full(self.bins, centre), where=count > 0)
        spread = np.sqrt((max(squares, 0.0) + 1e-9) / max(freedom, 1.0))  # of equal values, rounding may leave less
        spread, mean = max(spread, _ROUNDED * np.abs(level).max()), level - centre
        first = self._variances[stream] if self._fitted[stream] else None
        parent = self._parent[stream].astype(np.float64)
        said = mean / spread - parent
        made_of = b"".join(
            each.tobytes() for each in (said, self._count[stream], self._weeks[stream], parent, self._variances[stream])
        ) + bytes([first is None])
        week = fitted.get(made_of)
        if week is None:
            left = _left(self._weeks[stream].astype(np.float64))
            week = fitted[made_of] = fit(said, count, left, first, leans=bool(parent.any()))
        self.centre[stream], self.spread[stream], self.wobble[stream] = centre, spread, week.wobble * spread
        self._level[stream] = centre + (week.level + parent) * spread
        self._error[stream] = week.error * spread
        self._variances[stream] = week.variances
        self._fitted[stream], self._fitted_at[stream] = known, self.now

    def _days(self) -> NDArray[np.int64]:
        """Count the days of the week that have been seen of each stream."""
        seen = (self._count > 0).reshape(self.streams, 7, self._day)
        return np.asarray(seen.any(axis=2).sum(axis=1))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def state(self) -> dict[str, Any]:
        """Return all that it knows, as arrays and numbers."""
        return {"now": self.now, **self._arrays()}

    @classmethod
    def restore(cls, bins: int, state: Mapping[str, Any]) -> Self:
        """Make it again of its state."""
        reference = cls(bins)
        vars(reference).update(state)
        return reference


def _left(weeks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of wobble that is left in means over so many faded weeks: sum of squares over square of sum.

    `weeks` is the sum of 1, m, m², …; m to the number of weeks follows from it.
    """
    faded = 1 - np.maximum(weeks, 1.0) * (1 - _MEMORY)
    squares = (1 - faded**2) / (1 - _MEMORY**2)
    return np.asarray(squares / np.maximum(weeks, 1.0) ** 2)
