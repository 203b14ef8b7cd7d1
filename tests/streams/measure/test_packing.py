"""Measurements are packed for Kafka and read again: nothing changes on the way but bits that no metric needs."""

import itertools
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.base import Measurements, Texts, Words
from streams.gateways.base import InvalidEvent
from streams.measure import VERSION, messages, pack, segment_of, unpack
from streams.measure.packing import LARGEST
from tests.streams.measure.made import one, response, said

INT64 = st.integers(-(2**63), 2**63 - 1)
RATE = st.sampled_from([0.0, 1.0, float("nan")])
KINDS: dict[str, st.SearchStrategy[float]] = {
    "error": RATE,
    "implicit.copy": RATE,
    "output_tokens": st.integers(0, 2**24).map(float) | st.just(float("nan")),
    "duration_s": st.floats(0, 1e6, width=32) | st.just(float("nan")),
    "prediction": st.floats(),
    "feature.age": st.floats(),
}


@st.composite
def measurements(draw: st.DrawFn) -> Measurements:
    n = draw(st.integers(0, 20))

    def column(elements: st.SearchStrategy[Any], dtype: str) -> Any:
        return np.array(draw(st.lists(elements, min_size=n, max_size=n)), dtype)

    labels = tuple(draw(st.lists(st.text(), unique=True, min_size=1, max_size=200)))
    rows = sorted(draw(st.sets(st.integers(0, n - 1)))) if n else []
    texts = Texts(
        np.array(rows, np.int32),
        np.ones((len(rows), 3), np.float32),
        np.arange(len(rows) * 4, dtype=np.uint8).reshape(-1, 4),
    )
    return Measurements(
        source=column(INT64, "i8"),
        position=column(INT64, "i8"),
        time_unix_nano=column(INT64, "i8"),
        inference_id=draw(st.lists(st.text(min_size=1), min_size=n, max_size=n)),
        values={metric: column(kind, "f8") for metric, kind in KINDS.items()},
        words={"finish_reason": Words(column(st.integers(-1, len(labels) - 1), "i4"), labels)},
        texts={"output_text": texts} if rows else {},
    )


@given(measurements())
def test_what_is_packed_is_what_is_read(sent: Measurements) -> None:
    read = unpack(pack(sent))
    assert read.inference_id == sent.inference_id
    for name in ("source", "position", "time_unix_nano"):
        assert getattr(read, name).tolist() == getattr(sent, name).tolist()
    assert set(read.values) == set(sent.values)
    for metric, column in read.values.items():
        assert column.dtype == np.float64
        np.testing.assert_array_equal(column, sent.values[metric])  # each NaN, too: null is not 0
    assert read.words["finish_reason"].labels == sent.words["finish_reason"].labels
    assert read.words["finish_reason"].codes.tolist() == sent.words["finish_reason"].codes.tolist()
    assert set(read.texts) == set(sent.texts)
    for name, texts in read.texts.items():
        for part in ("rows", "style", "grams"):
            np.testing.assert_array_equal(getattr(texts, part), getattr(sent.texts[name], part))


def test_numbers_keep_the_bits_that_tell_them_apart() -> None:
    values = {name: np.array([0.1, 1e300, np.nan]) for name in ("duration_s", "prediction")}
    zeros = np.zeros(3, np.int64)
    read = unpack(pack(Measurements(zeros, zeros, zeros, ["a", "b", "c"], values))).values
    assert read["prediction"].tolist()[:2] == [0.1, 1e300]
    assert read["duration_s"][0] == pytest.approx(0.1, rel=1e-7)
    assert read["duration_s"][1] == np.inf, "no call takes so long"


def test_a_message_is_never_larger_than_kafka_takes_and_pieces_keep_their_order() -> None:
    # The longest id that the contract lets in: 256 characters of four bytes each.
    texts = [said(f"{n} times I have said it", inference_id="👩" * 250 + f"{n:06d}") for n in range(900)]
    whole = one(*texts, share=1.0)
    packed = list(messages(whole))
    assert len(packed) > 1
    assert max(map(len, packed)) <= LARGEST
    pieces = [unpack(each) for each in packed]
    assert [id_ for piece in pieces for id_ in piece.inference_id] == whole.inference_id
    styles = np.concatenate([piece.texts["output_text"].style for piece in pieces])
    np.testing.assert_array_equal(styles, whole.texts["output_text"].style)


def test_what_is_packed_holds_no_content() -> None:
    assert b"secret" not in pack(one(said("The secret is out", inference_id="a"), share=1.0))


def _packed(**change: Any) -> bytes:
    whole = msgpack.unpackb(pack(one(said("Yes."), response(inference_id="b"), share=1.0)))
    return bytes(msgpack.packb(whole | change))


def test_another_version_says_so() -> None:
    with pytest.raises(InvalidEvent, match=f"version 2, this Sluice reads {VERSION}: upgrade all workers") as older:
        unpack(_packed(version=2))
    assert older.value.reason == "unsupported_schema_version"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xc1",  # never used in msgpack
        b"{}",
        msgpack.packb([1]),
        msgpack.packb({"version": VERSION}),
        _packed(position=b"\x00" * 7),
        _packed(position=b""),
        _packed(position=None),
        _packed(inference_id=7),
        _packed(inference_id=[7]),
        _packed(inference_id=[b"\xff"]),
        _packed(inference_id={"a": 1, "b": 2}),
        _packed(values=[]),
        _packed(values={"error": 1}),
        _packed(values={"error": b"\x00" * 3}),
        _packed(values={"error": b"\x00" * 32}),
        _packed(words={"tool": [["a"], b"\x01\x00"]}),
        _packed(words={"tool": [["a"], b"\xfe\x00"]}),
        _packed(words={"tool": [[7], b"\x00\x00"]}),
        _packed(words={"tool": [["a"]]}),
        _packed(texts={"output_text": [b"\x02\x00\x00\x00", b"\x00" * 4, b"\x00"]}),
        _packed(texts={"output_text": [b"\x00" * 8, b"\x00" * 8, b"\x00\x00"]}),
        _packed(texts={"output_text": [b"", b"", b""]}),
        _packed(texts={"output_text": [b"\x00" * 4, b"\x00" * 3, b"\x00"]}),
        _packed() + b"\x00",
        b"\x91" * 5000,
    ],
    ids=itertools.count(),
)
def test_what_is_not_measurements_is_set_aside(value: bytes | None) -> None:
    with pytest.raises(InvalidEvent) as poison:
        unpack(value)
    assert poison.value.reason == "wrong_shape"


@given(st.binary(max_size=200))
def test_nothing_but_invalid_event_is_raised(value: bytes) -> None:
    with pytest.raises(InvalidEvent):
        unpack(value)


@pytest.mark.parametrize("key", [None, b"", b"\xff\xfe"])
def test_a_key_that_names_no_segment_is_set_aside(key: bytes | None) -> None:
    with pytest.raises(InvalidEvent, match="names no segment"):
        segment_of(key)
    assert segment_of("chat|-|小|-".encode()) == "chat|-|小|-"
