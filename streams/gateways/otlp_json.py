"""OTLP in JSON becomes spans and log records with attributes of plain Python values.

OTLP/JSON is not protobuf's own JSON: ids are hex, not base64. Names come in camelCase or as protobuf spells them.
Source: the OTLP specification, JSON Protobuf Encoding.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson

from streams.gateways.any_values import attributes_of, plain
from streams.gateways.base import InvalidEvent
from streams.gateways.telemetry import (
    Batch,
    LogRecord,
    Moment,
    Room,
    Span,
    no_log_ids,
    no_span_ids,
    outermost,
)
from streams.gateways.values import count, fields

T = TypeVar("T")

Object = Mapping[str, Any]
Names = tuple[str, str]  # a field in camelCase, and as protobuf spells it

_RESOURCE_SPANS, _RESOURCE_LOGS = ("resourceSpans", "resource_spans"), ("resourceLogs", "resource_logs")
_SCOPE_SPANS, _SCOPE_LOGS = ("scopeSpans", "scope_spans"), ("scopeLogs", "scope_logs")
_TRACE, _SPAN = ("traceId", "trace_id"), ("spanId", "span_id")
_SPANS, _LOG_RECORDS = ("spans", "spans"), ("logRecords", "log_records")

_TRACE_ID, _SPAN_ID = re.compile("[0-9a-fA-F]{32}").fullmatch, re.compile("[0-9a-fA-F]{16}").fullmatch
_BASE64 = re.compile("[0-9A-Za-z+/_-]{22}==|[0-9A-Za-z+/_-]{11}=").fullmatch  # of 16 bytes, or of 8
_NO_IDS = ("", "0" * 16, "0" * 32)
_FAILED = (2, "2", "STATUS_CODE_ERROR")


def traces(value: bytes) -> list[Batch[Span]]:
    """Read an ExportTraceServiceRequest. Raises InvalidEvent(not_json or not_otlp_json)."""
    return _batches(value, _RESOURCE_SPANS, _SCOPE_SPANS, _SPANS, _span)


def logs(value: bytes) -> list[Batch[LogRecord]]:
    """Read an ExportLogsServiceRequest. Raises InvalidEvent(not_json or not_otlp_json)."""
    return _batches(value, _RESOURCE_LOGS, _SCOPE_LOGS, _LOG_RECORDS, _log_record)


def _batches(value: bytes, outer: Names, inner: Names, items: Names, read: Callable[[Any], T]) -> list[Batch[T]]:
    batches, room = [], Room(len(value))
    for sent in room.take(_objects(_message(value, outer), outer)):
        resource = attributes_of(fields(sent.get("resource")).get("attributes"))
        for group in room.take(_objects(sent, inner)):
            version = fields(group.get("scope")).get("version")
            raws = room.take(_list(group, items))
            alone = partial(_alone, (outer, sent, inner, group, items))
            batches.append(Batch(resource, version if isinstance(version, str) else "", raws, read, alone))
    _refuse_base64(batches)
    return batches


def _message(value: bytes, outer: Names) -> Object:
    try:
        message = orjson.loads(value)
    except orjson.JSONDecodeError as wrong:
        raise InvalidEvent(
            "not_json",
            f"{wrong.msg} at byte {wrong.pos:,}; {len(value):,} bytes came: send each message whole, in UTF-8.",
        ) from None
    if isinstance(message, dict) and (not message or outer[0] in message or outer[1] in message):
        return message
    raise InvalidEvent(
        "not_otlp_json",
        f"The message has no {outer[0]}: set this topic's format to what it carries, otlp_traces or otlp_logs, and "
        "send one whole export request a record.",
    )


def _refuse_base64(batches: Sequence[Batch[Any]]) -> None:
    """Refuse protobuf's own JSON by the ids of its first item."""
    first = fields(next((raw for batch in batches for raw in batch.raws), None))
    if any(isinstance(said := _get(first, *names), str) and _BASE64(said) for names in (_TRACE, _SPAN)):
        raise InvalidEvent(
            "not_otlp_json",
            "Trace and span ids must be hex; these are base64, as protobuf's own JSON writes bytes. Send OTLP/JSON "
            "(the Collector's kafka exporter: encoding otlp_json) or protobuf (otlp_proto).",
        )


