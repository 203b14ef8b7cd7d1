"""Phoenix's annotations: name, target and identifier make the key, and the time is that of their coming."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Feedback
from streams.gateways.base import InvalidEvent
from streams.gateways.phoenix import annotations
from tests.streams.gateways.hostile import misplaced

RECORDED = (Path(__file__).parents[2] / "fixtures" / "phoenix" / "span_annotations_human.json").read_bytes()
HUMAN: dict[str, Any] = json.loads(RECORDED)["data"][0]
SENT = 1_795_226_629_000_000_000


def _read(*said: object) -> list[Any]:
    return list(annotations(json.dumps({"data": said}).encode(), [], SENT))


def test_a_recorded_annotation() -> None:
    (event,) = annotations(RECORDED, [], SENT)
    assert isinstance(event, Feedback)
    assert event.model_dump(exclude_defaults=True) == {
        "kind": "feedback",
        "event_id": "phoenix:67f6740bbe1ddc3f:user_feedback:user-42",
        "feedback_id": "phoenix:67f6740bbe1ddc3f:user_feedback:user-42",
        "time_unix_nano": SENT,
        "source_format": "phoenix",
        "aliases": ["span:67f6740bbe1ddc3f"],
        "name": "user_feedback",
        "score": 0.0,
        "label": "thumbs_down",
        "explanation": "wrong answer",
        "rater_kind": "human",
        "rater_id": "r1",
    }
    assert annotations(RECORDED, [], SENT) == [event]


@pytest.mark.parametrize(("said", "kind"), [("HUMAN", "human"), ("LLM", "llm"), ("CODE", "code"), (None, "unknown")])
def test_who_judged(said: str | None, kind: str) -> None:
    (event,) = _read(HUMAN | {"annotator_kind": said})
    assert event.rater_kind == kind


def test_only_name_target_and_identifier_together_are_the_key() -> None:
    others = [{"name": "a:b"}, {"name": "a", "identifier": "b:user-42"}, {"span_id": "a" * 16}, {"identifier": ""}]
    ids = [event.feedback_id for event in _read(HUMAN, *(HUMAN | other for other in others))]
    assert len(set(ids)) == 5
    (again,) = _read(HUMAN | {"result": {"score": 1}, "annotator_kind": "LLM", "metadata": {}})
    assert again.feedback_id == ids[0]


@pytest.mark.parametrize(
    ("target", "aliases", "scope"),
    [
        ({"trace_id": "0af7651916cd43dd8448eb211c80319c"}, ["trace:0af7651916cd43dd8448eb211c80319c"], "trace"),
        ({"session_id": "s-1"}, ["sess:s-1"], "session"),
    ],
)
def test_annotations_of_traces_and_sessions(target: dict[str, str], aliases: list[str], scope: str) -> None:
    (event,) = _read({"name": "csat", "annotator_kind": "HUMAN", "result": {"score": 4}, **target})
    assert (event.aliases, event.target_scope, event.score) == (aliases, scope, 4.0)
    assert event.conversation_id == target.get("session_id")


def test_annotations_of_documents_give_nothing() -> None:
    assert _read(HUMAN | {"document_position": 0}) == []


def test_a_long_label_is_an_explanation() -> None:
    (event,) = _read(HUMAN | {"result": {"label": "x" * 257, "explanation": "y"}})
    assert (event.label, event.explanation) == (None, "x" * 257 + "\n\ny")


@pytest.mark.parametrize(
    "bad", [None, "x", {}, {"name": 7}, {"name": "x"}, HUMAN | {"result": {}}, HUMAN | {"span_id": 7}]
)
def test_a_bad_annotation_costs_no_other_and_comes_alone(bad: object) -> None:
    other = HUMAN | {"name": "other"}
    events = _read(HUMAN, bad, other)
    wrong = events.pop(1)
    assert events == _read(HUMAN, other)
    assert isinstance(wrong, InvalidEvent)
    assert wrong.item is not None
    assert json.loads(wrong.item) == {"data": [bad]}
    assert [type(event) for event in annotations(wrong.item, [], SENT)] == [InvalidEvent]


@pytest.mark.parametrize(
    ("value", "reason"), [(b"{", "not_json"), (b"[]", "wrong_shape"), (b'{"data":7}', "wrong_shape")]
)
def test_what_holds_no_annotations_is_refused_as_a_whole(value: bytes, reason: str) -> None:
    with pytest.raises(InvalidEvent) as poison:
        annotations(value, [], SENT)
    assert (poison.value.reason, poison.value.item) == (reason, None)


WORDS = (
    "data", "name", "span_id", "trace_id", "session_id", "result", "label", "score", "explanation", "metadata", "rater",
    "identifier", "annotator_kind", "HUMAN", "document_position", "synthetic",
)  # fmt: skip


@given(
    st.lists(misplaced(*WORDS), max_size=3).map(lambda said: json.dumps({"data": said}).encode())
    | misplaced(*WORDS).map(lambda said: json.dumps(said).encode())
    | st.dictionaries(st.sampled_from(WORDS), misplaced(*WORDS)).map(
        lambda odd: json.dumps({"data": [HUMAN | odd]}).encode()
    )
)
def test_nothing_but_invalid_event_is_raised(value: bytes) -> None:
    try:
        events = annotations(value, [], SENT)
    except InvalidEvent as poison:
        events = [poison]
    for event in events:
        assert isinstance(event, InvalidEvent | Feedback)
