"""Responses are named by segment, measured, packed and read again: nothing changes on the way, and unknown stays so."""

import itertools
import json
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.base import METRICS, Measurements
from streams.events import InferenceResponse, Received
from streams.gateways.base import InvalidEvent
from streams.measure import (
    ITEMS,
    OTHER,
    ROWS,
    Segments,
    by_segment,
    output_chars,
    pack,
    position_of,
    segment_name,
    segment_of,
    source_of,
    unpack,
)
from tests.streams.test_events import RESPONSE

INT64 = st.integers(-(2**63), 2**63 - 1)


def response(**change: Any) -> InferenceResponse:
    return InferenceResponse.model_validate_json(json.dumps(RESPONSE | change))


def received(events: list[InferenceResponse]) -> Received[InferenceResponse]:
    n = len(events)
    return Received(events, [f"inference.responses/0/{i}" for i in range(n)], [0] * n, [0] * n, list(range(n)))


def test_a_segment_is_service_route_asked_model_and_environment() -> None:
    names = {
        "service.name": "chat",
        "http.route": "/v1",
        "gen_ai.request.model": "small",
        "gen_ai.response.model": "small-2025",
        "deployment.environment.name": "production",
    }
    assert Segments(10).name(response(**names)) == "chat|/v1|small|production"
    assert Segments(10).name(response(**names | {"gen_ai.request.model": None})) == "chat|/v1|small-2025|production"
    assert Segments(10).name(response()) == "-|-|-|-" == segment_name("", None, "", None)


def test_segments_beyond_the_limit_are_one_and_those_within_keep_their_names() -> None:
    segments = Segments(2)
    services = ["a", "b", "c", "a", "d", "b"]
    names = [segments.name(response(**{"service.name": service})) for service in services]
    assert names == ["a|-|-|-", "b|-|-|-", OTHER, "a|-|-|-", OTHER, "b|-|-|-"]


@pytest.mark.parametrize(
    ("messages", "chars"),
    [
        (None, None),  # not captured
        ([], 0),
        ([{"role": "assistant"}], 0),
        ([{"role": "assistant", "parts": [{"type": "text", "content": "海有多深"}]}], 4),
        ([{"parts": [{"content": "ab"}, {"content": "👩‍🚀"}]}, {"parts": [{"content": "c"}]}], 6),
        ([{"parts": [{"type": "tool_call", "arguments": {"q": "long"}}, {"type": "text", "content": "ab"}]}], 2),
        ([{"parts": [{"content": ["not", "text"]}, {"content": None}, {"content": 12}]}], 0),
    ],
)
def test_characters_of_text_parts_are_counted(messages: list[dict[str, Any]] | None, chars: int | None) -> None:
    assert output_chars(response(**{"gen_ai.output.messages": messages})) == chars


def test_a_block_is_split_by_segment_in_order_without_what_is_not_watched() -> None:
    events = [
        response(inference_id="a", status="error", **{"gen_ai.usage.output_tokens": None}),
        response(inference_id="b"),
        response(inference_id="probe", synthetic=True),
        response(inference_id="c", status="partial", duration_s=None),
    ]
    pieces = dict(by_segment(received(events), ["x", "y", None, "x"], [None, 3, 4, 0], [2.0, 2.0, 2.0, None]))
    assert list(pieces) == ["x", "y"]
    x = pieces["x"]
    assert (x.inference_id, x.position.tolist(), x.source.tolist()) == (["a", "c"], [0, 3], [0, 0])
    assert x.values["error"].tolist() == [1.0, 0.0], "an answer that broke off is not an error"
    np.testing.assert_array_equal(x.values["output_chars"], [np.nan, 0.0])
    np.testing.assert_array_equal(x.values["output_tokens"], [np.nan, 12.0])
    np.testing.assert_array_equal(x.values["duration_s"], [2.0, np.nan])
    assert set(x.values) == set(METRICS)


def test_where_nothing_is_watched_nothing_is_measured() -> None:
    assert list(by_segment(received([response()]), [None], [1], [1.0])) == []
    assert list(by_segment(received([]), [], [], [])) == []


def test_a_request_that_got_no_response_is_an_error() -> None:
    ((_, piece),) = by_segment(received([response(status="timeout_no_response")]), ["x"], [None], [None])
    assert piece.values["error"].tolist() == [1.0]


def test_partitions_of_different_topics_are_different_sources() -> None:
    numbers = {source_of(topic, partition) for topic in ("a", "b", "eu.a") for partition in (0, 1, 1023)}
    assert len(numbers) == 9
    assert all(0 <= number < 2**63 for number in numbers)
    assert source_of("inference.responses", 3) == 1874531534956331011, "it is the same in every worker and for ever"


def test_positions_rise_with_the_offset_and_within_a_record() -> None:
    places = [(0, 0), (0, 1), (0, ITEMS + 5), (1, 0), (2**42, 3)]
    assert sorted(position_of(*place) for place in places) == [position_of(*place) for place in places]


def test_pieces_have_a_most_of_rows_and_fit_into_a_message() -> None:
    # The longest id that the contract lets in: 256 characters of four bytes each.
    event, n = response(inference_id="👩" * 256), 2 * ROWS + 1
    pieces = list(by_segment(received([event] * n), ["x"] * n, [7] * n, [1.0] * n))
    assert [len(piece.inference_id) for _, piece in pieces] == [ROWS, ROWS, 1]
    assert np.concatenate([piece.position for _, piece in pieces]).tolist() == list(range(n))
    assert max(len(pack(piece)) for _, piece in pieces) < 1_000_000


@st.composite
def measurements(draw: st.DrawFn) -> Measurements:
    n = draw(st.integers(0, 20))

    def column(elements: st.SearchStrategy[Any], dtype: str) -> Any:
        return np.array(draw(st.lists(elements, min_size=n, max_size=n)), dtype)

    return Measurements(
        source=column(INT64, "i8"),
        position=column(INT64, "i8"),
        time_unix_nano=column(INT64, "i8"),
        inference_id=draw(st.lists(st.text(min_size=1), min_size=n, max_size=n)),
        values={metric: column(st.floats(), "f8") for metric in METRICS},
    )


@given(measurements())
def test_what_is_packed_is_what_is_read(sent: Measurements) -> None:
    read = unpack(pack(sent))
    assert read.inference_id == sent.inference_id
    for name in ("source", "position", "time_unix_nano"):
        assert getattr(read, name).tolist() == getattr(sent, name).tolist()
    for metric in METRICS:  # also each NaN's bits: null is not 0
        assert read.values[metric].tobytes() == sent.values[metric].tobytes()


def _packed(**change: Any) -> bytes:
    whole = msgpack.unpackb(pack(next(iter(by_segment(received([response()]), ["x"], [1], [1.0])))[1]))
    return bytes(msgpack.packb(whole | change))


def test_another_version_says_so() -> None:
    with pytest.raises(InvalidEvent, match="version 3, this Sluice reads 2: upgrade all workers") as newer:
        unpack(_packed(version=3))
    assert newer.value.reason == "unsupported_schema_version"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xc1",  # never used in msgpack
        b"{}",
        msgpack.packb([1]),
        msgpack.packb({"version": 2}),
        _packed(position=b"\x00" * 7),
        _packed(position=b""),
        _packed(position=None),
        _packed(inference_id=7),
        _packed(inference_id=[7]),
        _packed(inference_id=[b"\xff"]),
        _packed(values=[]),
        _packed(values={"error": 1}),
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
