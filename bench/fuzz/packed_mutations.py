"""A message of msgpack comes out with a few of its values changed, wherever they are, or flooded."""

from random import Random
from typing import Any

import msgpack

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 255, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 0.0, -0.5, 1e308, 5e-324, float("nan"),
    float("inf"), float("-inf"), "", "a", "\x00", "*", "é" * 300, "a" * 5000, b"", b"\x00", b"\xff" * 8, b"\x00" * 64,
    b"\x7f\xf0" * 8, b"a" * 4097, [], [[]], [None], [0, 1], ["a", "b", "c"], {}, {"a": 1}, {"version": 1}, {"": {}},
    msgpack.ExtType(1, b""), msgpack.ExtType(5, b"a" * 9), msgpack.Timestamp(0, 1),
    *(msgpack.ExtType(1, msgpack.packb(array)) for array in (
        ["<f8", [2], b"\x00" * 16], ["<f8", [-1], b"\x00" * 16], ["(3,", [1], b"a"], ["O", [1], b"\x00" * 8],
        ["f4,f4", [1], b"a" * 8], ["<f8", [2**62, 0], b""], [None, None, None], [{"names": ["a"]}, [1], b"a"],
    )),
)  # fmt: skip
_BROKEN = (
    *(b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc1", b"\xd6\xff\x00"),
    b"\x91" * 2000,
)


class Packed:
    """A message, as the values that it holds."""

    def __init__(self, message: bytes) -> None:
        self._value = msgpack.unpackb(message, strict_map_key=False)

    def mutated(self, draw: Random) -> bytes:
        """Change it in one to three places; now and then something stands behind it, or before it."""
        value = self._value
        for _ in range(draw.choice((1, 1, 2, 3))):
            value = _changed(value, draw)
        packed = bytes(msgpack.packb(value))
        if draw.random() < 0.05:
            packed = draw.choice((packed + draw.choice(_BROKEN), draw.choice(_BROKEN) + packed))
        return packed

    def flooded(self, draw: Random, size: int) -> bytes:
        """Put so many bytes of small values in the place of one."""
        many = draw.choice(([None] * size, dict.fromkeys(range(size // 5), 0), ["a"] * (size // 2), b"\x00" * size))
        return bytes(msgpack.packb(_changed(self._value, draw, many)))


def _changed(value: Any, draw: Random, by: Any = ...) -> Any:
    """Return the value with one place in it changed; what is not on the way there is shared."""
    deeper = draw.random() < 0.9
    if isinstance(value, dict) and value and deeper:
        return _other_member(value, draw, by)
    if isinstance(value, list) and value and deeper:
        at = draw.randrange(len(value))
        if by is ... and draw.random() < 0.15:
            return draw.choice(
                (value[:at], value[at:], value + value[at : at + 1], value * 3 if len(value) < 50 else [])
            )
        return [*value[:at], _changed(value[at], draw, by), *value[at + 1 :]]
    if by is not ...:
        return by
    if isinstance(value, bytes | msgpack.ExtType) and draw.random() < 0.85:
        return _bent(value, draw)
    return draw.choice(_VALUES)


def _other_member(value: dict[Any, Any], draw: Random, by: Any) -> dict[Any, Any]:
    key = draw.choice(list(value))
    rest = {name: each for name, each in value.items() if name != key}
    if by is ... and draw.random() < 0.2:
        return draw.choice((rest, rest | {draw.choice(("", "x", "error", b"raw", 7, None)): value[key]}))
    return rest | {key: _changed(value[key], draw, by)}


def _bent(value: bytes | msgpack.ExtType, draw: Random) -> Any:
    """Change bytes, or those of an extension, without a look at what they mean."""
    if isinstance(value, msgpack.ExtType):
        return msgpack.ExtType(value.code, _bent(value.data, draw))
    data = bytearray(value or b"0")
    kind = draw.randrange(6)
    if kind < 4:
        for _ in range(draw.choice((1, 2, 8))):
            data[draw.randrange(len(data))] = draw.choice((0, 1, 127, 128, 240, 255))
        return bytes(data)
    return bytes(data[: draw.randrange(len(data))]) if kind == 4 else bytes(data) + draw.randbytes(8)
