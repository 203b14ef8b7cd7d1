"""Messages of OTLP as tests need them: recorded ones from files, and made ones in protobuf and in OTLP/JSON."""

import json
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

FIXTURES = Path(__file__).parents[2] / "fixtures"

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
START, END = 1_795_226_324_000_000_000, 1_795_226_325_500_000_000
INGEST_NS = 1_795_226_600_000_000_000


def recorded(name: str) -> bytes:
    """Read a file of tests/fixtures."""
    return (FIXTURES / name).read_bytes()


def any_value(value: Any) -> AnyValue:
    """Make an AnyValue of a plain value; None is one that is not set."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(each) for each in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
        case _:
            return AnyValue(string_value=value)


def attributes(said: dict[str, Any]) -> list[KeyValue]:
    """Make a list of KeyValue."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in said.items()]


def span(said: dict[str, Any], **fields: Any) -> Span:
    """Make a span of 1.5 s with these attributes; further fields by the names of protobuf."""
    made = Span(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
        start_time_unix_nano=START,
        end_time_unix_nano=END,
        attributes=attributes(said),
    )
    made.MergeFrom(Span(**{name: value for name, value in fields.items() if name not in ("trace_id", "span_id")}))
    for name in ("trace_id", "span_id"):
        if name in fields:
            setattr(made, name, fields[name])
    return made


def failed(message: str = "") -> Status:
    """Make the status of a span that failed."""
    return Status(code=Status.STATUS_CODE_ERROR, message=message)


def traces(*spans: Span, resource: dict[str, Any] | None = None, version: str = "1") -> bytes:
    """Make a message of traces of one resource and scope."""
    request = ExportTraceServiceRequest()
    sent = request.resource_spans.add()
    sent.resource.attributes.extend(attributes(resource or {}))
    scope = sent.scope_spans.add()
    scope.scope.version = version
    scope.spans.extend(spans)
    return request.SerializeToString()


def logs(*records: dict[str, Any], resource: dict[str, Any] | None = None) -> bytes:
    """Make a message of log records: fields by the names of protobuf, attributes and body as plain values."""
    request = ExportLogsServiceRequest()
    sent = request.resource_logs.add()
    sent.resource.attributes.extend(attributes(resource or {}))
    scope = sent.scope_logs.add()
    for fields in records:
        record = scope.log_records.add(**{k: v for k, v in fields.items() if k not in ("attributes", "body")})
        record.attributes.extend(attributes(fields.get("attributes", {})))
        if "body" in fields:
            record.body.CopyFrom(any_value(fields["body"]))
    return request.SerializeToString()


def json_traces(*spans: Any, **resource: Any) -> bytes:
    """Make a message of traces in OTLP/JSON of spans as JSON has them."""
    return json.dumps({"resourceSpans": [{**resource, "scopeSpans": [{"spans": list(spans)}]}]}).encode()


def json_span(*pairs: Any, **fields: Any) -> dict[str, Any]:
    """Make a span of 1.5 s as OTLP/JSON has it; pairs are its attributes."""
    times = {"startTimeUnixNano": str(START), "endTimeUnixNano": str(END)}
    return {"traceId": TRACE, "spanId": SPAN, **times, "attributes": list(pairs), **fields}