def _span(span: object) -> Span:
    if not isinstance(span, dict):
        raise no_span_ids()
    name, status = span.get("name"), fields(span.get("status"))
    message = status.get("message")
    moments = span.get("events")
    return Span(
        _id(_TRACE_ID, span.get("traceId") or span.get("trace_id")),
        _id(_SPAN_ID, span.get("spanId") or span.get("span_id")),
        name if isinstance(name, str) else "",
        count(span.get("startTimeUnixNano") or span.get("start_time_unix_nano")) or 0,
        count(span.get("endTimeUnixNano") or span.get("end_time_unix_nano")) or 0,
        attributes_of(span.get("attributes")),
        [_moment(fields(each)) for each in outermost(moments)] if isinstance(moments, list) else (),
        status.get("code") in _FAILED,
        message if isinstance(message, str) and message else None,
        span,
    )


def _moment(event: Object) -> Moment:
    name = event.get("name")
    attributes = attributes_of(event.get("attributes")) if name == "exception" else {}
    time_ns = count(_get(event, "timeUnixNano", "time_unix_nano")) or 0
    return Moment(name if isinstance(name, str) else "", time_ns, attributes)


def _log_record(record: object) -> LogRecord:
    if not isinstance(record, dict):
        raise no_log_ids()
    trace_id, span_id = _get(record, "traceId", "trace_id") or None, _get(record, "spanId", "span_id") or None
    attributes = attributes_of(record.get("attributes"))
    name = _get(record, "eventName", "event_name") or attributes.get("event.name")
    return LogRecord(
        _log_id(_TRACE_ID, trace_id),
        _log_id(_SPAN_ID, span_id),
        name if isinstance(name, str) else "",
        count(_get(record, "timeUnixNano", "time_unix_nano")) or 0,
        count(_get(record, "observedTimeUnixNano", "observed_time_unix_nano")) or 0,
        attributes,
        plain(record.get("body"), 0),
        record,
    )


def _id(matches: Callable[[str], object], said: object) -> str:
    if isinstance(said, str) and said not in _NO_IDS and matches(said):
        return said.lower()
    raise no_span_ids()


def _log_id(matches: Callable[[str], object], said: object) -> str | None:
    if said is None or said in _NO_IDS:
        return None
    if not isinstance(said, str) or not matches(said):
        raise no_log_ids()
    return said.lower()


def _get(said: Object, camel: str, snake: str) -> Any:
    value = said.get(camel)
    return said.get(snake) if value is None else value


def _list(said: Object, names: Names) -> list[Any]:
    value = _get(said, *names) or []
    if isinstance(value, list):
        return value
    raise InvalidEvent("not_otlp_json", f"{names[0]} is not a list: send OTLP/JSON as OpenTelemetry's exporters do.")


def _objects(said: Object, names: Names) -> list[Object]:
    value = _list(said, names)
    if all(isinstance(each, dict) for each in value):
        return value
    raise InvalidEvent(
        "not_otlp_json", f"{names[0]} has an item that is no object: send OTLP/JSON as OpenTelemetry's exporters do."
    )


def _alone(around: tuple[Names, Object, Names, Object, Names], raws: Sequence[Any]) -> bytes | None:
    outer, sent, inner, group, items = around
    scope = {name: value for name, value in group.items() if name not in items} | {items[0]: list(raws)}
    resource = {name: value for name, value in sent.items() if name not in inner} | {inner[0]: [scope]}
    message = {outer[0]: [resource]}
    try:
        return orjson.dumps(message)
    except orjson.JSONEncodeError:  # nested deeper than it writes, though not than it reads
        return None
