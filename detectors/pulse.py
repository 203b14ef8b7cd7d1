"""Counts of a segment's answers go in, minute by minute; out comes when it falls silent, or has far fewer or more."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.episodes import Alarm, Episodes, Kind

_WEEK, _DAY = 168, 24  # hours
_KEEP = 0.8  # of an hour of the week, each time it comes round: a memory of five weeks
_TRUST = 1.0  # answers that its hour of the day counts for an hour of the week
_VARY = 0.02  # relative variance of an hour's traffic between weeks
_FOLD = 3.0  # a third of the usual, or three times, are what drop and surge mean
_LEARNING, _SILENT = 24, 48  # hours before traffic is compared with what was learned, and before anything is said
_BURST_MEMORY, _BURST_FIRST = 5000.0, 20.0  # expected answers
_BLOCK, _WILD = (
    10,
    30.0,
)  # minutes over which counts are compared with Poisson's, and the most that one comparison counts
_TODAY, _TREND = 0.5, 0.99  # of what counts for today, and for growth, each hour
_TREND_FIRST = 10.0  # answers
_RETURNED = 1.0  # nats of usual traffic that end a silence
SILENCE = 2
KINDS: tuple[Kind, ...] = (("level", "down"), ("level", "up"), ("silence", "down"))


class Pulse:
    """Watches how many answers a minute a segment has.

    What is expected is a rate for each hour of the week, read between the middles of hours on a straight line: counts
    and hours that fade, shrunk to the hour of the day and that to the whole (gamma-Poisson), so that an hour that was
    never seen is hardly ever surprising. Silence: the chance that such a rate gives nothing where E answers are usual,
    (1 + E / r)^-r, r the shape of the gamma; since each answer begins a gap, it is multiplied by the answers a week.
    Drop and surge: a CUSUM of Poisson likelihood ratios for a third, and for three times, of the lowest and the highest
    rate that the reference leaves open.

    Rates grow and fall with the traffic of the last days. In an hour of the week that was never seen, the last hours
    say how today compares: a first Saturday is not an outage, a stop on the first Tuesday noon is.

    Answers may come in bursts: all evidence is divided by the mean burst, by how much squares of gaps, or of counts of
    ten minutes, exceed those of a Poisson stream. A segment that lives on an hourly job is not silent between two.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_WEEK)
        self._hours = np.zeros(_WEEK)
        self._episodes = Episodes("answers", KINDS)
        self._count, self._minutes, self._learned = 0, 0, 0  # of this hour, and hours learned
        self._gap = [0.0] * 5  # sums over its hours: learned from times expected, expected, minutes, squares; this hour
        self._burst = [_BURST_FIRST] * 3  # half the squares of gaps, squared excess of blocks, expected answers
        self._block = [0.0] * 4  # answers of these ten minutes; what is usual: lowest, expected, highest
        self._today, self._trend = [0.0, 0.0], [_TREND_FIRST, _TREND_FIRST]  # answers, expected
        self._hour, self._hourly = -1, 0.0
        self._rates, self._trusted, self._weekly = (0.0, 0.0, 0.0), 0.0, 1.0

    def minute(self, minute: int, count: int, log_threshold: float) -> Alarm | None:
        """Take the count of the next minute, a number of minutes since 1970; every minute must be given."""
        hour = minute // 60
        if hour != self._hour:
            self._turn(hour)
        self._count += count
        self._minutes += 1
        low, expected, high = self._expected(minute)
        burst = max(1.0, *(each / self._burst[2] for each in self._burst[:2]))
        alarm = None
        if self._learned >= _LEARNING and expected > 0:
            if not count:
                self._lengthen(low)
            if self._learned >= _SILENT:
                alarm = self._watch(minute, count, (low, expected, high), burst, log_threshold)
            self._compare(minute, count, (low, expected, high), 2 * (log_threshold + math.log(self._weekly)) * burst)
        self._hourly += expected
        return alarm

    def _lengthen(self, expected: float) -> None:
        gap = self._gap
        gap[0] += expected * self._trusted
        gap[1] += expected
        gap[2] += 1
        gap[3] += expected * (2 * gap[4] + expected)  # the hour's square grows
        gap[4] += expected

    def _compare(self, minute: int, count: int, usual: tuple[float, float, float], most: float) -> None:
        """Learn how bursty answers are: from the gap that ends, and from ten minutes in which all was usual."""
        fade = math.exp(-usual[1] / _BURST_MEMORY)
        self._burst = [each * fade for each in self._burst]
        self._burst[2] += usual[1]
        if count:
            self._burst[0] += min(self._nats(), most) ** 2 / 2
            self._gap = [0.0] * 5
        self._block = [each + new for each, new in zip(self._block, (count, *usual), strict=True)]
        if minute % _BLOCK == _BLOCK - 1:
            seen, low, expected, high = self._block
            off = max(seen - high, low - seen, 0.0) if self._episodes.open < 0 else math.sqrt(expected)
            self._burst[1] += min(max(off * off - _VARY * expected * expected, 0.0), _WILD * max(off, expected))
            self._block = [0.0] * 4

    def _watch(
        self, minute: int, count: int, usual: tuple[float, float, float], burst: float, log_threshold: float
    ) -> Alarm | None:
        low, expected, high = usual
        wide, fold = math.exp(2 / math.sqrt(_shape(self._trusted))), math.log(_FOLD)
        drop = (low / wide * (1 - 1 / _FOLD) - count * fold) / burst
        surge = (count * fold - high * wide * (_FOLD - 1)) / burst
        if self._episodes.open == SILENCE:
            return self._awake(minute, count, expected)
        nats = self._nats() / burst - math.log(max(self._weekly / burst, 1.0))
        if self._episodes.open < 0 and nats >= log_threshold:
            return self._episodes.begin(minute, SILENCE, expected, 0.0, nats, minute - self._gap[2] + 1)
        seen = (1.0, float(count))
        return self._episodes.step(
            minute, (drop, surge, -1.0), (seen, seen, seen), (expected, expected, expected), log_threshold
        )

    def _awake(self, minute: int, count: int, expected: float) -> Alarm | None:
        """A silence is over with the first minute that speaks for the usual rate against a third of it."""
        usual = count * math.log(_FOLD) - expected * (1 - 1 / _FOLD)
        return self._episodes.close(minute) if usual >= _RETURNED else None

    def _nats(self) -> float:
        """How surprising the gap is. Its hours were learned from as many answers as the hours had in which most was
        expected: a busy evening says nothing of the morning after."""
        learned, expected, _, squares, _ = self._gap
        if squares <= 0:
            return 0.0
        shape = _shape(learned * expected / squares)
        return shape * math.log1p(expected / shape)

    def _expected(self, minute: int) -> tuple[float, float, float]:
        """Answers that are usual in a minute, on a line between the middles of hours, with the lowest and highest that
        may be meant: where traffic ends at six sharp, the line is wrong for half an hour."""
        before, here, after = self._rates
        past = (minute % 60 + 0.5) / 60 - 0.5
        line = here + (after - here) * past if past > 0 else here + (here - before) * past
        return min(line, here) / 60, line / 60, max(line, here) / 60

    def _turn(self, hour: int) -> None:
        """Learn the hour that ends, and read what is usual in the next."""
        if self._hour >= 0:
            self._today = [each * _TODAY + new for each, new in zip(self._today, self._compared(), strict=True)]
            if self._episodes.open != SILENCE:
                self._trend = [each * _TREND + new for each, new in zip(self._trend, self._compared(), strict=True)]
            at = self._hour % _WEEK
            self._counts[at] = self._counts[at] * _KEEP + self._count
            self._hours[at] = self._hours[at] * _KEEP + self._minutes / 60
            self._learned += 1
        self._count, self._minutes, self._hour, self._hourly = 0, 0, hour, 0.0
        self._read()
        self._gap[4] = 0.0

    def _compared(self) -> tuple[float, float]:
        return (float(self._count), self._hourly) if self._learned >= _LEARNING else (0.0, 0.0)

    def _read(self) -> None:
        around = (np.arange(-1, 2) + self._hour) % _WEEK
        all_hours = self._hours.sum()
        if not all_hours:
            return
        mean = max(self._counts.sum() / all_hours, 1e-6)
        daily_counts, daily_hours = (_daily(each)[around % _DAY] for each in (self._counts, self._hours))
        daily = (daily_counts + 1.0) / (daily_hours + 1.0 / mean)
        rates = (self._counts[around] + _TRUST) / (self._hours[around] + _TRUST / daily)
        new = self._hours[around] == 0
        rates *= np.where(new, (self._today[0] + _TRUST) / (self._today[1] + _TRUST), self._trend[0] / self._trend[1])
        self._trusted = float(min(self._today[0], daily_counts[1]) if new[1] else self._counts[around[1]])
        # The hour before stays what it was: what it has just learned may be the incident.
        before = self._rates[1] if self._learned > 1 else float(rates[0])
        self._rates = (before, float(rates[1]), float(rates[2]))
        self._weekly = float(max(mean * _WEEK, 1.0))

    def state(self) -> dict[str, Any]:
        """Return what is remembered: arrays and numbers, 3 KB."""
        return {
            "counts": self._counts.copy(),
            "hours": self._hours.copy(),
            "episodes": self._episodes.state(),
            "hour": [self._count, self._minutes, self._learned, self._hour, self._hourly],
            "memory": [self._gap, self._burst, self._block, self._today, self._trend],
            "usual": [list(self._rates), self._trusted, self._weekly],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._counts, self._hours = np.array(state["counts"]), np.array(state["hours"])
        self._episodes.restore(state["episodes"])
        self._count, self._minutes, self._learned, self._hour = (int(each) for each in state["hour"][:4])
        self._hourly = float(state["hour"][4])
        self._gap, self._burst, self._block, self._today, self._trend = (list(each) for each in state["memory"])
        (before, here, after), self._trusted, self._weekly = state["usual"]
        self._rates = (before, here, after)


def _shape(answers: float) -> float:
    """Return the shape of the gamma of a rate that was learned from so many answers."""
    return 1.0 / (_VARY + 1.0 / (_TRUST + answers))


def _daily(week: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = week.reshape(-1, _DAY).sum(axis=0)
    return total
