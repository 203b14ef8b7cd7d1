"""A record of JSON holds one item, an array of them or one a line: what is wrong with an item stays with that item."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic_core import from_json, to_json

from streams.gateways.base import Decoded, InvalidEvent

T = TypeVar("T")

MOST_SET_ASIDE = 100  # bad items of one record; the rest comes as one, or junk would cost a dead letter every few bytes


def loaded(value: bytes) -> Any:
    """Read JSON, NaN included, which Python's own encoder writes. Raises InvalidEvent(not_json)."""
    try:
        return from_json(value)
    except ValueError:
        raise InvalidEvent(
            "not_json", f"{len(value):,} bytes came: send JSON, whole, in UTF-8, nested no deeper than 200."
        ) from None


def read(
    value: bytes,
    events: Callable[[Any], list[Decoded]],
    *,
    load: Callable[[bytes], Any] = loaded,
    alone: Callable[[Sequence[Any]], bytes | None] = to_json,
) -> list[Decoded]:
    """Read a record; a bad item of several gives an InvalidEvent in its place.

    Args:
        value: the record's bytes.
        events: gives the events of one item, whatever JSON that is. Raises InvalidEvent.
        load: reads an item, or an array of them. Raises InvalidEvent(not_json).
        alone: writes an array of items that was read.

    Raises:
        InvalidEvent: the record is no JSON, or it is a single item, and bad.
    """
    try:
        said = load(value)
    except InvalidEvent:
        lines = list(filter(None, value.splitlines()))
        # Of JSON that was printed over lines and cut off, none of the first two is an object.
        if len(lines) < 2 or not any(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines[:2]):
            raise
        return each(lines, lambda line: events(load(line)), b"\n".join)
    return each(said, events, alone) if isinstance(said, list) else events(said)


def each(
    items: Sequence[T], events: Callable[[T], list[Decoded]], alone: Callable[[Sequence[T]], bytes | None]
) -> list[Decoded]:
    """Read the items of a record one by one.

    Args:
        items: what the record holds.
        events: gives the events of one item. Raises InvalidEvent.
        alone: makes a message of the same format with nothing but some items; None where that is impossible.
    """
    decoded: list[Decoded] = []
    bad = 0
    for place, item in enumerate(items):
        try:
            decoded += events(item)
        except InvalidEvent as wrong:
            bad += 1
            rest = items[place:] if bad == MOST_SET_ASIDE else [item]
            decoded.append(InvalidEvent(wrong.reason, wrong.detail, alone(rest)))
            if bad == MOST_SET_ASIDE:
                break
    return decoded
