"""Every format by its name, and the one door through which all records are read."""

from collections.abc import Iterator, Mapping
from typing import Final

from streams.gateways import (
    apisix,
    kong,
    kserve,
    langfuse,
    langfuse_scores,
    langsmith,
    litellm,
    native,
    otlp_logs,
    otlp_traces,
    phoenix,
)
from streams.gateways.base import Decoded, Decoder, Headers, InvalidEvent

FORMATS: Final[Mapping[str, Decoder]] = {
    "native_requests": native.requests,
    "native_responses": native.responses,
    "native_feedback": native.feedback,
    "otlp_traces": otlp_traces.traces,
    "otlp_logs": otlp_logs.logs,
    "cloudevents": kserve.cloudevents,
    "litellm": litellm.litellm,
    "langfuse_ingestion": langfuse.ingestion,
    "langfuse_scores": langfuse_scores.scores,
    "langsmith_feedback": langsmith.feedback,
    "phoenix_annotations": phoenix.annotations,
    "kong": kong.kong,
    "apisix": apisix.apisix,
}

# Objects, and lists of lists or of nothing, in a record of JSON, besides one in so many bytes: OTLP/JSON, the densest
# that gateways send, has one in 26. Each takes as long as a hundred bytes of text.
MOST, SPARSE = 5_000, 20
# Inside of a text there is a backslash before the quote.
_STARTS = (b'{"', b"{}", b"{ ", b"{\n", b"{\r", b"{\t", b"[[", b"[]")
SMALL = 16_384  # bytes: whatever is in it is soon read
AHEAD_NS = 24 * 3600 * 1_000_000_000  # clocks differ, time zones are mistaken; a day ahead of Kafka is neither


def decode(decoder: Decoder, value: bytes | None, headers: Headers, *, limit: int, ingest_ms: int) -> Iterator[Decoded]:
    """Read one record; what is wrong with it as a whole comes as its only InvalidEvent.

    Args:
        decoder: that of the topic's format, from FORMATS.
        value: the record's bytes; None for a tombstone.
        headers: the record's Kafka headers.
        limit: the greatest length in bytes that is read at all.
        ingest_ms: the record's Kafka timestamp, milliseconds since 1970; -1 where there is none.
    """
    try:
        if not value:
            raise InvalidEvent("empty", "The record has no value; send the event in it.")
        if len(value) > limit:
            raise InvalidEvent(
                "too_large",
                f"{len(value):,} bytes, over the limit of {limit:,}: send smaller batches, or the content by reference "
                "(content_state external_ref), or raise SLUICE_EVENT_BYTES.",
            )
        if len(value) > SMALL:
            _refuse_crowds(value)
        ingest_ns = max(0, ingest_ms) * 1_000_000
        latest = ingest_ns + AHEAD_NS if ingest_ms >= 0 else None
        for event in decoder(value, headers, ingest_ns):
            if latest is not None and not isinstance(event, InvalidEvent) and event.time_unix_nano > latest:
                event = InvalidEvent(
                    "time_ahead",
                    "The event's time lies more than a day after the record's Kafka time: set the gateway's clock, or "
                    "send nanoseconds since 1970 in UTC.",
                )
            yield event
    except InvalidEvent as poison:
        yield poison


def _refuse_crowds(value: bytes) -> None:
    """Refuse JSON of nothing but tiny objects or lists, which takes a decoder many times as long as messages do."""
    most = MOST + len(value) // SPARSE
    if value.count(b"{") + value.count(b"[") > most and sum(map(value.count, _STARTS)) > most:
        raise InvalidEvent(
            "wrong_shape",
            f"More than {most:,} JSON objects and lists of lists in {len(value):,} bytes, which no gateway sends: send "
            "smaller batches, or fewer and larger objects.",
        )
