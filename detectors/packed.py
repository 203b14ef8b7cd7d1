"""Detector state goes out as bytes and comes back: dicts, lists, texts, numbers and numpy arrays, and never code.

Layout: msgpack, compressed by zlib; an array is msgpack's extension 1 over its dtype, its shape and its bytes, little
end first. Reading runs nothing and allocates no more than the bytes unpack to.
"""

import re
import zlib
from typing import Any

import msgpack
import numpy as np

from detectors.sealed import StateRefused

_ARRAY = 1
_KINDS = "biuf"
_DTYPE = re.compile(rf"[<|][{_KINDS}]\d{{1,2}}", re.ASCII)
LARGEST = 64 * 2**20  # bytes unpacked; no state comes near


def pack(state: dict[str, Any]) -> bytes:
    """Pack state; equal states give equal bytes.

    >>> unpack(pack({"counts": np.array([1.5, 2.0], np.float32), "events": 7}))
    {'counts': array([1.5, 2. ], dtype=float32), 'events': 7}
    """
    return zlib.compress(msgpack.packb(state, default=_extension), level=3)


def unpack(payload: bytes) -> dict[str, Any]:
    """Read what `pack` wrote; arrays may be written to. Raises StateRefused for anything else."""
    try:
        opened = zlib.decompressobj()
        read = opened.decompress(payload, LARGEST)
        if not opened.eof:
            raise ValueError("cut short, or too large")
        state = msgpack.unpackb(read, ext_hook=_array, strict_map_key=False)
        if not isinstance(state, dict):
            raise TypeError("not a map")
    except (ValueError, TypeError, zlib.error, msgpack.UnpackException) as wrong:
        raise StateRefused(f"This is no detector's state ({wrong}): nothing to repair, it is learned anew.") from None
    return state


def _extension(value: object) -> msgpack.ExtType:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in _KINDS:
        raise TypeError(f"State holds numbers, texts and arrays of numbers, not {type(value).__name__}")
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return msgpack.ExtType(_ARRAY, msgpack.packb([little.dtype.str, value.shape, little.tobytes()]))


def _array(code: int, packed: bytes) -> np.ndarray[Any, Any]:
    if code != _ARRAY:
        raise ValueError(f"extension {code}")
    name, shape, read = msgpack.unpackb(packed)
    if not _DTYPE.fullmatch(name):  # else numpy would take it for an expression, and parse that
        raise ValueError("an array of something else than numbers")
    dtype = np.dtype(name)
    return np.frombuffer(read, dtype).reshape(shape).astype(dtype.newbyteorder("="))
