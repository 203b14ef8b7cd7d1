"""State as bytes: what goes in comes out, to the bit, and nothing else is taken for state."""

import pickle
import zlib

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.packed import LARGEST, pack, unpack
from detectors.sealed import StateRefused


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "i8", "u1", "?", ">f8"])
def test_arrays_come_back_as_they_were(dtype: str) -> None:
    array = (np.arange(12).reshape(3, 4) % 5).astype(dtype)
    back = unpack(pack({"array": array, "none": array[:0]}))
    np.testing.assert_array_equal(back["array"], array)
    assert back["array"].dtype == array.dtype.newbyteorder("=")
    assert back["none"].shape == (0, 4)
    back["array"][0, 0] = 1  # it can be written to


def test_nan_and_the_last_bit_survive() -> None:
    array = np.array([np.nan, np.inf, 0.1 + 0.2, -0.0])
    assert unpack(pack({"a": array}))["a"].tobytes() == array.tobytes()


def test_texts_numbers_and_maps() -> None:
    state = {"label": "用户", "seen": {2**62: -1}, "nested": {"list": [1, 2.5, None, True]}}
    assert unpack(pack(state)) == state


@given(st.binary(max_size=60))
def test_other_bytes_are_refused(payload: bytes) -> None:
    for what in (payload, zlib.compress(payload), zlib.compress(msgpack.packb({"a": msgpack.ExtType(1, payload)}))):
        try:
            unpack(what)
        except StateRefused:
            continue
        assert isinstance(msgpack.unpackb(zlib.decompress(what), strict_map_key=False), dict)


def test_what_is_cut_short_too_large_or_a_pickle_is_refused() -> None:
    whole = pack({"a": np.arange(1000)})
    bomb = zlib.compress(bytes(LARGEST + 1))
    objects = msgpack.ExtType(1, msgpack.packb(["|O", [1], bytes(8)]))
    for payload in (whole[:-5], bomb, pickle.dumps({"a": 1}), zlib.compress(msgpack.packb({"a": objects}))):
        with pytest.raises(StateRefused):
            unpack(payload)


def test_what_is_not_state_is_not_packed() -> None:
    for wrong in (object(), np.array(["text"]), {1, 2}):
        with pytest.raises(TypeError):
            pack({"a": wrong})
