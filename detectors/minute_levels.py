"""Sums over a minute's answers go in; out comes when their level or spread leaves what the last hours had."""

import math
from typing import Any

from detectors.episodes import Alarm, Episodes, Kind

_MINUTES, _ANSWERS = 60.0, 300.0  # memory of the level: an hour, but at least so many answers
_READY = 150.0  # answers before anything is said
_FOLD = math.log(2.0)  # what a level means: twice the usual, or half; the same for a standard deviation
_ROOM = 0.1  # of the logarithm: how far a level may be off for no reason
UNCLIPPED = 10.0  # how far an answer counts while too little is known to say what is far
_LEAST, _LEAST_CLIP, _CLIP = 0.3, 1.0, 3.0  # standard deviation; how far from the centre one answer counts
_GROUP = 4  # answers from which on a minute's spread is taken about its own mean
_STALE = 24 * 60  # minutes after which what is open is learned as the usual
_RATES = (1440.0, 3000.0)  # memory of a share: a day, but at least so many answers
_ODDS, _SEASON = 4.0, 1.5  # what an alarm means, of the most that an hour may have of the day's share
LEVEL_KINDS: tuple[Kind, ...] = (("level", "up"), ("level", "down"), ("spread", "up"))


class Levels:
    """Watches mean and standard deviation of the logarithm of one number.

    The usual is a mean that fades over an hour (300 answers where those take longer): a season is followed, and what
    drifts is left to the detectors that see each answer. Twice or half of it is what an alarm means, so that the
    likelihood ratio falls for anything less than 1.4 times: hours that wobble, and a lag behind the season, do not
    matter. One answer counts at most three standard deviations, so that no single one, nor three, raise an alarm.
    """

    def __init__(self, number: str, unit: float) -> None:
        self._unit = unit
        self._episodes = Episodes(number, LEVEL_KINDS)
        self._level = [0.0, 0.0, 1.0, 0.0]  # mean, its weight, variance, its weight

    def bounds(self) -> tuple[float, float]:
        """Return the middle, and how far from it an answer counts."""
        mean, weight, variance, _ = self._level
        return (mean, max(_CLIP * math.sqrt(variance), _LEAST_CLIP)) if weight >= _READY else (mean, UNCLIPPED)

    def minute(
        self, minute: int, n: int, total: float, squares: float, log_threshold: float, *, clipped: bool
    ) -> Alarm | None:
        """Take a minute of n > 0 answers: sum and sum of squares of their logarithms, and whether they were clipped:
        where they were not, one alone could raise an alarm, and none is."""
        mean, weight, variance, _ = self._level
        own = total / n
        about = max(squares - 2 * mean * total + n * mean * mean, 0.0)  # squares about the usual mean
        alarm = None
        if weight >= _READY and clipped:
            within = max(squares - n * own * own, 0.0) if n >= _GROUP else about
            ratios = _ratios(n, own - mean, within, n - 1 if n >= _GROUP else n, variance, weight)
            deviation = math.sqrt(variance)
            spread = (float(n), math.sqrt(within / max(n - 1, 1)))
            level = (float(n), math.exp(own) - self._unit)
            usual = math.exp(mean) - self._unit
            alarm = self._episodes.step(
                minute, ratios, (level, level, spread), (usual, usual, deviation), log_threshold
            )
        if self._episodes.open < 0 or minute - self._episodes.opened_minute > _STALE:
            self._learn(n, own, about)
        return alarm

    def _learn(self, n: int, own: float, about: float) -> None:
        mean, weight, variance, seen = self._level
        fade = min(n / _ANSWERS, 1 / _MINUTES)
        weight, seen = weight * (1 - fade) + n, seen * (1 - fade / 4) + n
        if weight == n:
            about = 1.0 * n  # nothing was known: the first minute's spread is anything
        mean += n / weight * (own - mean)
        variance += n / seen * (about / n - variance)
        self._level = [mean, weight, variance, seen]

    def state(self) -> list[Any]:
        return [list(self._level), self._episodes.state()]

    def restore(self, state: list[Any]) -> None:
        self._level = [float(each) for each in state[0]]
        self._episodes.restore(state[1])


def _ratios(
    n: int, away: float, within: float, freedom: int, variance: float, weight: float
) -> tuple[float, float, float]:
    """Return the log likelihood ratios of twice and half the level, and of twice the spread."""
    wide = max(variance, _LEAST * _LEAST)
    room = _ROOM + 2 * math.sqrt(variance / weight)
    up = n * (_FOLD * (away - room) - _FOLD * _FOLD / 2) / wide
    down = n * (_FOLD * (-away - room) - _FOLD * _FOLD / 2) / wide
    spread = 0.375 * within / wide - freedom * _FOLD
    return up, down, spread


class Share:
    """Watches the share of answers that failed, by a fading count of a day, for four times the odds of the most that
    is usual: half as much again as that share, for the season, and two standard errors."""

    def __init__(self, number: str) -> None:
        self._episodes = Episodes(number, (("level", "up"),))
        self._failed, self._all = 1.0, 30.0

    def minute(self, minute: int, n: int, failed: int, log_threshold: float) -> Alarm | None:
        """Take a minute of n > 0 answers of which some failed."""
        share = self._failed / self._all
        alarm = None
        if self._all >= 2 * _READY:
            most = min(_SEASON * share + 2 * math.sqrt(share / self._all), 0.9)
            worse = _ODDS * most / (1 + (_ODDS - 1) * most)
            ratio = failed * math.log(worse / most) + (n - failed) * math.log((1 - worse) / (1 - most))
            alarm = self._episodes.step(minute, (ratio,), ((float(n), failed / n),), (share,), log_threshold)
        if self._episodes.open < 0 or minute - self._episodes.opened_minute > _STALE:
            fade = 1 - min(n / _RATES[1], 1 / _RATES[0])
            self._failed, self._all = self._failed * fade + failed, self._all * fade + n
            self._failed = min(max(self._failed, 0.5), 0.95 * self._all)
        return alarm

    def state(self) -> list[Any]:
        return [self._failed, self._all, self._episodes.state()]

    def restore(self, state: list[Any]) -> None:
        self._failed, self._all = float(state[0]), float(state[1])
        self._episodes.restore(state[2])
