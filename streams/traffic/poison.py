"""A good event becomes a record that is none, in each of the ways in which gateways go wrong."""

from collections.abc import Callable
from random import Random
from typing import Any

import orjson

YEAR_NS = 365 * 24 * 3_600_000_000_000
TOO_LARGE = 2_000_000  # bytes; its text repeats, so that compressed it passes a broker's limit of 1 MB


def spoil(value: bytes, name: str, random: Random) -> tuple[str, bytes]:
    """Return the reason with which the record should be set aside, and the spoiled bytes.

    Args:
        value: a valid event.
        name: takes the place of its ids, so that the good event stays distinct.
        random: chooses the way of spoiling.
    """
    event = orjson.loads(value)
    for field in ("event_id", "inference_id", "feedback_id"):
        if field in event:
            event[field] = name
    reason, spoiler = random.choice(WAYS)
    return reason, spoiler(event)


def _cut_off(event: dict[str, Any]) -> bytes:
    whole = orjson.dumps(event)
    return whole[: len(whole) * 2 // 3]


def _plain_text(event: dict[str, Any]) -> bytes:
    return f"{event['time_unix_nano']} INFO {event['kind']} accepted".encode()


def _not_utf8(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event | {"service.name": "@"}).replace(b'"@"', b'"\xff\xfe\xfa"')


def _wrong_type(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event | {"time_unix_nano": "yesterday"})


def _seconds(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event | {"time_unix_nano": event["time_unix_nano"] // 1_000_000_000})


def _other_shape(event: dict[str, Any]) -> bytes:
    return orjson.dumps([event])


def _future_version(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event | {"schema_version": 2})


def _next_year(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event | {"time_unix_nano": event["time_unix_nano"] + YEAR_NS})


def _huge(event: dict[str, Any]) -> bytes:
    sentence = f"{event['event_id']} says the same again and again. "
    return orjson.dumps(event | {"tags": {"note": sentence * (TOO_LARGE // len(sentence) + 1)}})


def _nothing(_event: dict[str, Any]) -> bytes:
    return b""


WAYS: tuple[tuple[str, Callable[[dict[str, Any]], bytes]], ...] = (
    ("not_json", _cut_off),
    ("not_json", _plain_text),
    ("not_json", _not_utf8),
    ("wrong_shape", _wrong_type),
    ("wrong_shape", _seconds),
    ("wrong_shape", _other_shape),
    ("unsupported_schema_version", _future_version),
    ("time_ahead", _next_year),
    ("too_large", _huge),
    ("empty", _nothing),
)
