"""Rows at which a user is over a limit, and rows at which no more, become incidents: one opening, one end each."""

from collections.abc import Container
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Gone
from detectors.rolling import HOUR_NS, Piece

Rows = NDArray[np.int64]
_EXAMPLES = 5
_DAY_NS = 24 * HOUR_NS


@dataclass(frozen=True, slots=True)
class Suspect:
    """A user who has been unusual for a while: since when, when last, and the last inferences."""

    since_event: int
    since_unix_nano: int
    last_unix_nano: int
    inference_id: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """A user who is over the limit of some windows: which, since when, and which of them an open incident is about."""

    since_unix_nano: int
    windows: tuple[bool, bool] = (False, False)
    open: int | None = None


class Incidents:
    """The users of one quantity who are over a limit, or may soon be.

    A user who is over the limit of any window opens an incident, which ends when that window is over; another window
    that still looks back at it opens no second one.
    """

    def __init__(self) -> None:
        self.over: dict[str, Over] = {}
        self.suspects: dict[str, Suspect] = {}

    def fresh(self, now: int) -> list[str]:
        """Name those whose incident is open, and for less than a day at event time `now`."""
        return [u for u, o in self.over.items() if o.open is not None and now - o.since_unix_nano < _DAY_NS]

    def forget(self, now: int) -> None:
        """Forget suspects who have been silent for a day."""
        self.suspects = {u: s for u, s in self.suspects.items() if now - s.last_unix_nano < _DAY_NS}

    def erase(self, gone: Gone) -> int:
        """Forget users and inferences that are to be forgotten; return how often there was one."""
        users = [user for user in (*self.over, *self.suspects) if gone(user)]
        self.over = {user: over for user, over in self.over.items() if not gone(user)}
        found = len(users)
        for user, suspect in list(self.suspects.items()):
            left = tuple(each for each in suspect.inference_id if not gone(each))
            found += len(suspect.inference_id) - len(left)
            self.suspects[user] = replace(suspect, inference_id=left)
        self.suspects = {user: suspect for user, suspect in self.suspects.items() if not gone(user)}
        return found

    def keep(self, users: Container[str]) -> None:
        """Forget suspects who are not among `users`, so that they are never more than those."""
        self.suspects = {user: suspect for user, suspect in self.suspects.items() if user in users}

    def suspect(self, user: str, piece: Piece, own: Rows, high: NDArray[np.bool_]) -> Suspect:
        """Return what is known of a user after some rows of theirs that are unusual or not (bool[k]); the last is."""
        before = self.suspects.get(user)
        usual = np.flatnonzero(~high)
        if len(usual):
            before, own = None, own[usual[-1] + 1 :]
        first, last = int(own[0]), int(own[-1])
        ids = tuple(piece.inference_id[row] for row in own[-_EXAMPLES:].tolist())
        if before is None:
            before = Suspect(piece.event + first, int(piece.time_unix_nano[first]), 0, ())
        latest = int(piece.time_unix_nano[last])
        return replace(before, last_unix_nano=latest, inference_id=(before.inference_id + ids)[-_EXAMPLES:])

    def note(self, user: str, piece: Piece, own: Rows, high: NDArray[np.bool_]) -> None:
        """Remember who becomes suspect, and forget who is no more."""
        if len(own) and not high[-1]:
            self.suspects.pop(user, None)
        elif len(own):
            self.suspects[user] = self.suspect(user, piece, own, high)

    def follow(
        self, user: str, times: Rows, up: list[Rows], down: list[Rows]
    ) -> tuple[list[tuple[int, int | None]], NDArray[np.bool_]]:
        """Take the rows at which each window of a user is over its limit, and those at which it is back.

        Return where an incident opens, (row, window), or ends, (row, None); and whether the user was over a limit
        after each of the rows, bool[n].
        """
        over = self.over.get(user, Over(0))
        swings = [_swings(up[w], down[w], over.windows[w]) for w in (0, 1)]
        rows = np.arange(len(times))
        parity = [over.windows[w] + np.searchsorted(swings[w], rows, side="right") for w in (0, 1)]
        said: list[tuple[int, int | None]] = []
        for row, window in sorted((row, w) for w in (0, 1) for row in swings[w]):
            flags = list(over.windows)
            flags[window] = not flags[window]
            over = replace(over, windows=(flags[0], flags[1]))
            if flags[window] and over.open is None:
                over = replace(over, open=window, since_unix_nano=int(times[row]))
                said.append((row, window))
            elif not flags[window] and over.open == window:
                over = replace(over, open=None)
                said.append((row, None))
        if any(over.windows):
            self.over[user] = over
        else:
            self.over.pop(user, None)
        return said, (parity[0] % 2 + parity[1] % 2) > 0

    def state(self) -> dict[str, Any]:
        """Return who is followed, as texts and numbers."""
        return {
            "over": {user: asdict(over) for user, over in sorted(self.over.items())},
            "suspects": {user: asdict(suspect) for user, suspect in sorted(self.suspects.items())},
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Incidents":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        incidents = cls()
        for user, over in state["over"].items():
            incidents.over[user] = Over(**{**over, "windows": tuple(over["windows"])})
        for user, suspect in state["suspects"].items():
            incidents.suspects[user] = Suspect(**{**suspect, "inference_id": tuple(suspect["inference_id"])})
        return incidents


def _swings(up: Rows, down: Rows, is_up: bool) -> list[int]:
    """Return the rows at which it is up after it was down, or down after it was up, in turn."""
    found: list[int] = []
    at = -1
    while True:
        where = down if is_up else up
        next_ = int(np.searchsorted(where, at, side="right"))
        if next_ == len(where):
            return found
        at, is_up = int(where[next_]), not is_up
        found.append(at)
