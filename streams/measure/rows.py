"""A block's answers, questions and feedback become measurements: columns of numbers and words for each segment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Measurements, Words
from streams.events import InferenceResponse, Received
from streams.measure.answers import Answer
from streams.measure.columns import NUMBERS, combinations, labelled, numbers, words
from streams.measure.meanings import Embed
from streams.measure.tabular import Said
from streams.measure.texts import Described, sampled

ROWS = 900  # in one piece


@dataclass(slots=True)
class Row:
    """A row that is no answer: what a question or a piece of feedback says by itself. `text` is that of a question
    whose texts are watched."""

    segment: str
    source: int
    position: int
    time_unix_nano: int
    inference_id: str
    said: Mapping[str, Said] = field(default_factory=dict)
    text: str | None = None


@dataclass(slots=True)
class Answers:
    """A block's responses, and what was told of each: its segment (None: it is not watched), its content, the seconds
    that it took and the type of output that was asked for, as far as these are known."""

    received: Received[InferenceResponse]
    segments: Sequence[str | None]
    read: Sequence[Answer]
    durations: Sequence[float | None]
    output_types: Sequence[str | None]

    def watched(self) -> "Answers":
        """Leave out what is not watched."""
        rows = [row for row, segment in enumerate(self.segments) if segment is not None]
        if len(rows) == len(self.segments):
            return self

        def kept(column: Sequence[Any]) -> list[Any]:
            return [column[row] for row in rows]

        r = self.received
        received = Received(kept(r.events), kept(r.records), kept(r.ingest_ms), kept(r.sources), kept(r.positions))
        return Answers(received, kept(self.segments), kept(self.read), kept(self.durations), kept(self.output_types))


def by_segment(
    answers: Answers, others: Sequence[Row], share: float, embed: Embed | None = None
) -> Iterator[tuple[str, Measurements]]:
    """Split a block by segment, rows in order of source and position, at most ROWS to a piece.

    What has no segment is left out: synthetic traffic, and what repeats another's account of the same call. `share` is
    that of the answers whose texts are watched; `embed` gives these vectors, if any.
    """
    answers = answers.watched()
    segments = [*answers.segments, *(row.segment for row in others)]
    names = list(dict.fromkeys(segments))
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.array([code_of[name] for name in segments], np.int64)
    block = _Block(answers, others, codes, share, embed)
    ordered = codes[block.order]
    bounds = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(segments)] if segments else []
    pieces = [
        (start, min(start + ROWS, stop)) for first, stop in pairwise(bounds) for start in range(first, stop, ROWS)
    ]
    for (start, stop), known in zip(pieces, block.known([start for start, _ in pieces]), strict=True):
        yield names[ordered[start]] or "", block.piece(start, stop, known)


class _Block:
    """All of a block's rows, answers and others, in the order of their segments, sources and positions."""

    def __init__(
        self, answers: Answers, others: Sequence[Row], codes: NDArray[np.int64], share: float, embed: Embed | None
    ) -> None:
        events, read, received = answers.received.events, answers.read, answers.received
        self.others, self.answered = others, len(events)
        source = np.array([*received.sources, *(row.source for row in others)], np.int64)
        position = np.array([*received.positions, *(row.position for row in others)], np.int64)
        time = [event.time_unix_nano for event in events] + [row.time_unix_nano for row in others]
        self.order = order = np.lexsort((position, source, codes))
        self.source, self.position, self.time = source[order], position[order], np.array(time, np.int64)[order]
        self.ids = [event.inference_id for event in events] + [row.inference_id for row in others]
        self.numbers = np.full((len(NUMBERS), len(codes)), np.nan)
        self.numbers[:, : self.answered] = numbers(events, read, answers.durations, answers.output_types)
        self.numbers = self.numbers[:, order]
        combined, self.said = combinations(events, read)
        self.combined = np.concatenate([combined, np.full(len(others), -1)])[order]
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        drawn = [n for n, answer in enumerate(read) if answer.text and sampled(self.ids[n], share)]
        asked = [n for n, row in enumerate(others) if row.text]
        self.texts = {
            "output_text": Described(place[drawn], [read[n].text or "" for n in drawn], embed),
            "input_text": Described(
                place[[self.answered + n for n in asked]], [others[n].text or "" for n in asked], embed
            ),
        }

    def known(self, starts: Sequence[int]) -> list[list[bool]]:
        """Tell which of NUMBERS are known of any row of each piece."""
        if not starts:
            return []
        known: list[list[bool]] = np.logical_or.reduceat(~np.isnan(self.numbers), starts, axis=1).T.tolist()
        return known

    def piece(self, start: int, stop: int, known: Sequence[bool]) -> Measurements:
        rows = self.order[start:stop]
        values = {name: self.numbers[n, start:stop] for n, name in enumerate(NUMBERS) if known[n]}
        said = words(self.combined[start:stop], self.said)
        others = np.flatnonzero(rows >= self.answered)
        if len(others):
            own = [self.others[row - self.answered].said for row in rows[others].tolist()]
            more_values, more_words = _spread(own, others, stop - start)
            values |= more_values
            said |= more_words
        texts = {name: described.between(start, stop) for name, described in self.texts.items()}
        return Measurements(
            source=self.source[start:stop],
            position=self.position[start:stop],
            time_unix_nano=self.time[start:stop],
            inference_id=[self.ids[row] for row in rows.tolist()],
            values=values,
            words=said,
            texts={name: each for name, each in texts.items() if each is not None},
        )


def _spread(
    own: Sequence[Mapping[str, Said]], rows: NDArray[np.int64], n: int
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Words]]:
    """Make columns of n rows of what some of them say by themselves; a name of both numbers and words goes by the
    first that comes."""
    values: dict[str, NDArray[np.float64]] = {}
    labels: dict[str, list[str | None]] = {}
    for row, said in zip(rows.tolist(), own, strict=True):
        for name, value in said.items():
            if isinstance(value, str):
                if name not in values:
                    labels.setdefault(name, [None] * n)[row] = value
            elif name not in labels:
                values.setdefault(name, np.full(n, np.nan))[row] = value
    everywhere = np.arange(n)
    return values, {name: labelled(column, everywhere) for name, column in labels.items()}
