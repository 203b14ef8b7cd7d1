"""OTLP in protobuf becomes spans and log records with attributes of plain Python values."""

import math
from base64 import b64encode
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from streams.gateways.base import InvalidEvent
from streams.gateways.telemetry import (
    Attributes,
    Batch,
    LogRecord,
    Moment,
    Room,
    Span,
    no_log_ids,
    no_span_ids,
    outermost,
)

M = TypeVar("M", bound=Message)

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)
_FAILED = trace_pb2.Status.STATUS_CODE_ERROR


def traces(value: bytes) -> list[Batch[Span]]:
    """Read an ExportTraceServiceRequest or, which is the same on the wire, TracesData. Raises InvalidEvent."""
    room = Room(len(value))
    batches = []
    for sent in room.take(_parsed(ExportTraceServiceRequest, value, "traces").resource_spans):
        resource = _attributes(sent.resource.attributes, room)
        for group in room.take(sent.scope_spans):
            alone = partial(_spans_alone, sent, group)
            batches.append(Batch(resource, group.scope.version, room.take(group.spans), partial(_span, room), alone))
    return batches


def logs(value: bytes) -> list[Batch[LogRecord]]:
    """Read an ExportLogsServiceRequest or, which is the same on the wire, LogsData. Raises InvalidEvent."""
    room = Room(len(value))
    batches = []
    for sent in room.take(_parsed(ExportLogsServiceRequest, value, "logs").resource_logs):
        resource = _attributes(sent.resource.attributes, room)
        for group in room.take(sent.scope_logs):
            alone = partial(_logs_alone, sent, group)
            read = partial(_log_record, room)
            batches.append(Batch(resource, group.scope.version, room.take(group.log_records), read, alone))
    return batches


def _parsed(kind: type[M], value: bytes, signal: str) -> M:
    try:
        return kind.FromString(value)
    except DecodeError:
        raise InvalidEvent(
            "not_protobuf",
            f"{len(value):,} bytes came that are no OTLP {signal}: set this topic's format to what it carries, and the "
            "exporter's encoding to otlp_proto or otlp_json, with no compression but Kafka's own.",
        ) from None


def _span(room: Room, span: trace_pb2.Span) -> Span:
    trace_id, span_id = span.trace_id, span.span_id
    if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        raise no_span_ids()
    status, moments = span.status, span.events
    return Span(
        trace_id.hex(),
        span_id.hex(),
        span.name,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _attributes(span.attributes, room),
        [_moment(moment, room) for moment in outermost(moments)] if moments else (),
        status.code == _FAILED,
        status.message or None,
        span,
    )


def _moment(event: trace_pb2.Span.Event, room: Room) -> Moment:
    name = event.name
    return Moment(name, event.time_unix_nano, _attributes(event.attributes, room) if name == "exception" else {})


def _log_record(room: Room, record: logs_pb2.LogRecord) -> LogRecord:
    trace_id, span_id = record.trace_id, record.span_id
    if len(trace_id) not in (0, 16) or len(span_id) not in (0, 8):
        raise no_log_ids()
    attributes = _attributes(record.attributes, room)
    name = record.event_name or attributes.get("event.name")
    return LogRecord(
        trace_id.hex() if any(trace_id) else None,
        span_id.hex() if any(span_id) else None,
        name if isinstance(name, str) else "",
        record.time_unix_nano,
        record.observed_time_unix_nano,
        attributes,
        _plain(record.body, room),
        record,
    )


def _attributes(pairs: Sequence[KeyValue], room: Room) -> Attributes:
    room.take_values(2 * len(pairs))
    # Most values are text or whole numbers, and asking for these first spares asking which kind it is.
    return {pair.key: (value := pair.value).string_value or value.int_value or _plain(value, room) for pair in pairs}


def _plain(value: AnyValue, room: Room) -> Any:
    """Return a value as JSON would have it: bytes in base64, and what is not a number as null."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        values = value.array_value.values
        room.take_values(len(values))
        return [each.string_value or _plain(each, room) for each in values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, room)
    if kind == "double_value":
        return value.double_value if math.isfinite(value.double_value) else None
    if kind == "bytes_value":
        return b64encode(value.bytes_value).decode()
    return getattr(value, kind) if kind in ("string_value", "bool_value", "int_value") else None


def _spans_alone(sent: trace_pb2.ResourceSpans, group: trace_pb2.ScopeSpans, spans: Sequence[trace_pb2.Span]) -> bytes:
    scope = trace_pb2.ScopeSpans(scope=group.scope, spans=spans, schema_url=group.schema_url)
    alone = trace_pb2.ResourceSpans(resource=sent.resource, scope_spans=[scope], schema_url=sent.schema_url)
    return ExportTraceServiceRequest(resource_spans=[alone]).SerializeToString(deterministic=True)


def _logs_alone(sent: logs_pb2.ResourceLogs, group: logs_pb2.ScopeLogs, records: Sequence[logs_pb2.LogRecord]) -> bytes:
    scope = logs_pb2.ScopeLogs(scope=group.scope, log_records=records, schema_url=group.schema_url)
    alone = logs_pb2.ResourceLogs(resource=sent.resource, scope_logs=[scope], schema_url=sent.schema_url)
    return ExportLogsServiceRequest(resource_logs=[alone]).SerializeToString(deterministic=True)
