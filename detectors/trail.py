"""Scores and values of streams go in as they come; what they have been on average since a row comes out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIDE = 5  # known values on either side of a change
_BUCKET = 16  # rows in a bucket when it is closed
_OPEN = 2 * _BUCKET  # rows kept one by one until the older half is closed
_OF_A_SIZE = 4
_LARGEST = 10  # a bucket of 16 · 2^10 rows; the oldest of those takes up what is older
_BUCKETS = _OF_A_SIZE * (_LARGEST + 1) + 1
COUNT, SCORE, SQUARE, VALUE, EXPECTED = range(5)


class Trail:
    """What the streams of a segment have been: the newest 16 to 32 rows one by one, older ones in buckets.

    A bucket holds its first row's number, and five sums for each stream. Four buckets of a size are kept, then
    two become one of double the size (an exponential histogram): the sums are exact, and the place of a change is known
    to a quarter of its age or better.

    >>> trail = Trail()
    >>> trail.grow(1)
    >>> for n in range(100):
    ...     told = np.array([[[1.0, n >= 90, n >= 90, n, 0.0]]])
    ...     trail.extend(told)
    >>> trail.since(0, 90)[[COUNT, SCORE]].tolist()
    [10.0, 10.0]

    Mayur Datar, Aristides Gionis, Piotr Indyk, Rajeev Motwani. Maintaining stream statistics over sliding windows.
    SIAM Journal on Computing 31(6), 2002.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sizes: list[int] = []  # of each bucket, oldest first, as a power of two times _BUCKET
        self._firsts: list[int] = []  # of each bucket, the number of its first row
        self._sums = np.zeros((_BUCKETS, 0, 5), np.float32)
        self._told = np.zeros((_OPEN, 0, 5))
        self._filled = 0

    def grow(self, streams: int) -> None:
        """Add streams."""
        self._sums = np.concatenate([self._sums, np.zeros((_BUCKETS, streams, 5), np.float32)], axis=1)
        self._told = np.concatenate([self._told, np.zeros((_OPEN, streams, 5))], axis=1)

    def extend(self, told: NDArray[np.float64]) -> None:
        """Take the next n rows: float64[n, S, 5], zeros where a stream is not known."""
        start = 0
        while start < len(told):
            stop = min(len(told), start + _OPEN - self._filled)
            filled = self._filled + stop - start
            self._told[self._filled : filled] = told[start:stop]
            self._filled = filled
            self.rows += stop - start
            start = stop
            if filled == _OPEN:
                self._close()

    def since(self, stream: int, row: int) -> NDArray[np.float64]:
        """Return a stream's five sums from a row on, float64[5].

        Where older rows are in a bucket, from the first bucket that begins after it; where that leaves fewer than 5
        known values, from before it.
        """
        firsts = self._firsts + list(range(self.rows - self._filled, self.rows))
        told = np.concatenate([self._sums[: len(self._sizes), stream], self._told[: self._filled, stream]])
        sums = np.cumsum(told[::-1], axis=0, dtype=np.float64)[::-1]
        place = int(np.searchsorted(firsts, row))
        while place > 0 and (place == len(sums) or sums[place, COUNT] < _SIDE):
            place -= 1
        return np.asarray(sums[place]) if len(sums) else np.zeros(5)

    def sums(self, stream: int) -> NDArray[np.float64]:
        """Return a stream's five sums over all that is remembered of it."""
        older = self._sums[: len(self._sizes), stream].sum(axis=0, dtype=np.float64)
        return np.asarray(older + self._told[: self._filled, stream].sum(axis=0))

    def forget(self, stream: int) -> None:
        """Start a stream's trail anew: a change is measured from the one before it."""
        self._sums[:, stream] = 0
        self._told[:, stream] = 0

    def begin(self, stream: int, sums: NDArray[np.float64]) -> None:
        """Start a stream's trail anew with the sums since a change, as of the newest row."""
        self.forget(stream)
        self._told[self._filled - 1, stream] = sums

    def _close(self) -> None:
        """Make the older half of the open rows a bucket, and join older buckets to make room."""
        used = len(self._sizes)
        self._sums[used] = np.add.accumulate(self._told[:_BUCKET], axis=0)[-1]
        self._firsts.append(self.rows - self._filled)
        self._sizes.append(0)
        self._told[:_BUCKET] = self._told[_BUCKET:]
        self._filled = _BUCKET
        size = 0
        while self._sizes.count(size) > _OF_A_SIZE:
            self._join(self._sizes.index(size))
            size += 1

    def _join(self, place: int) -> None:
        """Join a bucket and the next one; the oldest two of the largest size stay of that size."""
        used = len(self._sizes)
        self._sums[place] += self._sums[place + 1]
        self._sums[place + 1 : used - 1] = self._sums[place + 2 : used]
        self._sizes[place] = min(self._sizes[place] + 1, _LARGEST)
        del self._sizes[place + 1], self._firsts[place + 1]

    def state(self) -> dict[str, Any]:
        used = len(self._sizes)
        return {
            "rows": self.rows,
            "sizes": self._sizes,
            "firsts": self._firsts,
            "sums": self._sums[:used],
            "told": self._told[: self._filled],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Trail":
        trail, streams = cls(), state["told"].shape[1]
        trail.rows, trail._sizes = state["rows"], list(state["sizes"])
        trail._firsts, trail._filled = list(state["firsts"]), len(state["told"])
        trail._sums = np.zeros((_BUCKETS, streams, 5), np.float32)
        trail._sums[: len(trail._sizes)] = state["sums"]
        trail._told = np.zeros((_OPEN, streams, 5))
        trail._told[: trail._filled] = state["told"]
        return trail
