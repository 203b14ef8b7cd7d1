"""LangSmith's feedback: it finds its call by the run's id and by the ids that OpenTelemetry makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Feedback
from streams.gateways.base import InvalidEvent
from streams.gateways.langsmith import feedback
from tests.streams.gateways.hostile import misplaced

FIXTURES = Path(__file__).parents[2] / "fixtures" / "langsmith"
FIRST, SECOND = ((FIXTURES / f"feedback_{number}.json").read_bytes() for number in (1, 2))
SENT = 1_795_226_629_000_000_000

ROOT = {
    "kind": "feedback",
    "source_format": "langsmith",
    "source_version": "0.14.17",
    "aliases": [
        "call:11111111-1111-4111-8111-111111111111",
        "trace:11111111-1111-4111-8111-111111111111",
    ],
    "target_scope": "trace",
}


def _read(**odd: object) -> Any:
    (event,) = feedback(json.dumps(json.loads(FIRST) | odd).encode(), [], SENT)
    return event


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            FIRST,
            {
                "event_id": "langsmith:01a1fbd8-7544-76b2-bf27-5261acd43880",
                "feedback_id": "01a1fbd8-7544-76b2-bf27-5261acd43880",
                "time_unix_nano": 1_795_226_629_444_653_000,
                "name": "user_score",
                "score": 1.0,
                "explanation": "helpful",
            },
        ),
        (
            SECOND,
            {
                "event_id": "langsmith:01a1fbd8-754a-70fd-87cf-015f2d501723",
                "feedback_id": "01a1fbd8-754a-70fd-87cf-015f2d501723",
                "time_unix_nano": 1_795_226_629_450_706_000,
                "name": "correctness",
                "score": 0.0,
                "label": "wrong",
                "correction": {"output": "Paris"},
            },
        ),
    ],
)
def test_recorded_feedback(value: bytes, expected: dict[str, Any]) -> None:
    (event,) = feedback(value, [("User-Agent", b"langsmith-py/0.14.17")], SENT)
    assert isinstance(event, Feedback)
    assert event.model_dump(exclude_defaults=True) == ROOT | expected
    assert feedback(value, [("User-Agent", b"langsmith-py/0.14.17")], SENT) == [event]


def test_a_run_within_a_trace_is_meant_by_itself() -> None:
    event = _read(run_id="22222222-2222-4222-8222-222222222222")
    assert event.target_scope == "inference"
    assert event.aliases == [
        "call:22222222-2222-4222-8222-222222222222",
        "trace:11111111-1111-4111-8111-111111111111",
    ]


def test_ids_that_are_no_uuids_are_aliases_all_the_same() -> None:
    event = _read(run_id="run-1", trace_id=None)
    assert event.aliases == ["call:run-1"]


def test_feedback_created_again_is_later_and_of_the_same_id() -> None:
    first, second = _read(), _read(modified_at="2026-11-22T02:03:49+00:00", score=0)
    assert first.feedback_id == second.feedback_id
    assert first.time_unix_nano < second.time_unix_nano


def test_without_times_it_is_the_time_of_its_coming() -> None:
    assert _read(modified_at=None, created_at="soon").time_unix_nano == SENT


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"score": True}, {"score": 1.0, "data_type": "boolean"}),
        ({"score": None, "value": 4}, {"score": 4.0}),
        ({"score": 1, "value": 4}, {"score": 1.0}),
        ({"score": "0.5"}, {"score": 0.5, "label": None}),
        (
            {"score": None, "value": {"b": 1, "a": 2}, "comment": None},
            {"explanation": '{"a":2,"b":1}', "score": None},
        ),
        ({"score": None, "value": "x" * 257, "comment": "y"}, {"explanation": "x" * 257 + "\n\ny", "label": None}),
        (
            {"feedback_config": {"type": "continuous", "min": 0, "max": 5}},
            {"data_type": "numeric", "score_range": (0.0, 5.0)},
        ),
        (
            {"feedback_config": {"type": "categorical", "min": 5, "max": 0}},
            {"data_type": "categorical", "score_range": None},
        ),
        ({"score": None, "comment": None, "error": True}, {"error_type": "judge_failed"}),
        ({"feedback_source": {"type": "model"}}, {"rater_kind": "llm"}),
        ({"feedback_source": {"type": "app", "user_id": "u-7"}}, {"rater_kind": "human", "rater_id": "u-7"}),
        ({"feedback_source": {"type": "api", "metadata": {"rater_kind": "code"}}}, {"rater_kind": "code"}),
        ({"key": "implicit.regenerate"}, {"rater_kind": "implicit"}),
        ({"feedback_source": {"type": "api", "metadata": {"canary": True}}}, {"synthetic": True}),
    ],
)
def test_what_is_said_and_by_whom(said: dict[str, Any], read: dict[str, Any]) -> None:
    event = _read(**said)
    assert {name: getattr(event, name) for name in read} == read


def test_feedback_about_a_project_gives_nothing() -> None:
    project = {"key": "k", "score": 1, "session_id": "11111111-1111-4111-8111-111111111111"}
    assert feedback(json.dumps(project).encode(), [], SENT) == []


def test_a_bad_item_of_an_array_costs_no_other_and_comes_alone() -> None:
    good = [json.loads(FIRST), json.loads(SECOND)]
    events = feedback(json.dumps([good[0], {"score": 1}, good[1]]).encode(), [], SENT)
    wrong = events.pop(1)
    assert events == [*feedback(FIRST, [], SENT), *feedback(SECOND, [], SENT)]
    assert isinstance(wrong, InvalidEvent)
    assert wrong.item == b'[{"score":1}]'
    assert [type(event) for event in feedback(wrong.item, [], SENT)] == [InvalidEvent]


@pytest.mark.parametrize(
    ("value", "reason", "cure"),
    [
        (b"{", "not_json", "UTF-8"),
        (b"7", "wrong_shape", "feedback_id"),
        (b'{"score":0.5,"comment":"a change by PATCH"}', "wrong_shape", "create the feedback, again"),
        (b'{"key":"k","score":1}', "wrong_shape", "target"),
        (b'{"key":"k","run_id":"r"}', "wrong_shape", "score"),
    ],
)
def test_what_is_no_feedback_is_refused_with_its_cure(value: bytes, reason: str, cure: str) -> None:
    with pytest.raises(InvalidEvent) as poison:
        feedback(value, [], SENT)
    assert (poison.value.reason, poison.value.item) == (reason, None)
    assert cure in poison.value.detail


WORDS = (
    "key", "run_id", "trace_id", "session_id", "id", "score", "value", "comment", "correction", "feedback_source",
    "type", "metadata", "feedback_config", "min", "max", "modified_at", "created_at", "error", "extra", "rater_kind",
    "user_id", "11111111-1111-4111-8111-111111111111", "2026-11-21T02:03:49+00:00",
)  # fmt: skip


@given(
    misplaced(*WORDS).map(lambda said: json.dumps(said).encode())
    | st.dictionaries(st.sampled_from(WORDS), misplaced(*WORDS)).map(
        lambda odd: json.dumps(json.loads(SECOND) | odd).encode()
    )
)
def test_nothing_but_invalid_event_is_raised(value: bytes) -> None:
    try:
        events = feedback(value, [], SENT)
    except InvalidEvent as poison:
        events = [poison]
    for event in events:
        assert isinstance(event, InvalidEvent | Feedback)
