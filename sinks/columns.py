"""Events become columns: each kind of thing that is stored, as an Arrow table named as its ClickHouse columns are."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import to_json

from streams.events import (
    DeadLetter,
    E,
    Event,
    Feedback,
    Finding,
    InferenceRequest,
    InferenceResponse,
    LedgerRow,
    Received,
    ReferenceRow,
)

TEXT = pa.string()
# For LowCardinality columns. ClickHouse 26.5 reads a null of a plain Arrow string into LowCardinality(Nullable) as
# '', and null is not ''; of a dictionary it reads it as null.
WORD = pa.dictionary(pa.int32(), pa.string())
TEXTS = pa.list_(pa.string())
# A Kafka timestamp may be any 64-bit number, where the sender sets it; what lies outside is not known, 1970.
LATEST_MS = 4_102_444_800_000  # the year 2100, well inside of what DateTime64 holds
NANOS = pa.timestamp("ns", "UTC")
MILLIS = pa.timestamp("ms", "UTC")
TAGS = pa.map_(pa.string(), pa.string())

# attribute of the event, which is also the name of the column, and its type
COMMON: dict[str, pa.DataType] = {
    "time_unix_nano": NANOS,
    "aliases": TEXTS,
    "source_format": WORD,
    "source_version": WORD,
    "trace_id": TEXT,
    "span_id": TEXT,
    "conversation_id": TEXT,
    "user_id": TEXT,
    "service": WORD,
    "environment": WORD,
    "route": WORD,
    "synthetic": pa.bool_(),
    "inference_id": TEXT,
}
INFERENCE = COMMON | {"operation": WORD, "provider": WORD, "request_model": WORD}
REQUEST = INFERENCE | {"stream": pa.bool_(), "content_state": TEXT, "content_ref": TEXT}
REQUEST_JSON = ("input_messages", "system_instructions", "tool_definitions", "input")
REQUEST_PARAMETERS = ("temperature", "top_p", "max_tokens", "seed", "choice_count", "output_type")
RESPONSE = INFERENCE | {
    "status": TEXT,
    "response_id": TEXT,
    "response_model": WORD,
    "finish_reasons": TEXTS,
    "input_tokens": pa.int64(),
    "output_tokens": pa.int64(),
    "cached_input_tokens": pa.int64(),
    "reasoning_tokens": pa.int64(),
    "duration_s": pa.float64(),
    "time_to_first_chunk_s": pa.float64(),
    "error_type": WORD,
    "error_message": TEXT,
    "http_status": pa.int16(),
    "cost_usd": pa.float64(),
    "cache_hit": pa.bool_(),
}
RESPONSE_JSON = ("output_messages", "output")
FEEDBACK = COMMON | {
    "event_id": TEXT,
    "target_scope": WORD,
    "name": WORD,
    "score": pa.float64(),
    "label": TEXT,
    "explanation": TEXT,
    "data_type": WORD,
    "choice": pa.uint16(),
    "weight": pa.float64(),
    "rater_kind": WORD,
    "rater_id": TEXT,
    "error_type": WORD,
    "deleted": pa.bool_(),
}
DEAD_LETTER = {
    "topic": TEXT,
    "partition": pa.int32(),
    "offset": pa.int64(),
    "item": pa.uint32(),
    "reason": TEXT,
    "detail": TEXT,
    "key": pa.binary(),
    "value": pa.binary(),
    "headers": pa.list_(pa.struct([("1", pa.string()), ("2", pa.binary())])),
}
LEDGER = {
    "topic": TEXT,
    "partition": pa.int32(),
    "first_offset": pa.int64(),
    "last_offset": pa.int64(),
    "records": pa.uint32(),
    "written": pa.uint32(),
    "dead": pa.uint32(),
    "events": pa.uint32(),
    "letters": pa.uint32(),
}
FINDING = {
    "finding_id": TEXT,
    "state": TEXT,
    "time_unix_nano": NANOS,
    "said_unix_nano": NANOS,
    "since_unix_nano": NANOS,
    "segment": TEXT,
    "metric": TEXT,
    "detector": TEXT,
    "subject": TEXT,
    "direction": TEXT,
    "mean_before": pa.float64(),
    "low_before": pa.float64(),
    "high_before": pa.float64(),
    "count_before": pa.uint64(),
    "mean_after": pa.float64(),
    "low_after": pa.float64(),
    "high_after": pa.float64(),
    "count_after": pa.uint64(),
    "log10_e": pa.float64(),
    "seconded": pa.bool_(),
    "learning": pa.bool_(),
    "event": pa.uint64(),
    "since_event": pa.uint64(),
    "inference_id": TEXT,
    "examples_before": TEXTS,
    "examples_after": TEXTS,
    "versions": TEXTS,
}
SLICES = pa.list_(pa.struct([("dimension", TEXT), ("value", TEXT), ("share", pa.float64())]))
MOVED = pa.list_(pa.struct([("metric", TEXT), ("direction", TEXT), ("before", pa.float64()), ("after", pa.float64())]))
HOURLY = pa.list_(pa.float32())
REFERENCE = {
    "segment": TEXT,
    "metric": TEXT,
    "said_unix_nano": NANOS,
    "state": TEXT,
    "weeks": pa.float64(),
    "unit": TEXT,
    "expected": HOURLY,
    "band_low": HOURLY,
    "band_high": HOURLY,
    "events": pa.uint64(),
}


def request_parts(received: Received[InferenceRequest]) -> pa.Table:
    """Return the requests' columns of `inference_parts`."""
    columns = _columns(received, REQUEST)
    columns |= {name: _json(values) for name, values in _fields(received.events, REQUEST_JSON)}
    columns["request_time"] = columns["time"]
    columns["request_record"] = pa.array(received.records, TEXT)
    columns["request_parameters"] = _parameters(received.events)
    return pa.table(columns)


