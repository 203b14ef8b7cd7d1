"""Sluice's own JSON events: the bytes of one record become one event, or an InvalidEvent that says why not."""

from typing import TypeVar

from pydantic import ValidationError

from streams.events import Event, Feedback, InferenceRequest, InferenceResponse
from streams.gateways import json_items
from streams.gateways.base import Decoded, Headers, InvalidEvent, explained

E = TypeVar("E", bound=Event)

LARGE = 100_000  # bytes


def requests(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    """Read a record of `inference.requests`. Raises InvalidEvent."""
    return [_read(InferenceRequest, value)]


def responses(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    """Read a record of `inference.responses`. Raises InvalidEvent."""
    return [_read(InferenceResponse, value)]


def feedback(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    """Read a record of `inference.feedback`. Raises InvalidEvent."""
    return [_read(Feedback, value)]


def _read(model: type[E], value: bytes) -> E:
    if len(value) > LARGE:
        _refuse_incomplete(model, value)
    try:
        return model.model_validate_json(value)
    except ValidationError as wrong:
        errors = wrong.errors(include_input=False, include_url=False)
    if errors[0]["type"] == "json_invalid":
        raise InvalidEvent(
            "not_json",
            f"{errors[0]['msg']}; {len(value):,} bytes came: send one JSON object a record, whole, in UTF-8.",
        )
    raise explained(errors)


def _refuse_incomplete(model: type[E], value: bytes) -> None:
    """Refuse what lacks a field, before pydantic makes Python objects of the whole record for each that it lacks."""
    said = json_items.loaded(value)
    for name, field in model.model_fields.items():
        if field.is_required() and isinstance(said, dict) and name not in said and field.alias not in said:
            raise InvalidEvent("wrong_shape", f"{name}: Field required; `sluice schema` prints the contract.")
