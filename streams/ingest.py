"""Stage 1, the plain part: batches of raw records become columns of events, dead letters and rows of the ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

import pyarrow as pa
from aiokafka.structs import ConsumerRecord

from detectors.base import Measurements
from sinks import columns
from sinks.dead_letters import ORIGIN
from sinks.joins import Placed, began_ns
from streams import measure
from streams.batches import RecordBatch
from streams.dead_letters import dead_letter
from streams.events import DeadLetter, Event, Feedback, InferenceRequest, InferenceResponse, LedgerRow, Received
from streams.gateways.base import Decoded, Decoder, Headers, InvalidEvent, header
from streams.gateways.formats import FORMATS, decode
from streams.measure import Answer, Answers, Questions, Row, Segments
from streams.redaction import Redactor
from streams.sources import FORMAT_HEADER, Source

REPEATS = ("otlp_log",)  # formats that say again what a span has said: stored and joined, not watched twice
WARM = 200  # records that are redacted together, right after they are read: later they are out of the caches


@dataclass
class Block:
    """What a few batches hold once they are read, ready for the sinks."""

    requests: Received[InferenceRequest] = field(default_factory=Received)
    responses: Received[InferenceResponse] = field(default_factory=Received)
    feedback: Received[Feedback] = field(default_factory=Received)
    # for each response: the name of its segment, whether it is watched, and what its content tells
    segments: list[str] = field(default_factory=list)
    watched: list[bool] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    questions: list[Row] = field(default_factory=list)  # of requests whose features or texts are watched
    letters: list[DeadLetter] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    failed_again: int = 0  # records that were sent again by a replay, and are dead letters once more

    @property
    def events(self) -> int:
        return sum(len(kind.events) for kind in self.kinds())

    def of_kind(self, event: Event) -> Received[Any]:
        """Return those of the event's kind, whose list takes it."""
        if isinstance(event, InferenceResponse):
            return self.responses
        return self.requests if isinstance(event, InferenceRequest) else self.feedback

    def measurements(
        self,
        durations: Sequence[float | None],
        output_types: Sequence[str | None],
        judged: Sequence[Row],
        text_share: float,
        embed: measure.Embed | None = None,
    ) -> Iterator[tuple[str, Measurements]]:
        """Give each segment its numbers.

        Args:
            durations: the responses', seconds.
            output_types: what each of them was asked for.
            judged: rows of feedback.
            text_share: the share of the inferences whose texts are watched.
            embed: gives these vectors, if any; then this takes tens of milliseconds for each of them.
        """
        named = zip(self.segments, self.watched, strict=True)
        segments = [segment if watched else None for segment, watched in named]
        answers = Answers(self.responses, segments, self.answers, durations, output_types)
        return measure.by_segment(answers, [*self.questions, *judged], text_share, embed)

    def served(self, durations: Sequence[float | None]) -> dict[str, list[tuple[InferenceResponse, float | None]]]:
        """Give each segment the answers of it that are watched, with their durations in seconds."""
        served: dict[str, list[tuple[InferenceResponse, float | None]]] = {}
        for segment, response, watched, seconds in zip(
            self.segments, self.responses.events, self.watched, durations, strict=True
        ):
            if watched:
                served.setdefault(segment, []).append((response, seconds))
        return served

    def formats(self) -> Counter[tuple[str, str]]:
        """Count the events by the format they came in and their kind."""
        named = itemgetter("source_format", "kind")
        return sum((Counter(map(named, map(vars, kind.events))) for kind in self.kinds()), Counter())

    def judgements(self) -> Counter[tuple[str, str]]:
        """Count the feedback by what was judged and by what kind of rater."""
        return Counter((event.name, event.rater_kind) for event in self.feedback.events if not event.synthetic)

    def latest_ns(self) -> int:
        """Return the greatest event time of the block, 0 where it holds no event."""
        times = (map(attrgetter("time_unix_nano"), kind.events) for kind in self.kinds())
        return max((max(each, default=0) for each in times), default=0)

    def told_responses(self) -> list[Placed]:
        """Name the answers as their callers do, which two accounts of a call have in common, and say when it began."""
        said = map(attrgetter("response_id", "time_unix_nano", "duration_s"), self.responses.events)
        return [(f"resp:{name}", began_ns(time, seconds)) for name, time, seconds in said if name]

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Give each ClickHouse table its rows; the ledger's come apart, after these are confirmed."""
        if self.requests.events:
            yield "inference_parts", columns.request_parts(self.requests)
        if self.responses.events:
            chars = [answer.chars for answer in self.answers]
            yield "inference_parts", columns.response_parts(self.responses, self.segments, chars)
        if self.feedback.events:
            yield "feedback_events", columns.feedback_rows(self.feedback)
        if self.letters:
            yield "dead_letters", columns.dead_letter_rows(self.letters)

    def kinds(self) -> tuple[Received[Any], ...]:
        """Return the events by their kinds."""
        return self.requests, self.responses, self.feedback


