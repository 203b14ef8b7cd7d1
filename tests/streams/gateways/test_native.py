"""Bytes of a record become an event or a reason: each kind of poison has its word, its cure, and quotes nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Feedback, InferenceRequest
from streams.gateways import native
from streams.gateways.base import Decoder, InvalidEvent
from streams.gateways.formats import decode
from tests.streams.test_events import FEEDBACK, NOON, REQUEST, RESPONSE

LIMIT = 10_000
NOON_MS = NOON // 1_000_000
SILENT = {name: value for name, value in FEEDBACK.items() if name != "feedback.source"}  # of who judged


def _request(value: bytes | None, ingest_ms: int = NOON_MS, decoder: Decoder = native.requests) -> InferenceRequest:
    (event,) = decode(decoder, value, (), limit=LIMIT, ingest_ms=ingest_ms)
    if isinstance(event, InvalidEvent):
        raise event
    assert isinstance(event, InferenceRequest)
    return event


def test_a_record_becomes_an_event() -> None:
    assert _request(json.dumps(REQUEST).encode()).operation == "chat"
    assert _request(json.dumps(REQUEST).encode(), ingest_ms=-1).operation == "chat"


@pytest.mark.parametrize(
    ("value", "reason", "cure"),
    [
        (None, "empty", "send the event in it"),
        (b"", "empty", "send the event in it"),
        (b"x" * (LIMIT + 1), "too_large", "SLUICE_EVENT_BYTES"),
        (b"{'kind': 'request'}", "not_json", "line 1"),
        (b"\xff\xfe\x00", "not_json", ""),
        (json.dumps(REQUEST).encode()[:-3], "not_json", "EOF"),
        (json.dumps(REQUEST | {"schema_version": 2}).encode(), "unsupported_schema_version", "upgrade Sluice"),
        (json.dumps(REQUEST | {"inference_id": 7}).encode(), "wrong_shape", "inference_id"),
        (json.dumps(RESPONSE).encode(), "wrong_shape", "kind"),
        (b"[]", "wrong_shape", "sluice schema"),
        (json.dumps(REQUEST | {"time_unix_nano": NOON + 2 * 86_400 * 10**9}).encode(), "time_ahead", "clock"),
    ],
)
def test_poison_has_a_reason_and_a_cure(value: bytes | None, reason: str, cure: str) -> None:
    with pytest.raises(InvalidEvent) as poison:
        _request(value)
    assert poison.value.reason == reason
    assert cure in poison.value.detail


def test_a_reason_never_quotes_the_record() -> None:
    for secret in (
        {"inference_id": ["my secret"]},
        {"gen_ai.input.messages": "my secret"},
        {"time_unix_nano": "secret"},
    ):
        with pytest.raises(InvalidEvent) as poison:
            _request(json.dumps(REQUEST | secret).encode())
        assert "secret" not in str(poison.value)


def test_a_behaviour_is_nobodys_judgement() -> None:
    def kind(name: str, **said: str) -> str:
        sent = SILENT | {"gen_ai.evaluation.name": name} | said
        (event,) = native.feedback(json.dumps(sent).encode(), (), 0)
        assert isinstance(event, Feedback)
        return event.rater_kind

    assert kind("implicit.copy") == "implicit"
    assert kind("implicit.copy", **{"feedback.source": "code"}) == "code"
    assert kind("user.thumbs") == "unknown"


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_nothing_but_invalid_event_is_raised(value: bytes) -> None:
    with pytest.raises(InvalidEvent):
        _request(value, decoder=native.responses)