def response_parts(
    received: Received[InferenceResponse], segments: list[str], output_chars: list[int | None]
) -> pa.Table:
    """Return the responses' columns of `inference_parts`, with each one's segment and the length of its text."""
    columns = _columns(received, RESPONSE)
    columns |= {name: _json(values) for name, values in _fields(received.events, RESPONSE_JSON)}
    # That no answer came is not an answer: when the late one comes, nothing of this may stand beside it.
    came = [event.status != "timeout_no_response" for event in received.events]
    columns["response_time"] = pc.if_else(pa.array(came), columns["time"], None)
    columns["response_record"] = pa.array([r if c else None for r, c in zip(received.records, came, strict=True)], TEXT)
    columns["segment"] = pa.array(segments, WORD)
    columns["output_chars"] = pa.array(output_chars, pa.int64())
    return pa.table(columns)


def by_table(tables: Iterable[tuple[str, pa.Table]]) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of each table once, null where a kind of row has no such column: an insert has its price, however
    few its rows are, and ClickHouse merges the parts of an inference that come in one."""
    gathered: dict[str, list[pa.Table]] = {}
    for name, rows in tables:
        gathered.setdefault(name, []).append(rows)
    for name, kinds in gathered.items():
        # As one batch, which has one dictionary of each column of words.
        yield name, pa.concat_tables(kinds, promote_options="default").combine_chunks()


def score_parts(ids: Sequence[str], times: Sequence[int], scores: Sequence[float], ingest_ms: int) -> pa.Table:
    """Return anomaly scores as columns of `inference_parts`; `times` are those of the responses, nanoseconds."""
    return pa.table(
        {
            "inference_id": pa.array(ids, TEXT),
            "time": pa.array(times, pa.int64()).cast(NANOS),
            "ingest_time": _millis([ingest_ms] * len(ids)),
            "anomaly_score": pa.array(scores, pa.float64()),
        }
    )


def feedback_rows(received: Received[Feedback]) -> pa.Table:
    """Return the columns of `feedback_events`."""
    columns = _columns(received, FEEDBACK)
    corrections = [event.correction for event in received.events]
    columns["correction"] = _json(corrections)
    columns["feedback_id"] = pa.array([event.feedback_id or event.event_id for event in received.events], TEXT)
    columns["record"] = pa.array(received.records, TEXT)
    ranges = [event.score_range or (None, None) for event in received.events]
    columns["score_low"] = pa.array([low for low, _ in ranges], pa.float64())
    columns["score_high"] = pa.array([high for _, high in ranges], pa.float64())
    return pa.table(columns)


def dead_letter_rows(letters: Sequence[DeadLetter]) -> pa.Table:
    """Return the columns of `dead_letters`; key, value and headers stay bytes."""
    columns = _attributes(letters, DEAD_LETTER)
    columns["ingest_time"] = _millis([letter.ingest_ms for letter in letters])
    return pa.table(columns)


def ledger_rows(rows: Sequence[LedgerRow], confirmed_at_ms: int) -> pa.Table:
    """Return the columns of `ledger`."""
    columns = _attributes(rows, LEDGER)
    columns["confirmed_at"] = _millis([confirmed_at_ms] * len(rows))
    return pa.table(columns)


def finding_rows(findings: Sequence[Finding]) -> pa.Table:
    """Return the columns of `finding_events`."""
    columns = _named(_attributes(findings, FINDING))
    columns["slices"] = pa.array([[dict(each) for each in finding.slices] for finding in findings], SLICES)
    columns["also"] = pa.array([[dict(each) for each in finding.also] for finding in findings], MOVED)
    return pa.table(columns)


def reference_rows(rows: Sequence[ReferenceRow]) -> pa.Table:
    """Return the columns of `references`."""
    return pa.table(_named(_attributes(rows, REFERENCE)))


def _named(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Name times as the tables do: by what happened then."""
    return {name.removesuffix("_unix_nano"): column for name, column in columns.items()}


