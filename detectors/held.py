"""Measurements wait here until their time has come: rows go in as they are read, and leave in order of event time."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Gone, Measurements, Texts, Words

LATEST = int(np.iinfo(np.int64).max)
HELD_BYTES = 600_000  # packed, about; state has to fit into a message of Kafka's usual limit, 1 MB
_NO_ROWS = np.empty(0, np.int64)
_PLACES = ("source", "position", "time_unix_nano")


def nothing() -> Measurements:
    """Return measurements of no row."""
    return Measurements(_NO_ROWS, _NO_ROWS, _NO_ROWS, [], {})


def select(m: Measurements, rows: NDArray[np.int64]) -> Measurements:
    """Return some rows of `m`, in the order of `rows` (int64[k], each at most once), with only their labels."""
    moved = _gather(m, rows)
    return replace(moved, words={name: _said(words.codes, words.labels) for name, words in moved.words.items()})


def part(m: Measurements, start: int, stop: int) -> Measurements:
    """Return rows `start` to `stop` of `m`, uncopied, with all of its labels."""
    if stop - start == len(m.inference_id):
        return m
    rows = slice(start, stop)
    return Measurements(
        source=m.source[rows],
        position=m.position[rows],
        time_unix_nano=m.time_unix_nano[rows],
        inference_id=m.inference_id[rows],
        values={name: column[rows] for name, column in m.values.items()},
        words={name: Words(words.codes[rows], words.labels) for name, words in m.words.items()},
        texts={name: _part_of_texts(texts, start, stop) for name, texts in m.texts.items()},
    )


def _gather(m: Measurements, rows: NDArray[np.int64]) -> Measurements:
    """Return some rows of `m`, in the order of `rows`, with all of its labels."""
    place = np.full(len(m.inference_id), -1, np.int64)
    place[rows] = np.arange(len(rows))
    return Measurements(
        source=m.source[rows],
        position=m.position[rows],
        time_unix_nano=m.time_unix_nano[rows],
        inference_id=[m.inference_id[row] for row in rows.tolist()],
        values={name: column[rows] for name, column in m.values.items()},
        words={name: Words(words.codes[rows], words.labels) for name, words in m.words.items()},
        texts={name: _moved(texts, place) for name, texts in m.texts.items()},
    )


def join(a: Measurements, b: Measurements) -> Measurements:
    """Return the rows of `a`, then those of `b`; what only one of them has is not known of the other's rows."""
    return Measurements(
        source=np.concatenate([a.source, b.source]),
        position=np.concatenate([a.position, b.position]),
        time_unix_nano=np.concatenate([a.time_unix_nano, b.time_unix_nano]),
        inference_id=a.inference_id + b.inference_id,
        values={
            name: np.concatenate(
                [m.values.get(name, _unknown(m, b.values.get(name, a.values.get(name)))) for m in (a, b)]
            )
            for name in {**a.values, **b.values}
        },
        words={name: _join_words(name, a, b) for name in {**a.words, **b.words}},
        texts={name: _join_texts(name, a, b) for name in {**a.texts, **b.texts}},
    )


