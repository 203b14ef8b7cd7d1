"""Sluice's own JSON events: the bytes of one record become one event, or an InvalidEvent that says why not."""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import msgspec
from pydantic import ValidationError

from streams.events import Event, Feedback, InferenceRequest, InferenceResponse
from streams.gateways.base import Decoded, Headers, InvalidEvent, explained
from streams.gateways.native_shape import reader

E = TypeVar("E", bound=Event)

LARGE = 10_000  # bytes


def requests(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    """Read a record of `inference.requests`. Raises InvalidEvent."""
    return [_read(InferenceRequest, value)]


def responses(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    """Read a record of `inference.responses`. Raises InvalidEvent."""
    return [_read(InferenceResponse, value)]


def feedback(value: bytes, _headers: Headers, _ingest_ns: int) -> list[Decoded]:
    """Read a record of `inference.feedback`. Raises InvalidEvent.

    A behaviour is never anybody's judgement: feedback named implicit.* is of that kind, where the sender says none.
    """
    said = _read(Feedback, value)
    if said.rater_kind == "unknown" and said.name.startswith("implicit."):
        said = said.model_copy(update={"rater_kind": "implicit"})
    return [said]


def _read(model: type[E], value: bytes) -> E:
    if len(value) > LARGE:
        _refuse_incomplete(model, value)
    usual = _USUAL[model](value) if model in _USUAL else None
    if usual is not None:
        return cast(E, usual)
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
    """Refuse a record that lacks a field, before pydantic makes Python objects of all of it for each that it lacks."""
    try:
        msgspec.json.decode(value, type=_ESSENTIALS[model])
    except msgspec.ValidationError as wrong:
        raise InvalidEvent("wrong_shape", f"{wrong}; `sluice schema` prints the contract.") from None
    except (msgspec.DecodeError, RecursionError):
        pass  # no JSON, or nested too deep, which pydantic says, too


def _essentials(model: type[Event]) -> type[msgspec.Struct]:
    names = (name for name, field in model.model_fields.items() if field.is_required() and field.alias is None)
    # Of labels, too, pydantic tells each fault.
    return msgspec.defstruct("Event", [*((name, msgspec.Raw) for name in names), ("tags", dict[str, str], {})])


_USUAL: Mapping[type[Event], Callable[[bytes], Event | None]] = {
    InferenceRequest: reader(InferenceRequest),
    InferenceResponse: reader(InferenceResponse),
}
_ESSENTIALS: Mapping[type[Event], type[msgspec.Struct]] = {
    model: _essentials(model) for model in (InferenceRequest, InferenceResponse, Feedback)
}
