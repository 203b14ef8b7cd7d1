"""Native requests and responses as nearly all are: msgspec reads them in half the time into the same events.

The contract is pydantic's. What stands here only recognises events about which there is no doubt: no name but the
contract's own, messages and parts in the usual order, nothing deep. Of all others, right or wrong, it says nothing, and
pydantic reads them. `tests/streams/gateways/test_native_shape.py` holds the two against each other.
"""

from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Le, Lt, MaxLen, MinLen
from msgspec.structs import asdict
from pydantic.fields import FieldInfo

from streams.events import InferenceEvent

E = TypeVar("E", bound=InferenceEvent)

_BRACKETS = 150  # with no more, nothing is nested deeper than pydantic reads
_PARTS = list[dict[str, Any]] | None
_SHAPES: Mapping[str, Any] = {
    **dict.fromkeys(("input_messages", "output_messages", "system_instructions"), _PARTS),
    **dict.fromkeys(("input", "output"), Any),
    "tool_definitions": list[Any] | None,
}
_MESSAGES = (("role", "parts"), ("role", "parts", "finish_reason"))
_TEXT = ("type", "content")


def reader(model: type[E]) -> Callable[[bytes], E | None]:
    """Return what reads a record into an event of the model; None where that is pydantic's to say."""
    decode = msgspec.json.Decoder(_struct(model)).decode
    dialogue, output = ("input_messages", "input") if "input" in model.model_fields else ("output_messages", "output")
    names, new, put = set(model.model_fields), object.__new__, object.__setattr__

    def read(value: bytes) -> E | None:
        try:
            fields = asdict(decode(value))
        except (ValueError, RecursionError):  # msgspec's errors, and text that is no UTF-8
            return None
        trace, span = fields["trace_id"], fields["span_id"]
        if (trace and not _is_hex(trace, 32)) or (span and not _is_hex(span, 16)):
            return None
        texts = _are_texts(fields[dialogue] or ())
        if texts is None:
            return None
        plain = texts and fields[output] is None and fields.get("tool_definitions") is None
        instructions = fields.get("system_instructions")
        if instructions is not None:
            if not all(map(_is_part, instructions)):
                return None
            plain = False
        if not plain and value.count(b"[") + value.count(b"{") > _BRACKETS:
            return None
        event = new(model)  # as pydantic makes it, but for the set of what was said, which is of all names here
        put(event, "__dict__", fields)
        put(event, "__pydantic_fields_set__", names)
        put(event, "__pydantic_extra__", None)
        put(event, "__pydantic_private__", None)
        return event

    return read


def _is_hex(said: str, length: int) -> bool:
    """Check a pattern of the contract's, which msgspec would leave to `re`."""
    return len(said) == length and not said.strip("0123456789abcdef")


def _are_texts(messages: Sequence[dict[str, Any]]) -> bool | None:
    """Tell whether messages hold nothing but texts; None where one is not in the contract's order, in which pydantic
    writes it. msgspec makes no types but JSON's own."""
    texts = True
    for message in messages:
        if tuple(message) not in _MESSAGES or type(message["role"]) is not str:
            return None
        reason, parts = message.get("finish_reason"), message["parts"]
        if type(parts) is not list or not (reason is None or type(reason) is str):
            return None
        for part in parts:
            if not _is_part(part):
                return None
            texts = texts and len(part) == len(_TEXT) and type(part.get("content")) is str
    return texts


def _is_part(part: Any) -> bool:
    if type(part) is not dict:
        return False
    keys = tuple(part)
    usual = keys == _TEXT or (keys[:1] == ("type",) and "content" not in keys[2:])
    return usual and type(part["type"]) is str


def _struct(model: type[InferenceEvent]) -> type[msgspec.Struct]:
    """Make a model's twin of msgspec's, without what JSON could hold besides."""
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        shape = _SHAPES.get(name) or _shape(field.annotation, field.metadata)
        if field.is_required():
            fields.append((name, shape))
        elif field.default_factory is not None:
            fields.append((name, shape, msgspec.field(default_factory=field.default_factory)))  # type: ignore[arg-type]
        else:
            fields.append((name, shape, field.default))
    aliases = {name: field.alias for name, field in model.model_fields.items() if field.alias is not None}
    return msgspec.defstruct(model.__name__, fields, rename=aliases, forbid_unknown_fields=True, kw_only=True, gc=False)


def _shape(kind: Any, metadata: Sequence[Any]) -> Any:
    """Return msgspec's word for a type of the contract and its limits."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner, *notes = arguments
        return _shape(inner, [each for note in notes for each in _notes(note)])
    if origin in (Union, UnionType):
        return Union[tuple(each if each is NoneType else _shape(each, metadata) for each in arguments)]  # noqa: UP007
    if origin is list:
        kind = list[_shape(arguments[0], ())]  # type: ignore[misc]  # made here
    limits: dict[str, Any] = {}
    for note in metadata:
        match note:
            case Ge(ge=int(least)):
                limits["ge"] = least
            case Le(le=int(most)):
                limits["le"] = most
            case Lt(lt=int(beyond)):
                limits["le"] = beyond - 1
            case MinLen(min_length=fewest):
                limits["min_length"] = fewest
            case MaxLen(max_length=longest):
                limits["max_length"] = longest
    return Annotated[kind, msgspec.Meta(**limits)] if limits else kind


def _notes(note: Any) -> Sequence[Any]:
    return note.metadata if isinstance(note, FieldInfo) else (note,)