class Held:
    """Rows that were taken and not released yet, each row of a source once.

    `seen` is the last position of each source; rows up to it are dropped, so that a replay changes nothing. Released
    rows are in order of event time, source and position: how they were cut into blocks, and how the sources'
    blocks interleaved, changes nothing as long as all of a time are there when it is released.

    >>> def read(position, second):
    ...     n = len(position)
    ...     return Measurements(np.zeros(n, np.int64), np.array(position), np.array(second) * 10**9,
    ...                         [f"inference-{at}" for at in position], {"error": np.zeros(n)})
    >>> held = Held()
    >>> held.take(read([0, 1, 2], second=[5, 3, 9]))
    >>> held.take(read([2, 3], second=[9, 4]))  # 2 is dropped: it was there before
    >>> held.release(until=5 * 10**9).inference_id
    ['inference-1', 'inference-3', 'inference-0']
    >>> len(held)
    1
    """

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self._rows = nothing()

    def __len__(self) -> int:
        return len(self._rows.inference_id)

    def take(self, m: Measurements) -> None:
        """Hold what was not seen before, until `release`."""
        new = self._unseen(m.source, m.position)
        if len(new) < len(m.inference_id):
            m = select(m, new)
        if len(new):
            self._rows = join(self._rows, m) if len(self) else m

    def release(self, until: int = LATEST) -> Measurements:
        """Give up the rows whose event time is not later than `until`, nanoseconds.

        Rows over HELD_BYTES are given up early, the oldest first.
        """
        rows = self._rows
        ready = int(np.count_nonzero(rows.time_unix_nano <= until))
        if ready < len(self):
            ready = max(ready, len(self) - self._room())
        if ready == 0:  # a worker that catches up asks again and again, and holds much
            return part(rows, 0, 0)
        order = np.lexsort((rows.position, rows.source, rows.time_unix_nano))
        # What leaves keeps labels that nobody says: it is not kept. What stays must not gather them.
        self._rows = select(rows, np.sort(order[ready:])) if ready < len(order) else nothing()
        return _gather(rows, order[:ready])

    def forget(self, gone: Gone) -> int:
        """Drop the rows of inferences and of users that are to be forgotten, and return how many those were."""
        m = self._rows
        drop = np.array([gone(each) for each in m.inference_id], np.bool_)
        for words in m.words.values():
            drop |= np.array([*map(gone, words.labels), False], np.bool_)[words.codes]  # the last is what -1 finds
        if drop.any():
            self._rows = select(m, np.flatnonzero(~drop))
        return int(drop.sum())

    def state(self) -> dict[str, Any]:
        """Return what waits, as numpy arrays, texts and numbers."""
        m = self._rows
        return {
            "seen": np.array(list(self.seen.items()), np.int64).reshape(-1, 2),
            "inference_id": list(m.inference_id),
            **{name: getattr(m, name) for name in _PLACES},
            "values": dict(m.values),
            "words": {name: {"codes": words.codes, "labels": list(words.labels)} for name, words in m.words.items()},
            "texts": {
                name: {"rows": texts.rows, "style": texts.style, "grams": texts.grams}
                | ({} if texts.vectors is None else {"vectors": texts.vectors})
                for name, texts in m.texts.items()
            },
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Held":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        held = cls()
        held.seen = {int(source): int(position) for source, position in state["seen"]}
        held._rows = Measurements(
            **{name: state[name] for name in _PLACES},
            inference_id=list(state["inference_id"]),
            values=dict(state["values"]),
            words={name: Words(words["codes"], tuple(words["labels"])) for name, words in state["words"].items()},
            texts={name: Texts(**texts) for name, texts in state["texts"].items()},
        )
        return held

    def _room(self) -> int:
        m = self._rows
        longest = max((len(id_.encode("utf-8", "surrogatepass")) for id_ in m.inference_id), default=0)
        row = 24 + sum(column.itemsize for column in m.values.values()) + 4 * len(m.words)
        texts = sum(each.rows.nbytes + each.style.nbytes + each.grams.nbytes for each in m.texts.values())
        vectors = sum(each.vectors.nbytes for each in m.texts.values() if each.vectors is not None)
        # Packed, numbers and words take a third and texts a sixth or less; ids may be anything.
        return int(HELD_BYTES / (longest + row / 3 + (texts / 6 + vectors) / max(len(self), 1)))

    def _unseen(self, source: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows that are new, in order, and remember them."""
        new = np.zeros(len(position), np.bool_)
        for each in np.unique(source).tolist():
            rows = np.flatnonzero(source == each)
            reached = np.maximum.accumulate(np.concatenate(([self.seen.get(each, -1)], position[rows])))
            new[rows] = position[rows] > reached[:-1]
            self.seen[each] = int(reached[-1])
        return np.flatnonzero(new)


def _said(codes: NDArray[np.int32], labels: tuple[str, ...]) -> Words:
    """Return words with only the labels that are said."""
    used = np.flatnonzero(np.bincount(codes + 1, minlength=1)[1:])
    renamed = np.full(len(labels) + 1, -1, np.int32)  # the last is what -1 finds
    renamed[used] = np.arange(len(used))
    return Words(renamed[codes], tuple(labels[code] for code in used.tolist()))


def _part_of_texts(texts: Texts, start: int, stop: int) -> Texts:
    own = slice(*np.searchsorted(texts.rows, (start, stop)).tolist())
    vectors = None if texts.vectors is None else texts.vectors[own]
    return Texts(texts.rows[own] - np.int32(start), texts.style[own], texts.grams[own], vectors)


def _moved(texts: Texts, place: NDArray[np.int64]) -> Texts:
    """Return the texts of rows that moved to `place`, or away, -1."""
    rows = place[texts.rows]
    order = np.argsort(rows, kind="stable")[np.count_nonzero(rows < 0) :]
    vectors = None if texts.vectors is None else texts.vectors[order]
    return Texts(rows[order].astype(np.int32), texts.style[order], texts.grams[order], vectors)


def _unknown(m: Measurements, like: NDArray[Any] | None) -> NDArray[Any]:
    return np.full(len(m.inference_id), np.nan, None if like is None else like.dtype)


def _join_words(name: str, a: Measurements, b: Measurements) -> Words:
    first, then = (m.words.get(name) or Words(np.full(len(m.inference_id), -1, np.int32), ()) for m in (a, b))
    code = {label: number for number, label in enumerate(first.labels)}
    renamed = np.array([*(code.setdefault(label, len(code)) for label in then.labels), -1], np.int32)
    return Words(np.concatenate([first.codes, renamed[then.codes]]), tuple(code))


def _join_texts(name: str, a: Measurements, b: Measurements) -> Texts:
    pieces = [(m.texts[name], start) for m, start in ((a, 0), (b, len(a.inference_id))) if name in m.texts]
    return Texts(
        np.concatenate([texts.rows + np.int32(start) for texts, start in pieces]),
        np.concatenate([texts.style for texts, _ in pieces]),
        np.concatenate([texts.grams for texts, _ in pieces]),
        _join_vectors([texts for texts, _ in pieces]),
    )


def _join_vectors(pieces: list[Texts]) -> NDArray[np.uint8] | None:
    """Join the vectors of pieces; those of a worker that makes none have none, as long as others have."""
    width = next((texts.vectors.shape[1] for texts in pieces if texts.vectors is not None), None)
    if width is None:
        return None
    return np.concatenate(
        [np.zeros((len(each.rows), width), np.uint8) if each.vectors is None else each.vectors for each in pieces]
    )
