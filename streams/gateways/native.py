"""Sluice's own JSON events: the bytes of one record become one event, or an InvalidEvent that says why not."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streams.events import SCHEMA_VERSION, Event

E = TypeVar("E", bound=Event)

AHEAD_NS = 24 * 3600 * 1_000_000_000  # clocks differ, time zones are mistaken; a day ahead of Kafka is neither


class InvalidEvent(Exception):
    """A record that is not an event: poison. `reason` is one of a few words, `detail` never quotes the record."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def decode(model: type[E], value: bytes | None, *, limit: int, ingest_ms: int) -> E:
    """Read one record's value.

    Args:
        model: what the record's topic carries.
        value: the record's bytes; None for a tombstone.
        limit: the greatest length in bytes that is read at all.
        ingest_ms: the record's Kafka timestamp, milliseconds since 1970; -1 where there is none.

    Raises:
        InvalidEvent: reason is empty, too_large, not_json, unsupported_schema_version, time_ahead or wrong_shape.
    """
    if not value:
        raise InvalidEvent("empty", "The record has no value; send the event as JSON.")
    if len(value) > limit:
        raise InvalidEvent(
            "too_large",
            f"{len(value):,} bytes, over the limit of {limit:,}: send the content by reference "
            "(content_state external_ref) or raise SLUICE_EVENT_BYTES.",
        )
    try:
        event = model.model_validate_json(value)
    except ValidationError as wrong:
        raise _explained(wrong.errors(include_input=False, include_url=False), value) from None
    if ingest_ms >= 0 and event.time_unix_nano > ingest_ms * 1_000_000 + AHEAD_NS:
        raise InvalidEvent(
            "time_ahead",
            "time_unix_nano lies more than a day after the record's Kafka time: set the gateway's clock, or send "
            "nanoseconds since 1970 in UTC.",
        )
    return event


def _explained(errors: list[ErrorDetails], value: bytes) -> InvalidEvent:
    first = errors[0]
    if first["type"] == "json_invalid":
        return InvalidEvent(
            "not_json", f"{first['msg']}; {len(value):,} bytes came: send one JSON object a record, whole, in UTF-8."
        )
    newer = next((error for error in errors if error["loc"] == ("schema_version",)), None)
    if newer is not None:
        return InvalidEvent(
            "unsupported_schema_version",
            f"This Sluice reads schema_version {SCHEMA_VERSION}: upgrade Sluice before the gateway, then replay these.",
        )
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    # An event in the wrong topic has a dozen faults; the one that says so comes first.
    first = next((error for error in errors if error["loc"] == ("kind",)), first)
    where = ".".join(str(step) for step in first["loc"]) or "the event as a whole"
    return InvalidEvent("wrong_shape", f"{where}: {first['msg']}{more}; `sluice schema` prints the contract.")
