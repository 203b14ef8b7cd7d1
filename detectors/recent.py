"""Rows of a segment go in with their scores; examples of a change, what carries it and what was new come out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Gone, Slice, Words
from detectors.metrics import SLICES, VERSIONS

_ROWS = 384  # kept one by one: 256, and those of a span that come after the row that is asked about
_WINDOW = 256
_EXAMPLES = 5
_ANCHORS = 32  # inferences of long ago that are kept as examples, one in 256
_LABELS = 16  # words of a dimension that are told apart
_PLACES = _LABELS + 2  # and one for all others, and one, the last, for rows of which the word is not known
_MEMORY = 0.98  # what 256 rows are worth when the next 256 have come
_NEW_NS = 24 * 3_600_000_000_000  # a version not seen for a day is new
_SHORTLY_NS = 2 * 3_600_000_000_000  # before a change: new versions are named with it
_MARKS = 8
_FIRST = 256  # rows of a segment in which nothing is new
_FORGOTTEN = ""  # an inference that is no example any more; its row stays, for its numbers
_NONE = ""  # a dimension of which no word is ever known: what any other was before its first one
_LIFT, _SLICES = 0.2, 3  # a slice is named when its share of the change exceeds its share of the traffic by so much


@dataclass
class _Dimension:
    """One dimension's words: of the kept rows, codes; of all older rows, fading counts and sums of scores, the last
    two of them for other words and for rows of which the word is not known."""

    labels: list[str] = field(default_factory=list)
    codes: NDArray[np.int16] = field(default_factory=lambda: np.full(0, -1, np.int16))
    counts: NDArray[np.float32] = field(default_factory=lambda: np.zeros((_PLACES, 0), np.float32))
    sums: NDArray[np.float32] = field(default_factory=lambda: np.zeros((_PLACES, 0), np.float32))

    def copied(self) -> "_Dimension":
        """Return the same, which may be changed apart."""
        return _Dimension(list(self.labels), self.codes.copy(), self.counts.copy(), self.sums.copy())


class Recent:
    """The last rows of a segment, and how its parts were before.

    A part is all rows with one word in a dimension (`detectors.metrics.SLICES`). What it carries of a change of a
    stream's mean score is how much its own contribution, share of rows times mean score, has changed: over all parts
    of a dimension the shares are together 1. `versions` are words of some dimensions that had not been seen for a day.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._ids: list[str] = []
        self._times = np.zeros(0, np.int64)
        self._scores = np.zeros((0, 0), np.float32)
        self._anchors: list[tuple[int, str, int]] = []  # row, inference, time
        self._dimensions = {_NONE: _Dimension()}
        self._seen: dict[str, dict[str, int]] = {}  # of versions, when each was last seen
        self._marks: list[tuple[int, str]] = []  # time, "dimension word"

    def extend(
        self, ids: list[str], times: NDArray[np.int64], scores: NDArray[np.float64], words: Mapping[str, Words]
    ) -> None:
        """Take the next n rows: their ids, times (none falls), scores float64[n, S] (S may grow), and words."""
        n, streams = len(ids), scores.shape[1]
        if streams > self._scores.shape[1]:
            more = np.full((len(self._ids), streams - self._scores.shape[1]), np.nan, np.float32)
            self._scores = np.concatenate([self._scores, more], axis=1)
        table = np.concatenate([self._scores, scores.astype(np.float32)])
        leave = max(0, len(table) - _ROWS)
        for name in SLICES:
            if name in words and name not in self._dimensions:
                self._dimensions[name] = self._dimensions[_NONE].copied()
                # In one order, whichever came first: how rows are cut into blocks must not show.
                in_order = [each for each in (_NONE, *SLICES) if each in self._dimensions]
                self._dimensions = {each: self._dimensions[each] for each in in_order}
        for name, dimension in self._dimensions.items():
            codes = _codes(dimension, words[name]) if name in words else np.full(n, -1, np.int16)
            dimension.codes = np.concatenate([dimension.codes, codes])
            _widen(dimension, streams)
        new = sorted(each for name in VERSIONS if name in words for each in self._new(name, words[name], times))
        self._marks = self._marks[-_MARKS:] + [(int(times[at]), what) for at, what in new]
        self._fade(table, leave)
        first = -self.rows % _WINDOW
        self._anchors += [(self.rows + at, ids[at], int(times[at])) for at in range(first, n, _WINDOW)]
        del self._anchors[:-_ANCHORS]
        self._scores, self._ids = table[leave:], (self._ids + ids)[leave:]
        self._times = np.concatenate([self._times, times])[leave:]
        self.rows += n

    def _fade(self, table: NDArray[np.float32], leave: int) -> None:
        """Count the rows that leave to what was before, fading it whenever 256 more have come."""
        done, oldest, streams = 0, self.rows - len(self._ids), table.shape[1]
        while done < leave:
            stop = min(leave, done + _WINDOW - (oldest + done) % _WINDOW)
            known = ~np.isnan(table[done:stop])
            filled = np.where(known, table[done:stop], np.float32(0)).ravel()
            counted = known.astype(np.float32).ravel()
            for dimension in self._dimensions.values():
                # Flat, as numpy adds at single places many times as fast as at rows; one after another all the same.
                at = (dimension.codes[done:stop] % _PLACES * np.intp(streams))[:, None] + np.arange(streams)
                np.add.at(dimension.counts.reshape(-1), at.ravel(), counted)
                np.add.at(dimension.sums.reshape(-1), at.ravel(), filled)
                if (oldest + stop) % _WINDOW == 0:
                    dimension.counts *= np.float32(_MEMORY)
                    dimension.sums *= np.float32(_MEMORY)
            done = stop
        for dimension in self._dimensions.values():
            dimension.codes = dimension.codes[leave:]

    def _new(self, name: str, words: Words, times: NDArray[np.int64]) -> list[tuple[int, str]]:
        """Remember when each word of a dimension was last seen; return the rows at which one was new, and which.

        The first of all is not, and while more come than are remembered, none is: then it is no version.
        """
        seen, new = self._seen.setdefault(name, {}), []
        rows = np.flatnonzero(words.codes >= 0)
        turns = np.flatnonzero(np.diff(words.codes[rows], prepend=-1))
        ends = np.append(turns, len(rows))[1:] - 1
        for first, last in zip(rows[turns].tolist(), rows[ends].tolist(), strict=True):
            label = words.labels[words.codes[first]]
            before = seen.pop(label, None)
            unusual = before is None or int(times[first]) - before > _NEW_NS
            if unusual and 0 < len(seen) < 2 * _LABELS and self.rows + first >= _FIRST:
                new.append((first, f"{name} {label}"))
            seen[label] = int(times[last])
            if len(seen) > 2 * _LABELS:
                del seen[next(iter(seen))]
        return new

    def versions(self, since: int, until: int) -> tuple[str, ...]:
        """Name what was new from shortly before `since` until `until`, nanoseconds."""
        marks = [mark for mark in self._marks if mark[0] <= until][-_MARKS:]
        return tuple(dict.fromkeys(what for at, what in marks if since - _SHORTLY_NS <= at))

    def row_at(self, time: int, row: int) -> int:
        """Return the first row that came at a time or after it, as far as is known at a later row; to 256 rows where
        that is more than 256 rows ago."""
        oldest = self.rows - len(self._ids)
        first = max(row + 1 - _WINDOW, oldest)
        found = first + int(np.searchsorted(self._times[first - oldest : row + 1 - oldest], time))
        if found > first or not first:
            return found
        anchors = [(at, came) for at, _, came in self._anchors if at <= row][1 - _ANCHORS :]
        return max((at for at, came in anchors if came < time), default=anchors[0][0] if anchors else first)

    def before(self, since_row: int) -> tuple[str, ...]:
        """Return inferences from before a row, the latest that are known, in order."""
        oldest = self.rows - len(self._ids)
        near = [(oldest + at, id_) for at, id_ in enumerate(self._ids) if oldest + at < since_row]
        older = [(at, id_) for at, id_, _ in self._anchors if at < min(since_row, oldest)]
        return tuple([id_ for _, id_ in sorted(older + near) if id_ != _FORGOTTEN][-_EXAMPLES:])

    def after(self, since_row: int, row: int, stream: int | None, direction: str) -> tuple[str, ...]:
        """Return inferences since a row and up to another that show the change best, in order.

        For more errors those are failed ones: the newest as such would be mostly good ones.
        """
        oldest = self.rows - len(self._ids)
        rows = np.arange(max(since_row, row + 1 - _WINDOW, oldest), row + 1) - oldest
        if stream is not None and stream < self._scores.shape[1]:
            scores = self._scores[rows, stream]
            rows = rows[~np.isnan(scores)]
            order = np.argsort((-1 if direction == "up" else 1) * self._scores[rows, stream], kind="stable")
            rows = np.sort(rows[order[:_EXAMPLES]])
        return tuple(self._ids[at] for at in rows[-_EXAMPLES:].tolist() if self._ids[at] != _FORGOTTEN)

    def forget(self, gone: Gone) -> int:
        """Let inferences that are to be forgotten be no examples, and return how many those were."""
        ids, anchors = self._ids, self._anchors
        self._ids = [_FORGOTTEN if gone(each) else each for each in ids]
        self._anchors = [(row, _FORGOTTEN if gone(each) else each, time) for row, each, time in anchors]
        before = [*ids, *(each for _, each, _ in anchors)]
        after = [*self._ids, *(each for _, each, _ in self._anchors)]
        return sum(one != other for one, other in zip(before, after, strict=True))

    def slices(self, stream: int, since_row: int) -> tuple[Slice, ...]:
        """Return the parts that carry a change of a stream since a row, those that carry most first."""
        oldest = self.rows - len(self._ids)
        scores = self._scores[max(0, since_row - oldest) :, stream].astype(np.float64)
        found = []
        for name, dimension in self._dimensions.items():
            codes = dimension.codes[len(dimension.codes) - len(scores) :]
            known = ~np.isnan(scores)
            before, total = dimension.counts[:, stream].astype(np.float64), dimension.counts[:, stream].sum()
            if known.sum() < _EXAMPLES or total < _EXAMPLES:
                continue
            places = codes[known] % _PLACES  # -1, not known, is the last
            after = np.bincount(places, scores[known], minlength=_PLACES) / known.sum()
            moved = after - dimension.sums[:, stream] / total
            shares = moved / moved.sum() if moved.sum() else moved
            lifted = np.flatnonzero((shares - before / total)[: len(dimension.labels)] >= _LIFT)
            found += [Slice(name, dimension.labels[code], round(float(shares[code]), 3)) for code in lifted.tolist()]
        return tuple(sorted(found, key=lambda each: -each.share)[:_SLICES])

    def state(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "ids": self._ids,
            "times": self._times,
            "scores": self._scores,
            "anchors": [list(anchor) for anchor in self._anchors],
            "dimensions": {name: vars(dimension) for name, dimension in self._dimensions.items()},
            "seen": self._seen,
            "marks": [list(mark) for mark in self._marks[-_MARKS:]],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Recent":
        recent = cls()
        recent.rows, recent._ids, recent._scores = state["rows"], list(state["ids"]), state["scores"]
        recent._times = state["times"]
        recent._anchors = [(row, id_, time) for row, id_, time in state["anchors"]]
        recent._dimensions = {name: _Dimension(**each) for name, each in state["dimensions"].items()}
        recent._seen = {name: dict(seen) for name, seen in state["seen"].items()}
        recent._marks = [(at, what) for at, what in state["marks"]]
        return recent


def _codes(dimension: _Dimension, words: Words) -> NDArray[np.int16]:
    """Return codes as the dimension numbers its words: the first that come, and one number for all others."""
    if not set(dimension.labels).issuperset(words.labels) and len(dimension.labels) < _LABELS:
        for code in dict.fromkeys(words.codes.tolist()):
            if code >= 0 and words.labels[code] not in dimension.labels and len(dimension.labels) < _LABELS:
                dimension.labels.append(words.labels[code])
    places = [dimension.labels.index(each) if each in dimension.labels else _LABELS for each in words.labels]
    return np.array([*places, -1], np.int16)[words.codes]


def _widen(dimension: _Dimension, streams: int) -> None:
    more = streams - dimension.counts.shape[1]
    if more:
        empty = np.zeros((_PLACES, more), np.float32)
        dimension.counts = np.concatenate([dimension.counts, empty], axis=1)
        dimension.sums = np.concatenate([dimension.sums, empty], axis=1)
