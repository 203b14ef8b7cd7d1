"""Scores of streams go in as they come; where a change began, and what was before and after it, comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Change:
    """Where a stream changed: the segment's row number and time, and sums (float64[5]: count, score, its square, value,
    expected value) before it, as far back as is known, and after."""

    row: int
    time: int
    before: NDArray[np.float64]
    after: NDArray[np.float64]


class Trail:
    """What the streams of a segment have been: the newest 16 to 32 rows one by one, older ones in buckets.

    A bucket holds its first row's number and time, and five sums for each stream. Four buckets of a size are kept, then
    two become one of double the size (an exponential histogram): the sums are exact, and the place of a change is known
    to a quarter of its age or better.

    >>> trail = Trail()
    >>> trail.grow()
    >>> for n in range(100):
    ...     told = np.array([[[1.0, n >= 90, n >= 90, n, 0.0]]])
    ...     trail.extend(told, np.array([n]))
    >>> change = trail.change(0)
    >>> change.row, change.before[COUNT].tolist(), change.after[SCORE].tolist()
    (90, 90.0, 10.0)

    Mayur Datar, Aristides Gionis, Piotr Indyk, Rajeev Motwani. Maintaining stream statistics over sliding windows.
    SIAM Journal on Computing 31(6), 2002.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sizes: list[int] = []  # of each bucket, oldest first, as a power of two times _BUCKET
        self._firsts: list[tuple[int, int]] = []  # row number and time
        self._sums = np.zeros((_BUCKETS, 0, 5), np.float32)
        self._told = np.zeros((_OPEN, 0, 5))
        self._times = np.zeros(_OPEN, np.int64)
        self._filled = 0

    def grow(self) -> None:
        """Add a stream."""
        self._sums = np.concatenate([self._sums, np.zeros((_BUCKETS, 1, 5), np.float32)], axis=1)
        self._told = np.concatenate([self._told, np.zeros((_OPEN, 1, 5))], axis=1)

    def extend(self, told: NDArray[np.float64], times: NDArray[np.int64]) -> None:
        """Take the next n rows: float64[n, S, 5], zeros where a stream is not known, and int64[n]."""
        start = 0
        while start < len(times):
            stop = min(len(times), start + _OPEN - self._filled)
            filled = self._filled + stop - start
            self._told[self._filled : filled] = told[start:stop]
            self._times[self._filled : filled] = times[start:stop]
            self._filled = filled
            self.rows += stop - start
            start = stop
            if filled == _OPEN:
                self._close()

    def change(self, stream: int) -> Change | None:
        """Split a stream's trail where two means of scores fit best by least squares, 5 known values or more on either
        side; where there are too few, one on either side will do; None where there is not even that."""
        told = np.concatenate([self._sums[: len(self._sizes), stream], self._told[: self._filled, stream]])
        sums = np.cumsum(told, axis=0)
        if not len(sums):
            return None
        count, score = sums[:, COUNT], sums[:, SCORE]
        n, total = count[-1], score[-1]
        inside = (count >= _SIDE) & (n - count >= _SIDE)
        if not inside.any():
            inside = (count >= 1) & (n - count >= 1)
        if not inside.any():
            return None
        gain = np.full(len(count), -1.0)
        gain[inside] = (score[inside] - count[inside] / n * total) ** 2 / (count[inside] * (n - count[inside]))
        # The last place before the change; of equals the latest, so that the next one knows a value after it.
        last = len(gain) - 1 - int(gain[::-1].argmax())
        row, time = self._first(last + 1)
        return Change(row, time, sums[last], sums[-1] - sums[last])

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

    def _first(self, place: int) -> tuple[int, int]:
        """Return number and time of the first row of a bucket, or of a row after the buckets."""
        row = place - len(self._sizes)
        return self._firsts[place] if row < 0 else (self.rows - self._filled + row, int(self._times[row]))

    def _close(self) -> None:
        """Make the older half of the open rows a bucket, and join older buckets to make room."""
        used = len(self._sizes)
        self._sums[used] = np.add.accumulate(self._told[:_BUCKET], axis=0)[-1]
        self._firsts.append(self._first(used))
        self._sizes.append(0)
        self._told[:_BUCKET] = self._told[_BUCKET:]
        self._times[:_BUCKET] = self._times[_BUCKET:]
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
            "firsts": np.array(self._firsts, np.int64).reshape(-1, 2),
            "sums": self._sums[:used],
            "told": self._told[: self._filled],
            "times": self._times[: self._filled],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Trail":
        trail, streams = cls(), state["told"].shape[1]
        trail.rows, trail._sizes = state["rows"], list(state["sizes"])
        trail._firsts = [(int(row), int(time)) for row, time in state["firsts"]]
        trail._filled = len(state["times"])
        trail._sums = np.zeros((_BUCKETS, streams, 5), np.float32)
        trail._sums[: len(trail._sizes)] = state["sums"]
        trail._told = np.zeros((_OPEN, streams, 5))
        trail._told[: trail._filled] = state["told"]
        trail._times[: trail._filled] = state["times"]
        return trail