@dataclass(frozen=True)
class Reader:
    """Reads batches of all topics.

    Args:
        sources: what each topic carries, by its full name.
        segments: names what is watched as one.
        redactor: takes out what must not be stored.
        limit: the greatest length of a record's value, bytes.
        questions: measures requests.
    """

    sources: Mapping[str, Source]
    segments: Segments
    redactor: Redactor
    limit: int
    questions: Questions

    def read(self, batches: Iterable[RecordBatch], without: frozenset[tuple[int, int]] = frozenset()) -> Block:
        """Read fetches of partitions, in order of reading, into one block, `without` events at places to leave out."""
        block = Block()
        for batch in batches:
            source, number = self.sources[batch.topic], measure.source_of(batch.topic, batch.partition)
            decoder = None if source.format == "received" else FORMATS[source.format]
            before, lettered, dead = block.events, len(block.letters), 0
            for start in range(0, len(batch.records), WARM):
                read = [len(kind.events) for kind in block.kinds()]
                for record in batch.records[start : start + WARM]:
                    if not self._record(block, record, source, decoder or _received(record), number, without):
                        dead += 1
                        block.failed_again += header(record.headers, ORIGIN) is not None
                for kind, first in zip(block.kinds(), read, strict=True):
                    self.redactor.apply_all(kind.events[first:], source.content)
            block.ledger.append(
                ledger_row(batch, dead, events=block.events - before, letters=len(block.letters) - lettered)
            )
        return block

    def _record(
        self,
        block: Block,
        record: ConsumerRecord,
        source: Source,
        decoder: Decoder,
        number: int,
        without: frozenset[tuple[int, int]],
    ) -> bool:
        """Read one record and say whether it could be: False when all that it gave is dead letters."""
        events = letters = 0
        whole = True  # whether the record's own bytes are yet to be kept
        place = f"{record.topic}/{record.partition}/{record.offset}"
        asked: dict[str, InferenceRequest] = {}
        read = decode(decoder, record.value, record.headers, limit=self.limit, ingest_ms=record.timestamp)
        for item, event in enumerate(read):
            if isinstance(event, InvalidEvent):
                block.letters.append(dead_letter(record, event, item, whole=whole))
                whole = whole and event.item is not None
                letters += 1
                continue
            if source.synthetic and not event.synthetic:
                event = event.model_copy(update={"synthetic": True})
            position = measure.position_of(record.offset, item)
            if without and (number, position) in without:
                events += 1
                continue
            self._measure(block, event, asked, source, (number, position))
            received = block.of_kind(event)
            received.events.append(event)
            received.records.append(place)
            received.ingest_ms.append(record.timestamp)
            received.sources.append(number)
            received.positions.append(position)
            events += 1
        return events > 0 or letters == 0

    def _measure(
        self, block: Block, event: Event, asked: dict[str, InferenceRequest], source: Source, place: tuple[int, int]
    ) -> None:
        """Measure an event, of which all is still there; `asked` are the requests of its record so far, by their id."""
        watched = source.counted and not event.synthetic and event.source_format not in REPEATS
        if isinstance(event, InferenceResponse):
            block.segments.append(self.segments.name(event))
            block.watched.append(watched)
            block.answers.append(
                measure.told(measure.read(event, asked.get(event.inference_id)), source.content)
                if watched
                else Answer(chars=measure.output_chars(event))
            )
        elif isinstance(event, InferenceRequest):
            asked[event.inference_id] = event
            if watched and (row := self.questions.read(event, *place, source.content)) is not None:
                block.questions.append(row)


def ledger_row(batch: RecordBatch, dead: int, events: int, letters: int) -> LedgerRow:
    """Account for a batch: its whole interval of offsets, and what became of the records in it."""
    records = len(batch.records)
    return LedgerRow(
        topic=batch.topic,
        partition=batch.partition,
        first_offset=batch.first_offset,
        last_offset=batch.last_offset,
        records=records,
        written=records - dead,
        dead=dead,
        events=events,
        letters=letters,
    )


def _received(record: ConsumerRecord) -> Decoder:
    """Return the decoder of a record that says its format itself."""
    return FORMATS.get(header(record.headers, FORMAT_HEADER) or "", _unknown)


def _unknown(_value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    raise InvalidEvent(
        "unknown_format",
        f"The header {FORMAT_HEADER} names no format of this Sluice: upgrade the workers before the receivers.",
    )
