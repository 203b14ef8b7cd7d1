"""Whatever the contract lets in comes out of ClickHouse as it went in: null stays null, '' and 0 stay themselves."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks import columns, findings, references
from sinks.clickhouse import ClickHouse
from sinks.review.windows import monday_of
from streams.batches import RecordBatch
from streams.dead_letters import dead_letter
from streams.events import CONTRACT, Event, LedgerRow, Moved, ReferenceRow
from streams.gateways.base import InvalidEvent
from streams.redaction import Redactor
from streams.sources import Content
from tests.sinks.drawn_events import LAST_NS, NEEDED, TOPICS, Sent, events, numbers, words
from tests.sinks.found import found
from tests.streams.test_events import NOON, REQUEST
from tests.streams.test_ingest import reader

NOON_MS = NOON // 1_000_000
TABLE = dict(zip(TOPICS, ("inference_parts", "inference_parts", "feedback_events"), strict=True))
KEY = {"inference_parts": "inference_id", "feedback_events": "event_id"}
JSON = {*columns.REQUEST_JSON, *columns.RESPONSE_JSON, "correction"}
STORED = dict(zip(TOPICS, (columns.REQUEST, columns.RESPONSE, columns.FEEDBACK), strict=True))


class AsSent(Redactor):
    """Lets events through as they are: what is taken out of them is another test's."""

    def apply_all(self, events: Sequence[Event], content: Content) -> None:
        """Change nothing."""


def store(sink: ClickHouse, topic: str, block: Sequence[tuple[Sent, int]]) -> list[dict[str, Any]]:
    """Send a block the way of the worker, and read its rows back in its order."""
    records = [
        ConsumerRecord(topic, 7, n, stamp, 0, None, json.dumps(sent).encode(), None, -1, 1, ())
        for n, (sent, stamp) in enumerate(block)
    ]
    read = replace(reader(), redactor=AsSent(b"")).read([RecordBatch(topic, 7, 0, len(records) - 1, records)])
    assert [letter.detail for letter in read.letters] == []
    for table, rows in columns.by_table(read.tables()):
        sink.insert(table, rows)
    table, key = TABLE[topic], KEY[TABLE[topic]]
    exact = "toUnixTimestamp64Nano(time) AS time, toUnixTimestamp64Milli(ingest_time) AS ingest_time"
    query = f"SELECT * REPLACE ({exact}) FROM {table} FINAL WHERE {key} IN {{ids:Array(String)}}"  # noqa: S608  # names from above
    found = sink.client.query(query, {"ids": [sent[key] for sent, _ in block]}).named_results()
    by_key = {row[key]: row for row in found}
    return [by_key[sent[key]] for sent, _ in block]


def expected(topic: str, sent: Sent) -> dict[str, Any]:
    """What each column of an event has to hold: what was sent, else the contract's default."""
    fields = CONTRACT[topic].model_fields
    return {
        name: sent.get(field.alias or name, field.get_default(call_default_factory=True))
        for name, field in fields.items()
        if name in STORED[topic] or name in JSON
    }


def same(name: str, stored: Any, sent: Any) -> bool:
    if name == "aliases":
        return sorted(stored) == sorted(sent)  # a set, in `inference_parts`
    if name in JSON and sent is not None:
        return bool(json.loads(stored) == sent)
    return (type(stored) is type(sent) or isinstance(stored, float)) and bool(stored == sent)


