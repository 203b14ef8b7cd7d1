"""Counts of a segment's answers go in, minute by minute and in parts of one; out comes when it falls silent, or has far
fewer or more."""

import math
from typing import Any

from detectors.episodes import SLOTS, Alarm, Episodes, Kind
from detectors.usual_traffic import LEARNING, VARY, UsualTraffic, shape, widened

_FOLD = 3.0  # a third of the usual, or three times, are what drop and surge mean
_UNSAID = 48  # hours before anything is said
_BURST_MEMORY, _BURST_FIRST = 5000.0, 20.0  # expected answers
_BLOCK = 10  # minutes over which counts are compared with Poisson's
_WILD = 30.0  # a mean burst beyond which one comparison counts no more; answers, of each that was learned from
_STALE = 2 * 24 * 60  # minutes after which a drop or surge is taken for growth
_RETURNED = 1.0  # nats of usual traffic that end a silence
SILENCE = 2
KINDS: tuple[Kind, ...] = (("level", "down"), ("level", "up"), ("silence", "down"))


class Pulse:
    """Watches how many answers a minute a segment has.

    Silence: the chance that a gamma-Poisson rate gives nothing where E answers are usual, (1 + E / r)^-r, r the shape
    of the gamma; since each answer begins a gap, it is multiplied by the answers a week. Drop and surge: a CUSUM of
    Poisson likelihood ratios for a third, and for three times, of the lowest and the highest rate that the reference
    leaves open.

    Answers may come in bursts: all evidence is divided by the mean burst, by how much squares of gaps, or of counts of
    ten minutes, exceed those of a Poisson stream. A segment that lives on an hourly job is not silent between two.
    """

    def __init__(self) -> None:
        self._usual = UsualTraffic()
        self._episodes = Episodes("answers", KINDS)
        self._hour = -1
        self._gap = [0.0] * 5  # sums over its hours: learned from times expected, expected, minutes, squares; this hour
        self._burst = [_BURST_FIRST] * 3  # half the squares of gaps, squared excess of blocks, expected answers
        self._block = [0.0] * 4  # answers of these ten minutes; what is usual: lowest, expected, highest

    def slot(self, slot: int, count: int, log_threshold: float) -> Alarm | None:
        """Take the count of the next slot of five seconds, a number of slots since 1970, before that of its minute.

        Where many answers are usual, a silence shows within the minute; where few are, the minute is soon enough.
        """
        minute = slot // SLOTS
        self._turn(minute)
        low, expected, _ = self._usual.at(minute)
        if not self._fine or self._usual.learned < LEARNING or expected <= 0:
            return None
        burst = self._bursts()
        if count:
            self._end_gap(log_threshold, burst)
            return None
        self._lengthen(low / SLOTS, 1 / SLOTS)
        return self._silent((slot + 1) / SLOTS - 1, expected, burst, log_threshold)

    def minute(self, minute: int, count: int, log_threshold: float) -> Alarm | None:
        """Take the count of the next minute, a number of minutes since 1970; every minute must be given."""
        self._turn(minute)
        usual = self._usual.at(minute)
        self._usual.minute(minute, count)
        if self._usual.learned < LEARNING or usual[1] <= 0:
            return None
        if not count and not self._fine:
            self._lengthen(usual[0], 1.0)
        burst = self._bursts()
        alarm = self._watch(minute, count, usual, burst, log_threshold) if self._usual.learned >= _UNSAID else None
        self._compare(minute, count, usual)
        if count and not self._fine:
            self._end_gap(log_threshold, burst)
        return alarm

    @property
    def _fine(self) -> bool:
        """Whether this hour is busy enough to look for silence within minutes."""
        return self._usual.hourly >= 60 * SLOTS

    def _turn(self, minute: int) -> None:
        if minute // 60 != self._hour:
            self._hour = minute // 60
            self._usual.turn(self._hour, steady=self._steady(minute))
            self._gap[4] = 0.0

    def _bursts(self) -> float:
        return max(1.0, *(each / self._burst[2] for each in self._burst[:2]))

    def _steady(self, minute: int) -> bool:
        """Whether traffic may be taken for growth: it is as usual, or has been less or more for long."""
        which = self._episodes.open
        return which < 0 or (which != SILENCE and minute - self._episodes.opened_minute > _STALE)

    def _lengthen(self, expected: float, minutes: float) -> None:
        gap = self._gap
        gap[0] += expected * self._usual.trusted
        gap[1] += expected
        gap[2] += minutes
        gap[3] += expected * (2 * gap[4] + expected)  # the hour's square grows
        gap[4] += expected

    def _end_gap(self, log_threshold: float, burst: float) -> None:
        """Learn how long nothing came, up to what would be said of it twice over."""
        most = 2 * (log_threshold + math.log(self._usual.weekly)) * burst
        self._burst[0] += min(self._nats(), most) ** 2 / 2
        self._gap = [0.0] * 5

    def _compare(self, minute: int, count: int, usual: tuple[float, float, float]) -> None:
        """Learn how bursty answers are, from ten minutes in which all was usual."""
        fade = math.exp(-usual[1] / _BURST_MEMORY)
        self._burst = [each * fade for each in self._burst]
        self._burst[2] += usual[1]
        self._block = [each + new for each, new in zip(self._block, (count, *usual), strict=True)]
        if minute % _BLOCK == _BLOCK - 1:
            seen, low, expected, high = self._block
            off = max(seen - high, low - seen, 0.0) if self._episodes.open < 0 else math.sqrt(expected)
            if seen <= _WILD * (1.0 + self._usual.trusted):  # else it says more of what was not known than of bursts
                self._burst[1] += min(max(off * off - VARY * expected * expected, 0.0), _WILD * max(off, expected))
            self._block = [0.0] * 4

    def _watch(
        self, minute: int, count: int, usual: tuple[float, float, float], burst: float, log_threshold: float
    ) -> Alarm | None:
        low, expected, high = usual
        wide, fold = widened(self._usual.trusted), math.log(_FOLD)
        drop = (low / wide * (1 - 1 / _FOLD) - count * fold) / burst
        surge = (count * fold - high * wide * (_FOLD - 1)) / burst
        if self._episodes.open == SILENCE:
            if self._episodes.opened_minute == minute:  # its answers came before
                return None
            return self._awake(minute, count, expected)
        if not self._fine and (silent := self._silent(minute, expected, burst, log_threshold)):
            return silent
        seen = (1.0, float(count))
        return self._episodes.step(
            minute, (drop, surge, -1.0), (seen, seen, seen), (expected, expected, expected), log_threshold
        )

    def _silent(self, minute: float, expected: float, burst: float, log_threshold: float) -> Alarm | None:
        """Say that nothing has come for too long, at the end of a minute or of a part of one."""
        nats = self._nats() / burst - math.log(max(self._usual.weekly / burst, 1.0))
        if self._episodes.open >= 0 or self._usual.learned < _UNSAID or nats < log_threshold:
            return None
        return self._episodes.begin(minute, SILENCE, expected, 0.0, nats, minute - self._gap[2] + 1)

    def _awake(self, minute: int, count: int, expected: float) -> Alarm | None:
        """A silence is over with the first minute that speaks for the usual rate against a third of it."""
        usual = count * math.log(_FOLD) - expected * (1 - 1 / _FOLD)
        return self._episodes.close(minute) if usual >= _RETURNED else self._episodes.lasts(minute)

    def _nats(self) -> float:
        """How surprising the gap is. Its hours were learned from as many answers as the hours had in which most was
        expected: a busy evening says nothing of the morning after."""
        learned, expected, _, squares, _ = self._gap
        if squares <= 0:
            return 0.0
        r = shape(learned * expected / squares)
        return r * math.log1p(expected / r)

    def state(self) -> dict[str, Any]:
        """Return what is remembered: arrays and numbers."""
        return {
            "usual": self._usual.state(),
            "episodes": self._episodes.state(),
            "hour": self._hour,
            "memory": [list(self._gap), list(self._burst), list(self._block)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._usual.restore(state["usual"])
        self._episodes.restore(state["episodes"])
        self._hour = int(state["hour"])
        self._gap, self._burst, self._block = (list(each) for each in state["memory"])
