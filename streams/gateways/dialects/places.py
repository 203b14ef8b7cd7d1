"""Attributes go to the fields of events that a dialect's table of places names, as far as their values make sense."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streams.gateways.openai_api import output_type
from streams.gateways.telemetry import Attributes
from streams.gateways.values import count, flag, number, word

Fields = dict[str, Any]

MOST_REASONS = 64  # as the contract has it
LONGEST_PROVIDER = 128
_INT64 = range(-(2**63), 2**63)


class Place(NamedTuple):
    """Where an attribute goes: the field of a request or a response, and how to read it, None being not known."""

    field: str
    read: Callable[[Any], Any]
    former: bool = False  # the name in an older convention or of one vendor, which gives way to the newer


def placed(attributes: Attributes, places: Mapping[str, Place]) -> Fields:
    """Read the attributes that have a place; only fields whose value is known are in the result."""
    read: Fields = {}
    for name, value in attributes.items():
        place = places.get(name)
        if place is not None:
            field, reader, former = place
            found = reader(value)
            if found is not None and not (former and field in read):
                read[field] = found
    return read


def reasons(value: object) -> list[str] | None:
    """Read why answers ended: a list, or one alone; None where nothing is said."""
    listed = value if isinstance(value, list) else [value]
    return [reason for each in listed[:MOST_REASONS] if (reason := word(each))] or None


def provider(value: object) -> str | None:
    """Read who serves the model, within the length that the contract allows."""
    named = word(value)
    return named and named[:LONGEST_PROVIDER]


def seed(value: object) -> int | None:
    """Read a seed, which may be negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _INT64 else None


def text(value: object) -> str | None:
    """Read text of any length; an empty one says nothing."""
    return value if isinstance(value, str) and value else None


def positive(value: object) -> float | None:
    """Read seconds or dollars; less than 0 is not known."""
    read = number(value)
    return None if read is None or read < 0 else read


def http_status(value: object) -> int | None:
    """Read an HTTP status, also out of a string."""
    read = number(value)
    return int(read) if read is not None and 100 <= read <= 599 else None


# Parameters of a call by the names that OpenAI's API has for them, as a gateway repeats them apart from the content.
PARAMETERS = {
    "stream": Place("stream", flag),
    "temperature": Place("temperature", number),
    "top_p": Place("top_p", number),
    "max_tokens": Place("max_tokens", count, former=True),
    "max_completion_tokens": Place("max_tokens", count),
    "seed": Place("seed", seed),
    "n": Place("choice_count", count),
    "user": Place("user_id", word),
    "response_format": Place("output_type", output_type),
}
