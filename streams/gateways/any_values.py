"""Attributes and values of OTLP/JSON, where each names its type, become plain Python values.

64-bit integers come as strings or numbers, bytes in base64. Source: the OTLP specification, JSON Protobuf Encoding;
protobuf's ProtoJSON format.
"""

from collections.abc import Callable, Mapping
from typing import Any

from streams.gateways.telemetry import DEEPEST, Attributes
from streams.gateways.values import fields, number

_INT64 = range(-(2**63), 2**63)


def attributes_of(pairs: object, depth: int = 0) -> Attributes:
    """Read a list of KeyValue; what is none is left out."""
    if not isinstance(pairs, list):
        return {}
    read = {}
    for pair in pairs:
        if isinstance(pair, dict) and isinstance(key := pair.get("key"), str):
            value = pair.get("value")
            # Most values are text, and most of the time goes here.
            text = value.get("stringValue") if isinstance(value, dict) else None
            read[key] = text if isinstance(text, str) else plain(value, depth)
    return read


def plain(value: object, depth: int) -> Any:
    """Read an AnyValue; one of a wrong type, or too deep inside of others, is as one that is not set."""
    if not isinstance(value, dict) or depth > DEEPEST:
        return None
    for name, said in value.items():
        read = _VALUES.get(name)
        if read is not None:
            return read(said, depth + 1)
    return None


def _text(said: object, _depth: int) -> str | None:
    return said if isinstance(said, str) else None


def _bool(said: object, _depth: int) -> bool | None:
    return said if isinstance(said, bool) else None


def _int(said: object, _depth: int) -> int | None:
    if isinstance(said, str):
        digits = said.removeprefix("-")
        said = int(said) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
    return said if isinstance(said, int) and not isinstance(said, bool) and said in _INT64 else None


def _double(said: object, _depth: int) -> float | None:
    return number(said)  # NaN and the infinities, which come as strings, are no numbers to JSON


def _array(said: object, depth: int) -> list[Any] | None:
    values = fields(said).get("values") or []
    return [plain(each, depth) for each in values] if isinstance(values, list) else None


def _kvlist(said: object, depth: int) -> Attributes:
    return attributes_of(fields(said).get("values"), depth)


_VALUES: Mapping[str, Callable[[Any, int], Any]] = {
    "stringValue": _text, "string_value": _text, "boolValue": _bool, "bool_value": _bool,
    "intValue": _int, "int_value": _int, "doubleValue": _double, "double_value": _double,
    "arrayValue": _array, "array_value": _array, "kvlistValue": _kvlist, "kvlist_value": _kvlist,
    "bytesValue": _text, "bytes_value": _text,
}  # fmt: skip
