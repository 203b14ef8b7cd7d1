"""Bytes of OTLP become batches of spans or of log records; headers or the first byte tell protobuf from JSON.

Which signal a topic carries is its configuration: a batch of logs can be valid protobuf of traces, too.
Source: the OTLP specification, and the Collector's kafka exporter, which sends no header that names the encoding.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from streams.gateways import otlp_json, otlp_protobuf
from streams.gateways.base import Decoded, Headers, InvalidEvent, header
from streams.gateways.telemetry import Batch, LogRecord, SetAside, Span

T = TypeVar("T")

MOST_SET_ASIDE = 100  # bad items of one record that get a dead letter of their own


def traces(value: bytes, headers: Headers) -> list[Batch[Span]]:
    """Read an ExportTraceServiceRequest. Raises InvalidEvent(not_protobuf, not_json or not_otlp_json)."""
    return otlp_json.traces(value) if _is_json(value, headers) else otlp_protobuf.traces(value)


def logs(value: bytes, headers: Headers) -> list[Batch[LogRecord]]:
    """Read an ExportLogsServiceRequest. Raises what `traces` does."""
    return otlp_json.logs(value) if _is_json(value, headers) else otlp_protobuf.logs(value)


def events(
    batches: Iterable[Batch[T]], decode: Callable[[Batch[T]], Iterator[Decoded | SetAside]]
) -> Iterator[Decoded]:
    """Decode batch by batch, and make what was set aside InvalidEvents that can be replayed by themselves.

    That goes for the first so many, as a few bytes make a bad item; one for the whole record stands for all further.
    """
    bad = 0
    for batch in batches:
        for each in decode(batch):
            if not isinstance(each, SetAside):
                yield each
                continue
            bad += 1
            if bad <= MOST_SET_ASIDE:
                yield InvalidEvent(each.wrong.reason, each.wrong.detail, batch.alone(each.raws))
    if bad > MOST_SET_ASIDE:
        yield InvalidEvent("wrong_shape", f"{bad - MOST_SET_ASIDE:,} further items of the record are as bad as these.")


def _is_json(value: bytes, headers: Headers) -> bool:
    said = header(headers, "content-type") or ""
    if "json" in said:
        return True
    # No protobuf of OTLP begins so: its only field is 1, which makes a first byte of 0x0a.
    return "protobuf" not in said and value[:1] == b"{"
