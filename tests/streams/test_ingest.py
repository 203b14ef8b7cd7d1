"""Batches of raw records become a block: every record is an event or a dead letter, and the ledger counts each."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from sinks.dead_letters import ORIGIN
from streams import ingest
from streams.batches import RecordBatch
from streams.events import DeadLetter, LedgerRow
from streams.gateways.otlp import MOST_SET_ASIDE
from streams.measure import Questions, Segments, position_of, source_of
from streams.redaction import Redactor
from streams.sources import Source
from tests.streams.gateways import otlp_messages as otlp
from tests.streams.test_events import EXAMPLES, FEEDBACK, NOON, REQUEST, RESPONSE

TOPICS = ("inference.requests", "inference.responses", "inference.feedback")
PREFIXED = ("eu.inference.requests", "eu.inference.responses", "eu.inference.feedback")
LIMIT = 100_000
NOON_MS = NOON // 1_000_000


def batch(topic: str, partition: int, first: int, values: Sequence[bytes | None], hole: int = 0) -> RecordBatch:
    """Return a fetch with a record for each value, and `hole` offsets after them that hold none."""
    records = [
        ConsumerRecord(
            topic, partition, first + n, NOON_MS, 1, b"key", value, None, 3, len(value or b""), (("h", None),)
        )
        for n, value in enumerate(values)
    ]
    return RecordBatch(topic, partition, first, first + len(values) - 1 + hole, records)


def event(topic: str, **change: Any) -> bytes:
    return json.dumps(EXAMPLES[topic] | change).encode()


def reader(topics: Sequence[str] = TOPICS, segments: int = 10, **source: Any) -> ingest.Reader:
    formats = ("native_requests", "native_responses", "native_feedback")
    sources = [Source.model_validate({"format": each} | source) for each in formats]
    named = Segments(segments)
    redactor, questions = Redactor(b"p" * 32), Questions(named, share=0.0)
    return ingest.Reader(dict(zip(topics, sources, strict=True)), named, redactor, LIMIT, questions)


def read(*batches: RecordBatch, topics: Sequence[str] = TOPICS, segments: int = 10, **source: Any) -> ingest.Block:
    return reader(topics, segments, **source).read(batches)


def test_each_topic_has_its_room_and_events_keep_their_place() -> None:
    requests, responses, feedback = TOPICS
    block = read(
        batch(responses, 3, 70, [event(responses, inference_id="r1"), event(responses, inference_id="r2")]),
        batch(feedback, 0, 5, [event(feedback)]),
        batch(requests, 1, 0, [event(requests)]),
        batch(responses, 1, 9, [event(responses, inference_id="r3")]),
    )
    assert [each.inference_id for each in block.responses.events] == ["r1", "r2", "r3"]
    assert block.responses.records == [f"{responses}/3/70", f"{responses}/3/71", f"{responses}/1/9"]
    third, first = source_of(responses, 3), source_of(responses, 1)
    assert block.responses.sources == [third, third, first]
    assert block.responses.positions == [position_of(offset, 0) for offset in (70, 71, 9)]
    assert block.responses.ingest_ms == [NOON_MS] * 3
    assert [each.event_id for each in block.requests.events] == [REQUEST["event_id"]]
    assert [each.event_id for each in block.feedback.events] == [FEEDBACK["event_id"]]
    assert [table for table, _ in block.tables()] == ["inference_parts", "inference_parts", "feedback_events"]
    assert block.letters == []


def test_an_event_in_another_kinds_topic_is_set_aside_with_its_bytes() -> None:
    requests = TOPICS[0]
    block = read(
        batch(requests, 2, 8, [event(requests), event(TOPICS[1]), None, b"{", event(requests, inference_id="")])
    )
    assert [(letter.offset, letter.reason) for letter in block.letters] == [
        (9, "wrong_shape"),
        (10, "empty"),
        (11, "not_json"),
        (12, "wrong_shape"),
    ]
    letter = block.letters[0]
    assert (letter.topic, letter.partition, letter.key, letter.value) == (requests, 2, b"key", event(TOPICS[1]))
    assert letter.headers == (("h", None),)
    assert block.ledger == [LedgerRow(requests, 2, 8, 12, records=5, written=1, dead=4, events=1, letters=4)]
    assert block.events == 1


def test_topics_go_by_the_names_they_were_given() -> None:
    block = read(batch(PREFIXED[1], 0, 0, [event(TOPICS[1])]), topics=PREFIXED)
    assert len(block.responses.events) == 1
    ((_, rows),) = block.tables()
    assert rows["response_record"].to_pylist() == ["eu.inference.responses/0/0"]


def test_segments_and_characters_stand_beside_their_responses() -> None:
    responses = TOPICS[1]
    said = {"gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "ja"}]}]}
    values = [
        event(responses, **{"service.name": "a"}),
        b"poison",
        event(responses, **{"service.name": "b"} | said),
        event(responses, synthetic=True, status="error", **{"service.name": "a"}),
        event(responses, status="error", **{"service.name": "a"}),
    ]
    block = read(batch(responses, 0, 0, values), segments=1)
    assert block.segments == ["a|-|-|-", "other", "a|-|-|-", "a|-|-|-"]
    assert [answer.chars for answer in block.answers] == [None, 2, None, None]
    served = {segment: [(answer.status, s) for answer, s in of] for segment, of in block.served([1, 2, 3, 4]).items()}
    assert served == {"a|-|-|-": [("ok", 1), ("error", 4)], "other": [("ok", 2)]}
    assert block.latest_ns() == RESPONSE["time_unix_nano"]
    measured = {
        segment: piece.position.tolist() for segment, piece in block.measurements([None] * 4, [None] * 4, [], 0.0)
    }
    assert measured == {"a|-|-|-": [position_of(0, 0), position_of(4, 0)], "other": [position_of(2, 0)]}


def test_a_block_of_nothing_but_poison_writes_dead_letters_alone() -> None:
    block = read(batch(TOPICS[0], 0, 0, [b"x"]))
    assert [table for table, _ in block.tables()] == ["dead_letters"]
    assert list(block.measurements([], [], [], 0.0)) == []
    assert block.latest_ns() == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(TOPICS),
            st.integers(0, 3),
            st.lists(st.booleans(), min_size=1, max_size=6),
            st.integers(0, 3),
        ),
        max_size=8,
    )
)
def test_every_record_is_accounted_for(shapes: list[tuple[str, int, list[bool], int]]) -> None:
    ends: Counter[tuple[str, int]] = Counter()
    batches = []
    for topic, partition, good, hole in shapes:
        values = [event(topic) if each else b"poison" for each in good]
        batches.append(batch(topic, partition, ends[topic, partition], values, hole))
        ends[topic, partition] = batches[-1].last_offset + 1
    block = read(*batches)

    assert (sum(row.events for row in block.ledger), sum(row.letters for row in block.ledger)) == (
        block.events,
        len(block.letters),
    )
    assert [(row.topic, row.partition) for row in block.ledger] == [
        (topic, partition) for topic, partition, *_ in shapes
    ]
    for row, (_, _, good, hole) in zip(block.ledger, shapes, strict=True):
        assert (row.records, row.written, row.dead) == (len(good), sum(good), len(good) - sum(good))
        assert row.last_offset - row.first_offset + 1 == len(good) + hole
    kinds = (block.requests, block.responses, block.feedback)
    written = [place for kind in kinds for place in kind.records]
    dead = [f"{letter.topic}/{letter.partition}/{letter.offset}" for letter in block.letters]
    sent = [f"{each.topic}/{record.partition}/{record.offset}" for each in batches for record in each.records]
    assert Counter(written + dead) == Counter(sent)
    assert all(len(kind.events) == len(kind.records) == len(kind.ingest_ms) == len(kind.positions) for kind in kinds)


CHAT = {"gen_ai.operation.name": "chat"}
BAD_SPAN = otlp.span(CHAT, span_id=b"shorter")


def letters_of_spans(*spans: Any, received_ms: int) -> tuple[bytes, list[DeadLetter]]:
    """The dead letters of one record of spans, and its bytes."""
    value = otlp.traces(*spans)
    record = ConsumerRecord("spans", 0, 7, received_ms, 1, None, value, None, 0, len(value), ())
    named = Segments(10)
    source = {"spans": Source(format="otlp_traces")}
    spans_reader = ingest.Reader(source, named, Redactor(b"p" * 32), LIMIT, Questions(named, share=0.0))
    return value, spans_reader.read([RecordBatch("spans", 0, 7, 7, [record])]).letters


def test_what_stands_for_all_further_bad_items_has_the_bytes_of_the_record() -> None:
    value, letters = letters_of_spans(*[BAD_SPAN] * (MOST_SET_ASIDE + 5), received_ms=otlp.INGEST_NS // 1_000_000)
    *alone, rest = letters
    assert len(alone) == MOST_SET_ASIDE
    assert all(letter.value and len(letter.value) < len(value) for letter in alone)
    assert "5 further" in rest.detail
    assert rest.value == value


def test_the_first_event_that_has_no_message_of_its_own_keeps_the_record() -> None:
    days_before = (otlp.START // 1_000_000) - 3 * 86_400_000
    value, letters = letters_of_spans(BAD_SPAN, otlp.span(CHAT), received_ms=days_before)
    assert [letter.reason for letter in letters][1:] == ["time_ahead"] * (len(letters) - 1)
    assert len(letters) > 2
    assert [letter.value == value for letter in letters] == [False, True, *[False] * (len(letters) - 2)]
    assert all(letter.value is None for letter in letters[2:])


def test_what_was_replayed_and_fails_again_is_counted_apart() -> None:
    requests = TOPICS[0]
    plain = batch(requests, 0, 5, [b"{", b"{", event(requests)])
    again = [replace(record, headers=((ORIGIN, b"x/0/1/0"),)) for record in plain.records[1:]]
    block = read(RecordBatch(requests, 0, 5, 7, [plain.records[0], *again]))
    assert (len(block.letters), block.ledger[0].dead, block.failed_again) == (2, 2, 1)