def _columns(received: Received[E], types: dict[str, pa.DataType]) -> dict[str, pa.Array]:
    """Return the attributes as columns, and what the record and the sender's labels add to every kind."""
    columns = {name: pa.array(values, types[name]) for name, values in _fields(received.events, types)}
    columns["time"] = columns.pop("time_unix_nano")
    columns["ingest_time"] = _millis(received.ingest_ms)
    if any(event.tags for event in received.events):
        columns["tags"] = pa.array([list(event.tags.items()) for event in received.events], TAGS)
    return columns


def _attributes(things: Sequence[Any], types: dict[str, pa.DataType]) -> dict[str, pa.Array]:
    """Return a column for each attribute that is known of any thing; the table's own default is null."""
    return {name: pa.array(values, types[name]) for name, values in _known(map(attrgetter(*types), things), types)}


def _fields(events: Sequence[Event], names: Collection[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield what is known of events' fields, out of their own dictionaries: a third of the cost of attributes."""
    return _known(map(itemgetter(*names), map(vars, events)), names)


def _json(values: Sequence[Any]) -> pa.Array:
    try:
        written = [None if value is None else orjson.dumps(value) for value in values]
    except TypeError:
        written = [None if value is None else _text(value) for value in values]
    return pa.array(written, pa.binary())


def _text(value: object) -> bytes:
    """Return a value as JSON. NaN and Infinity, which JSON does not have, become null."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits: orjson refuses what pydantic, three times slower, writes
        return to_json(value, inf_nan_mode="null")


def _known(rows: Iterable[tuple[Any, ...]], names: Collection[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    # zip and what gets the rows are C: a tenth of the cost of a comprehension for each column.
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        if values.count(None) < len(values):
            yield name, values


def _millis(values: Sequence[int]) -> pa.Array:
    return pa.array([ms if 0 <= ms < LATEST_MS else 0 for ms in values], pa.int64()).cast(MILLIS)


def _parameters(requests: Sequence[InferenceRequest]) -> pa.Array:
    """Return what each request asked of its model, as JSON. Most ask the same: it is written once."""
    written: dict[tuple[Any, ...], bytes | None] = {}
    column = []
    for values in map(itemgetter(*REQUEST_PARAMETERS), map(vars, requests)):
        if values not in written or 0.0 in values:  # which is equal to -0.0, but written otherwise
            said = {name: each for name, each in zip(REQUEST_PARAMETERS, values, strict=True) if each is not None}
            written[values] = orjson.dumps(said) if said else None
        column.append(written[values])
    return pa.array(column, pa.binary())
