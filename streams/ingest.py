"""Stage 1, the plain part: batches of raw records become columns of events, dead letters and rows of the ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from detectors.base import Measurements
from sinks import columns
from streams import measure
from streams.batches import RecordBatch
from streams.dead_letters import dead_letter
from streams.events import DeadLetter, Feedback, InferenceRequest, InferenceResponse, LedgerRow, Received
from streams.gateways.native import InvalidEvent, decode
from streams.measure import Segments


@dataclass
class Block:
    """What a few batches hold once they are read, ready for the sinks."""

    requests: Received[InferenceRequest]
    responses: Received[InferenceResponse]
    feedback: Received[Feedback]
    segments: list[str] = field(default_factory=list)
    output_chars: list[int | None] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(row.records for row in self.ledger)

    def measurements(self) -> Iterator[tuple[str, Measurements]]:
        return measure.by_segment(self.responses, self.segments, self.output_chars)

    def answers(self) -> Counter[tuple[str, str]]:
        """Count the answered inferences that are watched, by segment and status."""
        named = zip(self.segments, self.responses.events, strict=True)
        return Counter((segment, response.status) for segment, response in named if not response.synthetic)

    def latest_ns(self) -> int:
        """Return the greatest event time of the block, 0 where it holds no event."""
        kinds: tuple[Received[Any], ...] = (self.requests, self.responses, self.feedback)
        return max((event.time_unix_nano for kind in kinds for event in kind.events), default=0)

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Give each ClickHouse table its rows; the ledger's come apart, after these are confirmed."""
        if self.requests.events:
            yield "inference_parts", columns.request_parts(self.requests)
        if self.responses.events:
            yield "inference_parts", columns.response_parts(self.responses, self.segments, self.output_chars)
        if self.feedback.events:
            yield "feedback_events", columns.feedback_rows(self.feedback)
        if self.letters:
            yield "dead_letters", columns.dead_letter_rows(self.letters)


def read(batches: Iterable[RecordBatch], topics: tuple[str, str, str], segments: Segments, limit: int) -> Block:
    """Decode batches of the native topics.

    Args:
        batches: fetches of partitions, in order of reading.
        topics: the names of the topics of requests, responses and feedback.
        segments: names what is watched as one.
        limit: the greatest length of a record's value, bytes.
    """
    block = Block(Received(topics[0]), Received(topics[1]), Received(topics[2]))
    # Any: each topic's model and list belong together, which a mapping's type cannot say.
    rooms: dict[str, tuple[Any, Received[Any]]] = {
        topics[0]: (InferenceRequest, block.requests),
        topics[1]: (InferenceResponse, block.responses),
        topics[2]: (Feedback, block.feedback),
    }
    for batch in batches:
        model, received = rooms[batch.topic]
        dead = len(block.letters)
        for record in batch.records:
            ingest_ms = record.timestamp
            try:
                event = decode(model, record.value, limit=limit, ingest_ms=ingest_ms)
            except InvalidEvent as poison:
                block.letters.append(dead_letter(record, poison))
                continue
            received.events.append(event)
            received.partitions.append(record.partition)
            received.offsets.append(record.offset)
            received.ingest_ms.append(ingest_ms)
        block.ledger.append(ledger_row(batch, dead=len(block.letters) - dead))
    block.segments = [segments.name(response) for response in block.responses.events]
    block.output_chars = [measure.output_chars(response) for response in block.responses.events]
    return block


def ledger_row(batch: RecordBatch, dead: int) -> LedgerRow:
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
    )
