"""Levels go in as they come; where a change began, its means and examples come out, in little memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIDE = 5  # known values on either side of a change, as ADWIN's own min_window_length
_EXAMPLES = 5
_BUCKET = 16  # inferences in a bucket when it is closed
_OPEN = 2 * _BUCKET  # inferences kept one by one until the older half is closed
_OF_A_SIZE = 4
_LARGEST = 10  # a bucket of 16 · 2^10 inferences; the oldest of those takes up what is older


@dataclass(frozen=True, slots=True)
class Change:
    """Where a metric's level changed, as far as the trail knows; means are levels."""

    since_event: int
    since_unix_nano: int
    mean_before: float
    mean_after: float
    count_before: int
    count_after: int
    examples_before: tuple[str, ...]
    examples_after: tuple[str, ...]


class Trail:
    """What a segment's metrics have been: the newest 16 to 32 inferences one by one, older ones in buckets.

    A bucket holds its first inference (number, event time, id) and, for each metric, the count and the sum of known
    levels. Four buckets of a size are kept, then two become one of double the size (an exponential histogram, after
    Datar et al. 2002): the sums are exact, and the place of a change is known to a quarter of its age or better.

    >>> trail = Trail(metrics=1)
    >>> for n in range(100):
    ...     trail.extend(np.array([[float(n >= 90)]]), np.array([n]), [f"inference-{n}"])
    >>> change = trail.change(0)
    >>> change.since_event, change.mean_before, change.mean_after, change.examples_before[-1]
    (90, 0.0, 1.0, 'inference-89')

    Mayur Datar, Aristides Gionis, Piotr Indyk, Rajeev Motwani. Maintaining stream statistics over sliding windows.
    SIAM Journal on Computing 31(6), 2002.
    """

    def __init__(self, metrics: int) -> None:
        self.events = 0
        self._sizes: list[int] = []  # of each bucket, oldest first, as a power of two times _BUCKET
        self._firsts: list[tuple[int, int, str]] = []
        self._sums = np.zeros((_OF_A_SIZE * (_LARGEST + 1) + 1, 2, metrics))  # each bucket: counts, sums
        self._levels = np.full((_OPEN, metrics), np.nan)
        self._times = np.zeros(_OPEN, np.int64)
        self._ids: list[str] = []  # as many as rows of _levels are in use

    def extend(self, levels: NDArray[np.float64], times: NDArray[np.int64], ids: list[str]) -> None:
        """Take the next n inferences: float64[n, metrics] with NaN for "not known", int64[n], ids."""
        start = 0
        while start < len(ids):
            filled = len(self._ids)
            stop = min(len(ids), start + _OPEN - filled)
            self._levels[filled : filled + stop - start] = levels[start:stop]
            self._times[filled : filled + stop - start] = times[start:stop]
            self._ids += ids[start:stop]
            self.events += stop - start
            start = stop
            if len(self._ids) == _OPEN:
                self._close()

    def change(self, metric: int) -> Change | None:
        """Split a metric's trail where two means fit best by least squares, 5 known values or more on either side.

        Where there are too few, one on either side will do; None where there is not even that.
        """
        if self.events == 0:
            return None
        used, filled = len(self._sizes), len(self._ids)
        column = self._levels[:filled, metric]
        known = ~np.isnan(column)
        counts = np.cumsum(np.concatenate([self._sums[:used, 0, metric], known]))
        sums = np.cumsum(np.concatenate([self._sums[:used, 1, metric], np.where(known, column, 0.0)]))
        n, total = counts[-1], sums[-1]
        gain = np.full(len(counts), -1.0)
        inside = (counts >= _SIDE) & (n - counts >= _SIDE)
        if not inside.any():
            inside = (counts >= 1) & (n - counts >= 1)
        if not inside.any():
            return None
        gain[inside] = (sums[inside] - counts[inside] / n * total) ** 2 / (counts[inside] * (n - counts[inside]))
        # The last place before the change; of equals the latest, so that the next one knows a value after it.
        last = len(gain) - 1 - int(gain[::-1].argmax())
        mean_before, mean_after = sums[last] / counts[last], (total - sums[last]) / (n - counts[last])
        event, time, _ = self._first(last + 1)
        return Change(
            since_event=event,
            since_unix_nano=time,
            mean_before=float(mean_before),
            mean_after=float(mean_after),
            count_before=int(counts[last]),
            count_after=int(n - counts[last]),
            examples_before=tuple(self._first(i)[2] for i in range(max(0, last + 1 - _EXAMPLES), last + 1)),
            examples_after=self._telling(metric, max(0, last + 1 - used), up=bool(mean_after > mean_before)),
        )

    def forget(self, metric: int) -> None:
        """Start a metric's trail anew: a change is measured from the one before it."""
        self._sums[:, :, metric] = 0
        self._levels[: len(self._ids), metric] = np.nan

    def _first(self, place: int) -> tuple[int, int, str]:
        """Return number, time and id of the first inference of a bucket, or of an inference after the buckets."""
        row = place - len(self._sizes)
        if row < 0:
            return self._firsts[place]
        return self.events - len(self._ids) + row, int(self._times[row]), self._ids[row]

    def _telling(self, metric: int, start: int, up: bool) -> tuple[str, ...]:
        """Choose, among the inferences kept one by one, those that show the change best, in order of time.

        For more errors those are failed ones: the newest as such would be mostly good ones.
        """
        column = self._levels[start : len(self._ids), metric]
        known = np.flatnonzero(~np.isnan(column))
        order = np.argsort(-column[known] if up else column[known], kind="stable")[:_EXAMPLES]
        return tuple(self._ids[start + row] for row in sorted(known[order].tolist()))

    def _close(self) -> None:
        """Make the older half of the open inferences a bucket, and join older buckets to make room."""
        older = self._levels[:_BUCKET]
        known = ~np.isnan(older)
        used = len(self._sizes)
        self._sums[used, 0] = known.sum(axis=0)
        self._sums[used, 1] = np.where(known, older, 0.0).sum(axis=0)
        self._sizes.append(0)
        self._firsts.append(self._first(used + 1))
        self._levels[:_BUCKET] = self._levels[_BUCKET:]
        self._times[:_BUCKET] = self._times[_BUCKET:]
        del self._ids[:_BUCKET]
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
