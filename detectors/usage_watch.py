"""What users use of one thing goes in; out comes who uses far more than is usual, from when and until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Gone, Words
from detectors.incidents import Incidents, Suspect
from detectors.peaks import Peaks
from detectors.rolling import SHIFT, SHIFTED, SPANS, Piece
from detectors.usage_level import Calls, Floats, Level, Quantity

_LEAST_UNUSUAL = 6.0  # standard deviations, as it were, however quiet the hours were from which was learned
LEAST_CALLS = 4.0  # of a window, faded: a call alone, however large, is for the anomaly score
_SUSPECT = 0.7  # of the limit
_OVER_AGAIN = 0.5
_WARM = 24.0  # hours of a quantity that have to be known before peaks are learned
_NOTHING = np.zeros((1, 4))
_WINDOWS = float(np.log(2))  # an hour's and a day's, each with its limit


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of an incident when it opens: of the user, in the quantity's unit an hour, what was usual and what
    it is now, at least and at most; the window (0: an hour, 1: a day); and -log of the chance of it in an hour."""

    suspect: Suspect
    usual: tuple[float, float]
    now: tuple[float, float]
    window: int
    rarity: float


@dataclass(frozen=True, slots=True)
class _Step:
    """Rows between two prunings. `used` are the rows with amounts; of each of these what its user had, how unusual that
    is, whether it is over a limit and whether close to one; of every row what all had."""

    piece: Piece
    used: NDArray[np.int64]
    had: Floats
    had_before: dict[str, Floats]
    everybody: Floats
    unusual: Floats
    up: NDArray[np.bool_]
    high: NDArray[np.bool_]
    limits: Floats