def check(sink: ClickHouse, topic: str, block: Sequence[tuple[Sent, int]]) -> list[dict[str, Any]]:
    rows = store(sink, topic, block)
    for n, (row, (sent, stamp)) in enumerate(zip(rows, block, strict=True)):
        wanted = expected(topic, sent)
        assert row["time"] == wanted.pop("time_unix_nano")
        wrong = {name: (row[name], value) for name, value in wanted.items() if not same(name, row[name], value)}
        assert not wrong
        assert row["ingest_time"] == (stamp if 0 <= stamp <= LAST_NS // 1_000_000 else 0)
        if "week" in row:
            assert row["week"] == monday_of(datetime.fromtimestamp(sent["time_unix_nano"] // 10**9, UTC)).date()
        assert row["tags"] == sent.get("tags", {})
        record = {"inference.requests": "request_record", "inference.responses": "response_record"}.get(topic, "record")
        assert row[record] == f"{topic}/7/{n}"
    return rows


relaxed = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("topic", TOPICS)
@relaxed
@given(data=st.data())
def test_what_comes_out_is_what_went_in(sink: ClickHouse, topic: str, data: st.DataObject) -> None:
    block = data.draw(events(topic))
    rows = check(sink, topic, block)
    for row, (sent, _) in zip(rows, block, strict=True):
        if topic == "inference.requests":
            assert row["request_time"] is not None
            assert (row["response_time"], row["status"], row["segment"], row["output_tokens"]) == (None,) * 4
            given_ = {name.rpartition(".")[2]: value for name, value in sent.items() if name in PARAMETERS}
            known = {name: value for name, value in given_.items() if value is not None}
            assert (json.loads(row["request_parameters"]) if known else row["request_parameters"]) == (known or None)
        elif topic == "inference.responses":
            assert row["response_time"] is not None
            assert (row["request_time"], row["input"], row["anomaly_score"]) == (None,) * 3
            assert row["segment"] is not None
        else:
            assert row["feedback_id"] == sent["event_id"]
            low_high = sent.get("feedback.range", NEEDED[topic]["feedback.range"]) or (None, None)
            assert (row["score_low"], row["score_high"]) == tuple(low_high)


PARAMETERS = {"gen_ai.request.temperature", "gen_ai.request.max_tokens", "gen_ai.request.seed"}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("18446744073709551616", 2**64),
        ("-9223372036854775809", -(2**63) - 1),
        ("1" * 4300, int("1" * 4300)),
        ("NaN", None),  # not JSON, though many a serialiser writes it
        ("-Infinity", None),
        ("1e400", None),
        ("[18446744073709551616, NaN, 0.1]", [2**64, None, 0.1]),
        ('"\\u0000"', "\0"),
        ("-0.0", -0.0),
        ("5e-324", 5e-324),
        ("[" * 150 + "]" * 150, json.loads("[" * 150 + "]" * 150)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_numbers_and_depths_that_break_other_writers_are_stored(sink: ClickHouse, value: str, stored: Any) -> None:
    identity = f"odd-{next(numbers)}"
    sent = json.dumps(REQUEST | {"inference_id": identity, "input": "@"}).replace('"@"', f'{{"a": {value}}}')
    record = ConsumerRecord(TOPICS[0], 0, 0, NOON_MS, 0, None, sent.encode(), None, -1, 1, ())
    block = replace(reader(), redactor=AsSent(b"")).read([RecordBatch(TOPICS[0], 0, 0, 0, [record])])
    for table, rows in columns.by_table(block.tables()):
        sink.insert(table, rows)
    query = "SELECT input FROM inferences WHERE inference_id = {id:String}"
    ((text,),) = sink.client.query(query, {"id": identity}).result_rows
    assert json.loads(text) == {"a": stored}


@pytest.mark.parametrize(
    "value",
    ['"\\ud800"', "[" * 300 + "]" * 300, "1" * 4301, '"\x01"'],
    ids=["a lone surrogate", "too deep", "too many digits", "a control character"],
)
def test_what_cannot_be_stored_is_a_dead_letter(value: str) -> None:
    sent = json.dumps(REQUEST | {"input": "@"}).replace('"@"', value).encode()
    record = ConsumerRecord(TOPICS[0], 0, 0, NOON_MS, 0, None, sent, None, -1, 1, ())
    block = reader().read([RecordBatch(TOPICS[0], 0, 0, 0, [record])])
    assert [letter.reason for letter in block.letters] == ["not_json"]


@relaxed
@given(
    key=st.none() | st.binary(max_size=9),
    value=st.none() | st.binary(max_size=9),
    headers=st.lists(st.tuples(words, st.none() | st.binary(max_size=9)), max_size=3),
    stamp=st.sampled_from([NOON_MS, 0, -1, 2**62]),
    detail=st.text(),
)
def test_a_dead_letter_is_kept_to_the_byte(
    sink: ClickHouse,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    stamp: int,
    detail: str,
) -> None:
    offset = next(numbers)
    record = ConsumerRecord("t", 2, offset, stamp, 0, key, value, None, -1, -1, tuple(headers))
    letter = dead_letter(record, InvalidEvent("not_json", detail))
    sink.insert("dead_letters", columns.dead_letter_rows([letter]))
    query = (
        "SELECT topic, partition, toUnixTimestamp64Milli(ingest_time), reason, detail, lower(hex(key)), "
        "lower(hex(value)), arrayMap(h -> (h.1, lower(hex(h.2))), headers) FROM dead_letters WHERE offset = {o:Int64}"
    )
    (row,) = sink.client.query(query, {"o": offset}).result_rows

    def hexed(data: bytes | None) -> str | None:
        return None if data is None else data.hex()

    kept = ("t", 2, NOON_MS if stamp == NOON_MS else 0, "not_json", detail, hexed(key), hexed(value))
    assert row == (*kept, [(name, hexed(data)) for name, data in headers])


def test_scores_findings_and_ledger_rows_hold_their_extremes(sink: ClickHouse) -> None:
    sink.insert("inference_parts", columns.score_parts(["s1", "s2"], [NOON, LAST_NS], [0.25, 1 - 2**-53], NOON_MS))
    query = (
        "SELECT anomaly_score, toUnixTimestamp64Nano(time), request_time, status FROM inferences WHERE inference_id IN"
    )
    assert sink.client.query(f"{query} ('s1', 's2') ORDER BY inference_id").result_rows == [
        (0.25, NOON, None, None),
        (1 - 2**-53, LAST_NS, None, None),
    ]
    finding = found(
        "f",
        time_unix_nano=LAST_NS,
        said_unix_nano=LAST_NS,
        since_unix_nano=1,
        segment="小|-|\0|-",
        subject="",
        direction="other",
        mean_after=5e-324,
        high_after=float("inf"),
        count_before=2**64 - 1,
        count_after=0,
        examples_before=[],
        examples_after=["", "a"],
        slices=[],
        also=[Moved(metric="", direction="\0", before=-1e308, after=5e-324)],
    )
    sink.insert("finding_events", columns.finding_rows([finding]))
    assert findings.one(sink.client, "f").finding == finding
    reference = ReferenceRow("小", "m", LAST_NS, "learning", 5e-324, "", (0.5,) * 168, (-1e38,) * 168, (1e38,) * 168, 0)
    sink.insert("references", columns.reference_rows([reference]))
    (kept,) = references.of_segment(sink.client, "小")
    assert kept.band_high[0] == pytest.approx(1e38)
    assert replace(kept, band_low=reference.band_low, band_high=reference.band_high) == reference
    ledger = LedgerRow("t", 2**31 - 1, 0, 2**63 - 1, 2**32 - 1, 0, 2**32 - 1, 0, 2**32 - 1)
    sink.insert("ledger", columns.ledger_rows([ledger], NOON_MS))
    query = "SELECT topic, partition, first_offset, last_offset, records, written, dead FROM ledger"
    assert sink.client.query(query).result_rows == [("t", 2**31 - 1, 0, 2**63 - 1, 2**32 - 1, 0, 2**32 - 1)]
