"""A message of protobuf comes out with a few fields changed, wherever they are, or with a flood of small ones."""

from collections.abc import Callable
from random import Random
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

from bench.fuzz.json_mutations import HOSTILE_TEXTS, MARKER

KINDS: dict[str, type[Message]] = {"otlp_traces": ExportTraceServiceRequest, "otlp_logs": ExportLogsServiceRequest}

_INTEGERS = (0, 1, -1, 2, 255, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**64 - 1, 1_795_226_500_000_000_000, 10**18)
_FLOATS = (0.0, -0.0, -1.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"))
_BYTES = (b"", bytes(8), bytes(16), b"\xff" * 8, b"\xff" * 16, b"a" * 17, b"a" * 1000, MARKER)
# Fields that no message has, a group that is never closed, a length beyond the end, a number of eleven bytes.
_UNKNOWN = (
    b"\xf8\x07\x01",
    b"\xfa\x07\x03abc",
    b"\x0b",
    b"\x0a\xff\xff\xff\xff\x0f",
    b"\x08" + b"\xff" * 10,
    b"\x00\x00",
)
_INTEGER_TYPES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31),
}


class Wire:
    """A record of OTLP in protobuf."""

    def __init__(self, form: str, record: bytes) -> None:
        self._kind = KINDS[form]
        self._sent = self._kind.FromString(record)

    def mutated(self, draw: Random) -> bytes:
        """Change it in one to three places, and sometimes put unknown fields behind it."""
        message = self._copy()
        for _ in range(draw.choice((1, 1, 2, 3))):
            draw.choice(_CHANGES)(_somewhere(message, draw), draw)
        unknown = draw.choice(_UNKNOWN) if draw.random() < 0.05 else b""
        return message.SerializeToString() + unknown

    def flooded(self, draw: Random, size: int) -> bytes:
        """Fill a list somewhere with so many bytes of empty or equal messages, or an AnyValue with AnyValues."""
        message = self._copy()
        if draw.random() < 0.15:
            return message.SerializeToString() + _nested(size)
        place = _somewhere(message, draw)
        lists = [field for field in _fields(place) if _is_list(field) and field.message_type is not None]
        # Every message of OTLP's has a list, but for a value and its key.
        listed = getattr(place, draw.choice(lists).name) if lists else getattr(message, _fields(message)[0].name)
        item = listed.add() if not listed or draw.random() < 0.5 else listed[0]
        if draw.random() < 0.3:
            draw.choice(_CHANGES)(item, draw)
        listed.extend([item] * (size // (item.ByteSize() + 2)))
        return message.SerializeToString()

    def _copy(self) -> Message:
        message = self._kind()
        message.CopyFrom(self._sent)
        return message


def _is_list(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def _fields(message: Message) -> list[FieldDescriptor]:
    return cast("list[FieldDescriptor]", list(message.DESCRIPTOR.fields))


def _somewhere(message: Message, draw: Random) -> Message:
    """Go down into the message by fields that are set, and stop at some depth."""
    while draw.random() < 0.9:
        inner = [(field, value) for field, value in message.ListFields() if field.message_type is not None]
        if not inner:
            break
        field, value = draw.choice(inner)
        message = draw.choice(value) if _is_list(field) else value
    return message


def _set(message: Message, draw: Random) -> None:
    field = draw.choice(_fields(message))
    if field.message_type is not None:
        _grown(message, field, draw)
    elif _is_list(field):
        getattr(message, field.name).append(_scalar(field, draw))
    else:
        setattr(message, field.name, _scalar(field, draw))


def _clear(message: Message, draw: Random) -> None:
    set_ = message.ListFields()
    if set_:
        message.ClearField(draw.choice(set_)[0].name)


def _doubled(message: Message, draw: Random) -> None:
    lists = [value for field, value in message.ListFields() if _is_list(field)]
    if lists:
        listed = draw.choice(lists)
        listed.extend([listed[0]] * draw.choice((1, 2, 20)))


def _bomb(message: Message, draw: Random) -> None:
    """Put values within values where a value is, and odd ones where attributes are."""
    for field, value in message.ListFields():
        if isinstance(value, AnyValue):
            value.CopyFrom(_deep(draw.choice((1, 3, 44)), draw))
            return
        if field.name == "attributes":
            pair = value.add()
            pair.key = draw.choice(value).key
            pair.value.CopyFrom(_deep(draw.choice((0, 1, 44)), draw))
            return


_CHANGES: tuple[Callable[[Message, Random], None], ...] = (_set, _set, _set, _clear, _doubled, _bomb)


def _grown(message: Message, field: FieldDescriptor, draw: Random) -> None:
    value = getattr(message, field.name)
    if not _is_list(field):
        value.SetInParent()
    elif value and draw.random() < 0.3:
        del value[draw.randrange(len(value)) :]
    else:
        value.add()


def _scalar(field: FieldDescriptor, draw: Random) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return draw.choice(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else HOSTILE_TEXTS)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return draw.random() < 0.5
    if field.cpp_type in _INTEGER_TYPES:
        lowest, above = _INTEGER_TYPES[field.cpp_type]
        return min(max(draw.choice(_INTEGERS), lowest), above - 1)
    return draw.choice(_FLOATS)


def _deep(depth: int, draw: Random) -> AnyValue:
    value = AnyValue()
    field = draw.choice(_fields(value))
    if field.message_type is None:
        setattr(value, field.name, _scalar(field, draw))
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


def _nested(size: int) -> bytes:
    """Nest messages in field 1, as deep as so many bytes allow: deeper than protobuf reads."""
    inner = b""
    while len(inner) < min(size, 20_000):
        length, head = len(inner), b""
        while length > 127:
            head, length = head + bytes([length & 127 | 128]), length >> 7
        inner = b"\x0a" + head + bytes([length]) + inner
    return inner


def parses(form: str, record: bytes) -> bool:
    """Tell whether this is OTLP in protobuf."""
    try:
        KINDS[form].FromString(record)
    except (DecodeError, KeyError):
        return False
    return True