class UsageWatch:
    """Watches one quantity of all users of a shard.

    The limit is learned from the highest values of past hours (`detectors.peaks`), as calls do not come by chance
    alone. An incident is over when the value is below half the limit; while it is open, at most a day, it does not
    become usual.
    """

    def __init__(self, quantity: Quantity) -> None:
        self.level = Level(quantity)
        self._peaks = [Peaks(span) for span in SPANS.tolist()]
        self._highest = np.full((SHIFT, 2), -1.0)  # of each hour of the shift; -1: nothing was known
        self._incidents = Incidents()

    def turn(self, shift: int, passed: int, now: int) -> None:
        """Begin a shift, `passed` after the one before, at event time `now`: what was becomes usual."""
        rolling = self.level.rolling
        if rolling.age >= _WARM:
            known = self._highest[self._highest[:, 0] >= 0]
            for peaks, highest in zip(self._peaks, known.T, strict=True):
                peaks.learn(highest)
        self._highest[:] = -1.0
        for user in self._incidents.fresh(now):
            usual = float(rolling.usual(rolling.heavy.count(user)[None])[0])
            rolling.totals[SHIFTED] -= rolling.heavy.lower(user, SHIFTED, float(np.rint(usual * SHIFT)))
        self.level.turn(shift, passed)
        self._incidents.forget(now)

    def watch(
        self, piece: Piece, values: Floats, calls: Calls, rarity: float
    ) -> Iterator[tuple[int, str, Opening | None]]:
        """Take the next rows' amounts, float64[n], NaN: not known; yield the row, the user and what opens there, or
        None where it closes. `rarity` is -log of the accepted chance of a false alarm in an hour."""
        known = np.flatnonzero(values >= 0)
        if not len(known):
            return
        heavy = self.level.rolling.heavy
        self.level.rolling.known_from(int(piece.time_unix_nano[known[0]]))
        hours = piece.minute[known] // 60
        self._highest[hours] = np.maximum(self._highest[hours], 0.0)
        amounts = self.level.amounts(values)
        self.level.learn_sizes(amounts)
        used, first, begin = np.flatnonzero(amounts), 0, 0
        while begin < len(piece):
            fit = first + heavy.fits(Words(piece.who.codes[used[first:]], piece.who.labels))
            end = int(used[fit]) if fit < len(used) else len(piece)
            part, rows = calls.of(slice(begin, end)), used[first:fit]
            for row, user, opening in self._take(piece.rows(begin, end), rows - begin, amounts[rows], part, rarity):
                yield begin + row, user, opening
            if end < len(piece):
                heavy.prune()
                self._incidents.keep(heavy)
            first, begin = fit, end

    def forget(self, gone: Gone) -> int:
        """Forget users and inferences that are to be forgotten; return how often there was one."""
        return self.level.rolling.heavy.forget(gone) + self._incidents.erase(gone)

    def state(self) -> dict[str, Any]:
        """Return all that was learned, as numpy arrays, texts and numbers."""
        return {
            "level": self.level.state(),
            "peaks": [peaks.state() for peaks in self._peaks],
            "highest": self._highest.copy(),
            "incidents": self._incidents.state(),
        }

    @classmethod
    def restore(cls, quantity: Quantity, state: dict[str, Any]) -> "UsageWatch":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        watch = cls(quantity)
        watch.level = Level.restore(quantity, state["level"])
        watch._peaks = [Peaks.restore(peaks) for peaks in state["peaks"]]
        watch._highest[:] = state["highest"]
        watch._incidents = Incidents.restore(state["incidents"])
        return watch

    def _take(
        self, piece: Piece, used: NDArray[np.int64], amounts: Floats, calls: Calls, rarity: float
    ) -> list[tuple[int, str, Opening | None]]:
        """Take rows between two prunings; `used` are those that have amounts."""
        rolling, minute = self.level.rolling, piece.minute[used]
        had_before = {user: rolling.heavy.count(user)[None] for user in self._incidents.over}
        totals, who = rolling.totals[None], Words(piece.who.codes[used], piece.who.labels)
        had, entered = rolling.add(who, minute, amounts)
        unusual, much = self.level.unusual(had, entered, minute)
        calls = calls.of(used)
        if not self.level.quantity.counted:
            unusual[calls.least * SPANS < LEAST_CALLS] = 0.0
        limits = np.array([max(peaks.limit(rarity + _WINDOWS), _LEAST_UNUSUAL) for peaks in self._peaks])
        up = np.logical_and(unusual > limits, much)
        if self.level.quantity.of_calls and up.any():
            up &= self.level.share_is_rare(had, minute, calls, rarity)
        high = np.any(unusual > _SUSPECT * limits, axis=1)
        everybody = np.concatenate([totals, entered])[_latest(used, piece)]
        step = _Step(piece, used, had, had_before, everybody, unusual, up, high, limits)
        quiet = np.ones(len(used), np.bool_)
        said: list[tuple[int, str, Opening | None]] = []
        for user, own in self._followed(who, up.any(axis=1) | high):
            if user in self._incidents.over or up[own].any():
                changes, over = self._follow(step, user, own)
                said += changes
                quiet[own] = ~over[used[own]]
            self._incidents.note(user, piece, used[own], high[own])
        np.maximum.at(self._highest, minute[quiet] // 60, unusual[quiet])
        return sorted(said, key=lambda change: change[:2])

    def _follow(
        self, step: "_Step", user: str, own: NDArray[np.int64]
    ) -> tuple[list[tuple[int, str, Opening | None]], NDArray[np.bool_]]:
        """Return what opens and closes of a user, to whom the amounts `own` belong, and after which rows it is over."""
        piece, rows = step.piece, step.used[own]
        had = np.concatenate([step.had_before.get(user, _NOTHING), step.had[own]])[_latest(rows, piece)]
        back = self.level.unusual(had, step.everybody, piece.minute)[0] < _OVER_AGAIN * step.limits
        changes, over = self._incidents.follow(
            user,
            piece.time_unix_nano,
            up=[rows[step.up[own, w]] for w in (0, 1)],
            down=[np.flatnonzero(back[:, w]) for w in (0, 1)],
        )
        said: list[tuple[int, str, Opening | None]] = []
        for row, window in changes:
            opening = None
            if window is not None:
                until = own[: int(np.searchsorted(rows, row)) + 1]
                suspect = self._incidents.suspect(user, piece, step.used[until], step.high[until])
                rarity = self._peaks[window].rarity(float(step.unusual[until[-1], window])) - _WINDOWS
                opening = self._opening(had[row], int(piece.minute[row]), window, suspect, rarity)
            said.append((row, user, opening))
        return said, over

    def _opening(self, had: Floats, minute: int, window: int, suspect: Suspect, rarity: float) -> Opening:
        rolling, quantum = self.level.rolling, self.level.quantity.quantum
        both = np.stack([had, had + rolling.heavy.missing])
        usual = (rolling.usual(both) * quantum).tolist()
        now = (rolling.rates(both, np.array([minute, minute]))[:, window] * quantum).tolist()
        return Opening(suspect, (usual[0], usual[1]), (now[0], now[1]), window, rarity)

    def _followed(self, who: Words, notable: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield the users who are over a limit, suspect or notable now, with the rows that are theirs."""
        if not (self._incidents.over or self._incidents.suspects or notable.any()):
            return
        code = {label: number for number, label in enumerate(who.labels)}
        users = {who.labels[each] for each in np.unique(who.codes[notable]).tolist()}
        users |= self._incidents.over.keys() | (self._incidents.suspects.keys() & code.keys())
        for user in sorted(users):
            yield user, np.flatnonzero(who.codes == code.get(user, -1))


def _latest(rows: NDArray[np.int64], piece: Piece) -> NDArray[np.intp]:
    """Return how many of `rows` are not after each row of the piece."""
    return np.searchsorted(rows, np.arange(len(piece)), side="right")
