"""What every decoder works with: a raw record comes in, events go out, and InvalidEvents that say why not."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json

from streams.events import SCHEMA_VERSION, Event, Feedback, InferenceRequest, InferenceResponse, Message, Part

E = TypeVar("E", bound=Event)

LONGEST_ID = 256  # characters, as the contract has it

# As Kafka has them: names may repeat, values are bytes or absent.
Headers = Sequence[tuple[str, bytes | None]]


class InvalidEvent(Exception):
    """A record, or one item of it, that is not an event: poison.

    `reason` is one of a few words: empty, too_large, not_json, not_protobuf, not_otlp_json, not_cloudevents,
    unsupported_schema_version, time_ahead, wrong_shape. `detail` names the cure and never quotes the record. `item` is
    a message of the same format with nothing but the item in it, so that it can be replayed by itself; None stands for
    the whole record.
    """

    def __init__(self, reason: str, detail: str, item: bytes | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.item = item


Decoded = InferenceRequest | InferenceResponse | Feedback | InvalidEvent


class Decoder(Protocol):
    """Reads one record of a format; pure: the same bytes always give the same events."""

    def __call__(self, value: bytes, headers: Headers, ingest_ns: int, /) -> Iterable[Decoded]:
        """Return the record's events in its own order, and an InvalidEvent in the place of each bad item.

        What is not about an inference (a span of a database, say) gives nothing, and is no fault.

        Args:
            value: the record's bytes, not empty.
            headers: the record's Kafka headers; a receiver's HTTP headers come as these do.
            ingest_ns: the record's Kafka time, nanoseconds since 1970: the event time of what carries none.

        Raises:
            InvalidEvent: the record as a whole cannot be read.
        """
        ...


def build(model: type[E], fields: Mapping[str, Any]) -> E:
    """Make an event of fields by the names of its attributes. Raises InvalidEvent(wrong_shape) and the like.

    Content is values that a decoder of JSON gave, in dialogues as `messages` makes them: what is asked of it is only
    that it can be written again.
    """
    content = {name: fields[name] for name in _CONTENT[model] if fields.get(name) is not None}
    _refuse_unwritable(content)
    try:
        # Validating each value of the content by itself takes ten times as long as reading it did.
        event = model.model_validate({**fields, **{name: _STANDS_IN[name] for name in content}})
    except ValidationError as wrong:
        raise explained(wrong.errors(include_input=False, include_url=False)) from None
    event.__dict__.update(content)
    return event


_STANDS_IN: Mapping[str, Any] = {
    "input_messages": [],
    "system_instructions": [],
    "tool_definitions": [],
    "input": True,
    "output_messages": [],
    "output": True,
    "correction": True,
}
_MODELS: tuple[type[Event], ...] = (InferenceRequest, InferenceResponse, Feedback)
_CONTENT: Mapping[type[Event], Sequence[str]] = {
    model: tuple(name for name in _STANDS_IN if name in model.model_fields) for model in _MODELS
}
_WORDS = {word for model in _MODELS for name, field in model.model_fields.items() for word in (name, field.alias)} | {
    word for typed in (Message, Part) for word in typed.__annotations__
}


def _refuse_unwritable(content: Mapping[str, Any]) -> None:
    try:
        orjson.dumps(content)
    except TypeError:  # also of an integer of more than 64 bits, which pydantic writes
        try:
            to_json(content)
        except ValueError:
            raise InvalidEvent(
                "wrong_shape", "Content that is nested deeper than 200, or is no Unicode: send neither."
            ) from None


def explained(errors: Sequence[ErrorDetails]) -> InvalidEvent:
    """Say what is wrong with an event, the most telling fault first."""
    newer = next((error for error in errors if error["loc"] == ("schema_version",)), None)
    if newer is not None:
        return InvalidEvent(
            "unsupported_schema_version",
            f"This Sluice reads schema_version {SCHEMA_VERSION}: upgrade Sluice before the gateway, then replay these.",
        )
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    # An event in the wrong topic has a dozen faults; the one that says so comes first.
    first = next((error for error in errors if error["loc"] == ("kind",)), errors[0])
    # A key that the sender chose is content.
    steps = (str(step) if isinstance(step, int) or step in _WORDS else "*" for step in first["loc"])
    where = ".".join(steps) or "the event as a whole"
    return InvalidEvent("wrong_shape", f"{where}: {first['msg']}{more}; `sluice schema` prints the contract.")


def short(identifier: str) -> str:
    """Keep an id within what the contract allows: of a longer one the beginning and a digest of the whole."""
    if len(identifier) <= LONGEST_ID:
        return identifier
    digest = hashlib.blake2b(identifier.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{identifier[: LONGEST_ID - 33]}~{digest}"


def header(headers: Headers, name: str) -> str | None:
    """Return the value of the first header of this name, whatever its case; None where there is none."""
    for each, value in headers:
        if value is not None and each.lower() == name:
            return value.decode("utf-8", "replace")
    return None
