"""Hours of a segment's traffic go in; out comes how many answers a minute are usual, and how well that is known."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WEEK, _DAY = 168, 24  # hours
_KEEP = 0.8  # of an hour of the week, each time it comes round: a memory of five weeks
_TRUST = 1.0  # answers that its hour of the day counts for an hour of the week
VARY = 0.02  # relative variance of an hour's traffic between weeks
LEARNING = 24  # hours before traffic is compared with what was learned
_TODAY, _TREND = 0.5, 0.99  # of what counts for today, and for growth, each hour
_TREND_FIRST = 10.0  # answers


class UsualTraffic:
    """A rate for each hour of the week, read between the middles of hours on a straight line.

    Counts and hours that fade, shrunk to the hour of the day and that to the whole (gamma-Poisson), so that little is
    believed of an hour that was hardly seen. Rates grow and fall with the traffic of the last days. In an hour of the
    week that was never seen, the last hours say how today compares: a first Saturday is not an outage, a stop on the
    first Tuesday noon is.
    """

    def __init__(self) -> None:
        self._counts, self._hours = np.zeros(_WEEK), np.zeros(_WEEK)
        self.learned = 0  # hours
        self._hour, self._count, self._minutes, self._expected = -1, 0, 0, 0.0  # of the hour that is filling
        self._today, self._trend = [0.0, 0.0], [_TREND_FIRST, _TREND_FIRST]  # answers, expected
        self._rates = (0.0, 0.0, 0.0)  # of the hour before, this hour and the next
        self.trusted, self.weekly = 0.0, 1.0  # answers that this hour was learned from; answers a week

    def at(self, minute: int) -> tuple[float, float, float]:
        """Return what is usual in a minute of this hour: the line's answers between the lowest and the highest that may
        be meant. Where traffic ends at six sharp, the line is wrong for half an hour."""
        _, here, _ = self._rates
        line = self._line(minute)
        return min(line, here) / 60, line / 60, max(line, here) / 60

    def minute(self, minute: int, count: int) -> None:
        """Learn a minute of this hour."""
        low, _, high = self.at(minute)
        self._count += count
        self._minutes += 1
        # Of what may be meant, what came: a line that rises before traffic begins at six sharp tells of no lack.
        self._expected += min(max(count, low), high)

    def _line(self, minute: int) -> float:
        before, here, after = self._rates
        past = (minute % 60 + 0.5) / 60 - 0.5
        return here + (after - here) * past if past > 0 else here + (here - before) * past

    @property
    def hourly(self) -> float:
        """Answers that are usual in this hour."""
        return self._rates[1]

    def turn(self, hour: int, *, steady: bool) -> None:
        """Learn the hour that ends, its growth where it was `steady`, and read what is usual in the next (hours since
        1970)."""
        if self._hour >= 0:
            new = (float(self._count), self._expected) if self.learned >= LEARNING else (0.0, 0.0)
            self._today = [each * _TODAY + more for each, more in zip(self._today, new, strict=True)]
            if steady:
                self._trend = [each * _TREND + more for each, more in zip(self._trend, new, strict=True)]
            at = self._hour % _WEEK
            self._counts[at] = self._counts[at] * _KEEP + self._count
            self._hours[at] = self._hours[at] * _KEEP + self._minutes / 60
            self.learned += 1
        self._hour, self._count, self._minutes, self._expected = hour, 0, 0, 0.0
        if self.learned:
            self._read()

    def _read(self) -> None:
        around = (np.arange(-1, 2) + self._hour) % _WEEK
        mean = max(self._counts.sum() / self._hours.sum(), 1e-6)
        daily_counts, daily_hours = (_daily(each)[around % _DAY] for each in (self._counts, self._hours))
        daily = (daily_counts + 1.0) / (daily_hours + 1.0 / mean)
        rates = (self._counts[around] + _TRUST) / (self._hours[around] + _TRUST / daily)
        new = self._hours[around] == 0
        rates *= np.where(new, (self._today[0] + _TRUST) / (self._today[1] + _TRUST), self._trend[0] / self._trend[1])
        self.trusted = float(min(self._today[0], daily_counts[1]) if new[1] else self._counts[around[1]])
        # The hour before stays what it was: what it has just learned may be the incident.
        before = self._rates[1] if self.learned > 1 else float(rates[0])
        self._rates = (before, float(rates[1]), float(rates[2]))
        self.weekly = float(max(mean * _WEEK, 1.0))

    def state(self) -> dict[str, Any]:
        """Return what is remembered: two arrays and a few numbers, 3 KB."""
        return {
            "counts": self._counts.copy(),
            "hours": self._hours.copy(),
            "hour": [self.learned, self._hour, self._count, self._minutes, self._expected],
            "memory": [list(self._today), list(self._trend)],
            "usual": [list(self._rates), self.trusted, self.weekly],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._counts, self._hours = np.array(state["counts"]), np.array(state["hours"])
        self.learned, self._hour, self._count, self._minutes, self._expected = state["hour"]
        self._today, self._trend = (list(each) for each in state["memory"])
        (before, here, after), self.trusted, self.weekly = state["usual"]
        self._rates = (before, here, after)


def shape(answers: float) -> float:
    """Return the shape of the gamma of a rate that was learned from so many answers."""
    return 1.0 / (VARY + 1.0 / (_TRUST + answers))


def widened(answers: float) -> float:
    """Return by what factor such a rate may be off, two standard deviations."""
    return math.exp(2 / math.sqrt(shape(answers)))


def _daily(week: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = week.reshape(-1, _DAY).sum(axis=0)
    return total
