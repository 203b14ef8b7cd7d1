"""Log likelihood ratios of minutes go in; out comes when something unusual begins to be believed, and when it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import Any, Literal

SPREAD = "minute spread"  # the detector that tells of no mean, but of a standard deviation of the logarithm
MINUTE_NS = 60_000_000_000
SLOTS = 12  # of a minute, in which a silence is looked for: 5 s each
SLOT_NS = MINUTE_NS // SLOTS
_MINUTES_A_WEEK = log(7 * 24 * 60)
_DAY = 24 * 60  # minutes
_HABIT, _HABIT_FADE = 1.7, 0.9  # times that make a habit of an hour of the day; what is left of one after a day
_LONGER, _SHORTEST = 2, 10  # times as long as it ever was, and minutes, after which a habit is none
_BACK = 9.0  # nats for "as usual" against "still unusual", after which it is over: hardly once a week while it lasts


@dataclass(frozen=True, slots=True)
class Alarm:
    """A statement about the minutes of a segment, made when something opens and when it has `returned` to usual.

    `number` is what is unusual: "answers" (a minute), "error" (a share), "duration_s" or "output_tokens". `expected`
    and `seen` are that number: a geometric mean where `kind` is level, the standard deviation of the logarithm where it
    is spread; `seen` is over what was unusual so far. `log10_evidence`: so unusual a thing is to be expected in a
    usual segment once in 10^x weeks. `since_unix_nano` is when it began and `time_unix_nano` when it was noticed, both
    the end of a minute, or for a silence of five seconds; those two and the number name it. `said_unix_nano` is when
    this was said.
    """

    state: Literal["open", "returned"]
    number: str
    kind: Literal["silence", "level", "spread"]
    direction: Literal["up", "down"]
    expected: float
    seen: float
    log10_evidence: float
    since_unix_nano: int
    time_unix_nano: int
    said_unix_nano: int


Kind = tuple[Literal["silence", "level", "spread"], Literal["up", "down"]]


class Episodes:
    """Watches one number for several alternatives to its usual state; at most one is open at a time.

    Each alternative has a CUSUM of its log likelihood ratio against the usual: where the usual is as assumed, it
    passes b within m minutes with a chance of at most m exp(-b), so that b = log(minutes a week) + log_threshold gives
    at most exp(-log_threshold) false alarms a week and alternative. What is open ends when the reverse ratio has
    gathered 9 nats since its lowest.

    What has opened within the same hour of the day on two of the last days is a habit, a nightly job for instance: from
    the third on it is followed as before, but nothing is said unless it takes twice as long as it ever did.

    E. S. Page. Continuous inspection schemes. Biometrika 41, 1954. · G. Lorden. Procedures for reacting to a change in
    distribution. Annals of Mathematical Statistics 42, 1971.
    """

    def __init__(self, number: str, kinds: Sequence[Kind]) -> None:
        self._number, self._kinds = number, tuple(kinds)
        self._sums = [0.0] * len(kinds)
        self._runs = [[0.0, 0.0, 0] for _ in kinds]  # since the sum was 0: weight, weighted log number, first minute
        self._back = 0.0
        self._open, self._muted = -1, False
        # For each hour of the day: times that it opened, fading; the last day; which; the most minutes that it took.
        self._habits = [[0.0, 0.0, -1.0, 0.0] for _ in range(24)]
        self._said = [0.0, 0.0, 0.0, 0.0, 0.0]  # of what is open: expected, seen, evidence, since, noticed

    @property
    def open(self) -> int:
        """The alternative that is open, -1 where all is usual."""
        return self._open

    @property
    def opened_minute(self) -> int:
        """The minute in which it was noticed, which may have been before its end."""
        return ceil(self._said[4] - 0.5 / SLOTS)

    def step(
        self,
        minute: int,
        ratios: Sequence[float],
        seen: Sequence[tuple[float, float]],
        expected: Sequence[float],
        log_threshold: float,
    ) -> Alarm | None:
        """Take a minute's ratio of each alternative, with what was seen (weight, number) and what is expected."""
        if self._open >= 0:
            self._back = max(0.0, self._back - ratios[self._open])
            return self.close(minute) if self._back >= _BACK else self.lasts(minute)
        best = 0.0
        for i, ratio in enumerate(ratios):
            run, total = self._runs[i], self._sums[i] + ratio
            if total <= 0:
                self._sums[i], run[0], run[1] = 0.0, 0.0, 0.0
                continue
            if run[0] == 0.0 and self._sums[i] == 0.0:
                run[2] = minute
            self._sums[i] = total
            run[0] += seen[i][0]
            run[1] += seen[i][0] * seen[i][1]
            best = max(best, total)
        if best - _MINUTES_A_WEEK < log_threshold:
            return None
        i = self._sums.index(best)
        weight, weighted, since = self._runs[i]
        return self.begin(minute, i, expected[i], weighted / weight if weight else 0.0, best - _MINUTES_A_WEEK, since)

    def begin(
        self, minute: float, which: int, expected: float, seen: float, evidence: float, since: float
    ) -> Alarm | None:
        """Open an alternative; None where it is a habit. A `minute` that is no whole number ends within one."""
        self._open, self._back = which, 0.0
        self._said = [expected, seen, evidence / log(10), since, float(minute)]
        self._rest()
        self._muted = self._is_habit(minute)
        return None if self._muted else self._say("open", minute)

    def lasts(self, minute: int) -> Alarm | None:
        """Say that what is open has outgrown its habit."""
        if not self._muted or minute - self.opened_minute <= max(_LONGER * self._habit()[3], _SHORTEST):
            return None
        self._muted = False
        return self._say("open", minute)

    def close(self, minute: int) -> Alarm | None:
        """Say that what is open is over; None where its opening was not said."""
        alarm = None if self._muted else self._say("returned", minute)
        habit = self._habit()
        habit[3] = max(habit[3], float(minute - self.opened_minute))
        self._open, self._muted = -1, False
        return alarm

    def _habit(self) -> list[float]:
        return self._habits[self.opened_minute % _DAY // 60]

    def _is_habit(self, minute: float) -> bool:
        """Count an opening, and return whether it was to be expected at this hour."""
        habit, day = self._habit(), float(minute // _DAY)
        if habit[2] != self._open:
            habit[:] = [0.0, day - 1, float(self._open), 0.0]
        left = habit[0] * float(_HABIT_FADE ** (day - habit[1]))
        if day > habit[1]:
            habit[:2] = [left + 1.0, day]
        return left >= _HABIT

    def _rest(self) -> None:
        self._sums = [0.0] * len(self._kinds)
        self._runs = [[0.0, 0.0, 0] for _ in self._kinds]

    def _say(self, state: Literal["open", "returned"], minute: float) -> Alarm:
        kind, direction = self._kinds[self._open]
        expected, seen, evidence, since, noticed = self._said
        begun, told, said = (round((each + 1) * SLOTS) * SLOT_NS for each in (since - 1, noticed, minute))
        return Alarm(state, self._number, kind, direction, expected, seen, evidence, begun, told, said)

    def state(self) -> list[Any]:
        """Return what is remembered, as numbers."""
        return [
            list(self._sums),
            [list(run) for run in self._runs],
            [self._back, self._open, self._muted],
            list(self._said),
            [list(each) for each in self._habits],
        ]

    def restore(self, state: list[Any]) -> None:
        sums, runs, (back, which, muted), said, habits = state
        self._sums, self._said, self._habits = list(sums), list(said), [list(each) for each in habits]
        self._back, self._open, self._muted = float(back), int(which), bool(muted)
        self._runs = [[float(weight), float(weighted), int(since)] for weight, weighted, since in runs]
