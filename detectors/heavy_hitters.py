"""Users and what they use go in; those who use most stay, in bounded memory and with an error that is known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Gone, Words

LIMIT = 512  # users remembered at most
KEPT = 256  # of them when it gets too many


class HeavyHitters:
    """What each of the heaviest users used, over several windows at once: a Misra-Gries summary with lazy pruning.

    A user's count is too low by at most `missing`, never too high; of a user who is not remembered that much may have
    been used. `missing` is at most total / (KEPT / windows + 1) for each window, whatever the stream; on skewed ones it
    is far less. When a user is one too many, those who are among the heaviest in no window are let go, and what the
    heaviest of them had is taken from all: that is how Misra-Gries pays for a counter, for 256 of them at once.

    Amounts are whole numbers below 2^53 in all, so that sums are exact and how rows are cut into blocks changes
    nothing. Windows fade: `fade` makes the past count less. (SpaceSaving keeps the same bound with a heap and a step
    for each row; River's `sketch.HeavyHitters` is lossy counting: it counts rows, not amounts, and its memory grows
    with the stream's logarithm.)

    >>> heavy = HeavyHitters(windows=1)
    >>> block = Words(np.array([0, 1, 0], np.int32), ("ann", "bob"))
    >>> heavy.add(block, np.array([[5.0], [1.0], [7.0]]))[:, 0].tolist()  # what each had then
    [5.0, 1.0, 12.0]

    References
    ----------
    J. Misra, D. Gries. Finding repeated elements. 1982. · Pankaj K. Agarwal et al. Mergeable summaries. 2013. ·
    Daniel Anderson et al. A high-performance algorithm for identifying frequent items in data streams. IMC 2017. ·
    Graham Cormode, Flip Korn, Srikanta Tirthapura. Exponentially decayed aggregates on data streams. 2008.
    """

    def __init__(self, windows: int) -> None:
        self.missing = np.zeros(windows)
        self._slots: dict[str, int] = {}
        self._counts = np.zeros((LIMIT, windows))

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, user: object) -> bool:
        return user in self._slots

    def fits(self, who: Words) -> int:
        """Return how many of the next rows can be added before users have to be let go (`prune`)."""
        room = LIMIT - len(self)
        if len(who.labels) <= room:
            return len(who.codes)
        first = self._first_of_new(who)
        return int(first[room]) if len(first) > room else len(who.codes)

    def add(self, who: Words, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add rows that fit, float64[n, windows], and return what the user of each row had right after it."""
        slots = self._slots_of(who)
        order = np.argsort(slots, kind="stable")  # by radix: they are short
        ordered = slots[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        summed = np.cumsum(amounts[order], axis=0)
        before = summed[first] - amounts[order[first]]
        had = self._counts[ordered[first]] - before
        rows = np.diff(np.append(first, len(ordered)))
        after = np.empty_like(summed)
        after[order] = summed + np.repeat(had, rows, axis=0)
        self._counts[ordered[first]] = after[order[first + rows - 1]]
        return after

    def count(self, user: str) -> NDArray[np.float64]:
        """Return what is known of a user, float64[windows]: 0 of one who is not remembered."""
        slot = self._slots.get(user)
        return np.zeros(len(self.missing)) if slot is None else self._counts[slot].copy()

    def lower(self, user: str, window: int, most: float) -> float:
        """Take from a user what exceeds `most`, and return how much it was."""
        excess = max(float(self.count(user)[window]) - most, 0.0)
        if excess:
            self._counts[self._slots[user], window] -= excess
        return excess

    def fade(self, factors: NDArray[np.float64]) -> None:
        """Let the past count less, by a factor for each window."""
        self._counts = np.rint(self._counts * factors)
        self.missing = np.ceil(self.missing * factors)

    def move(self, window: int, into: int) -> None:
        """Add one window to another, and empty it."""
        for counts in (self._counts.T, self.missing):
            counts[into] += counts[window]
            counts[window] = 0.0

    def merge(self, other: "HeavyHitters") -> None:
        """Add what another has seen of the same windows, faded to the same time; the bound holds for the sum."""
        users = list(other._slots)
        self.missing = self.missing + other.missing
        while users:
            room = LIMIT - len(self) or LIMIT - self.prune()
            some, users = users[:room], users[room:]
            counts = np.array([other.count(user) for user in some])
            self.add(Words(np.arange(len(some), dtype=np.int32), tuple(some)), counts)

    def forget(self, gone: Gone) -> int:
        """Let go of users who are to be forgotten, and return how many those were; what they used stays in no sum."""
        users = list(self._slots)
        kept = [slot for slot, user in enumerate(users) if not gone(user)]
        counts = self._counts[kept]
        self._slots = {users[old]: slot for slot, old in enumerate(kept)}
        self._counts[:] = 0.0
        self._counts[: len(kept)] = counts
        return len(users) - len(kept)

    def prune(self) -> int:
        """Let go of all but the KEPT heaviest users, and return how many those are."""
        counts = self._counts[: len(self)]
        ranks = np.argsort(np.argsort(-counts, axis=0, kind="stable"), axis=0, kind="stable")
        order = np.argsort(ranks.min(axis=1), kind="stable")
        most = counts[order[KEPT:]].max(axis=0, initial=0.0)
        kept = np.sort(order[:KEPT])
        less = np.maximum(counts[kept] - most, 0.0)
        kept, less = kept[less.any(axis=1)], less[less.any(axis=1)]
        users = list(self._slots)
        self._slots = {users[old]: slot for slot, old in enumerate(kept.tolist())}
        self._counts[:] = 0.0
        self._counts[: len(kept)] = less
        self.missing = self.missing + most
        return len(kept)

    def state(self) -> dict[str, Any]:
        """Return what is remembered, as numpy arrays and texts."""
        return {"users": list(self._slots), "counts": self._counts[: len(self)].copy(), "missing": self.missing.copy()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "HeavyHitters":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        heavy = cls(len(state["missing"]))
        heavy._slots = {str(user): slot for slot, user in enumerate(state["users"])}
        heavy._counts[: len(heavy)] = state["counts"]
        heavy.missing = state["missing"]
        return heavy

    def _slots_of(self, who: Words) -> NDArray[np.int16]:
        """Return each row's place in the counts, new ones in the order in which users appear."""
        first = self._first_of_new(who)
        for code in who.codes[first].tolist():
            self._slots[who.labels[code]] = len(self._slots)
        places = [self._slots.get(label, -1) for label in who.labels]
        return np.array(places, np.int16)[who.codes]

    def _first_of_new(self, who: Words) -> NDArray[np.intp]:
        """Return the rows in which users appear who are not remembered, rising."""
        new = np.array([label not in self._slots for label in who.labels], np.bool_)
        rows = np.flatnonzero(new[who.codes])
        return np.sort(rows[np.unique(who.codes[rows], return_index=True)[1]])
