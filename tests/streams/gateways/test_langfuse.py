"""Langfuse's batches and scores: parts of a generation come together, and a score is about no more than it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import Feedback, InferenceRequest, InferenceResponse
from streams.gateways.base import InvalidEvent
from streams.gateways.langfuse import ingestion
from streams.gateways.langfuse_scores import scores
from tests.streams.gateways.hostile import misplaced

FIXTURES = Path(__file__).parents[2] / "fixtures" / "langfuse"
V2 = (FIXTURES / "sdk2.60.10.ingestion.json").read_bytes()
V3 = (FIXTURES / "sdk3.15.0.ingestion.json").read_bytes()
V5 = (FIXTURES / "sdk5.0.4.scores.json").read_bytes()
BATCH: list[dict[str, Any]] = json.loads(V2)["batch"]
METADATA = json.loads(V2)["metadata"]
SENT = 1_795_226_626_000_000_000

TRACE = "0158857c-484c-4fca-bea1-157d5dcbd27c"
ANSWERED, FAILED = "20176139-8f9a-47e8-99c8-8db1484506a5", "9fe4e903-696a-48c5-b46e-4fecda4d09fc"
GENERATION = {
    "source_format": "langfuse",
    "source_version": "2.60.10",
    "operation": "chat",
    "request_model": "gpt-4o-mini",
    "environment": "test",
    "conversation_id": "sess-1",
    "user_id": "user-42",
    "tags": {"prod": "true", "model_version": "v1.2.3"},
}
SCORE = {"kind": "feedback", "source_format": "langfuse", "environment": "test"}


def _dumped(events: list[Any]) -> list[dict[str, Any]]:
    return [event.model_dump(exclude_defaults=True) for event in events]


def _ingested(*envelopes: object) -> list[Any]:
    return list(ingestion(json.dumps({"batch": envelopes, "metadata": METADATA}).encode(), [], SENT))


def _scored(**said: object) -> list[Any]:
    return list(scores(json.dumps({"name": "quality", "traceId": "t", **said}).encode(), [], SENT))


def _created(**body: object) -> dict[str, Any]:
    return {"id": "e", "type": "generation-create", "timestamp": "2026-11-21T02:03:46Z", "body": body}


def test_a_create_and_its_update_are_one_generation_of_their_trace() -> None:
    inference = f"{TRACE}:{ANSWERED}"
    shared = GENERATION | {
        "inference_id": inference,
        "aliases": [f"trace:{TRACE}", f"span:{ANSWERED}", "sess:sess-1"],
    }
    request, response = _dumped(ingestion(V2, [], SENT))[:2]
    assert request == shared | {
        "kind": "request",
        "event_id": f"{inference}:request",
        "time_unix_nano": 1_795_226_626_542_931_000,
        "temperature": 0.2,
        "input_messages": [
            {"role": "user", "parts": [{"type": "text", "content": "What is the capital of France?"}]},
        ],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{inference}:response",
        "time_unix_nano": 1_795_226_626_543_687_000,
        "status": "ok",
        "output_messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}]}],
        "input_tokens": 21,
        "output_tokens": 7,
        "duration_s": 0.000756,
    }


def test_a_failed_generation() -> None:
    inference = f"{TRACE}:{FAILED}"
    shared = GENERATION | {
        "inference_id": inference,
        "aliases": [f"trace:{TRACE}", f"span:{FAILED}", "sess:sess-1"],
    }
    request, response = _dumped(ingestion(V2, [], SENT))[2:4]
    assert request == shared | {
        "kind": "request",
        "event_id": f"{inference}:request",
        "time_unix_nano": 1_795_226_626_544_219_000,
        "input_messages": [{"role": "user", "parts": [{"type": "text", "content": "x"}]}],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{inference}:response",
        "time_unix_nano": 1_795_226_626_544_532_000,
        "status": "error",
        "error_message": "429 rate limit",
        "duration_s": 0.000313,
    }


def test_scores_of_version_2_take_the_time_of_their_envelope() -> None:
    said = SCORE | {"source_version": "2.60.10"}
    events = _dumped(ingestion(V2, [], SENT))
    assert len(events) == 7  # spans, events and traces give nothing
    assert events[4:] == [
        said
        | {
            "event_id": "langfuse:f464050e-e344-46ec-9ea4-9a8d1bf8454e",
            "feedback_id": "f464050e-e344-46ec-9ea4-9a8d1bf8454e",
            "time_unix_nano": 1_795_226_626_546_917_000,
            "inference_id": f"{TRACE}:{ANSWERED}",
            "aliases": [f"span:{TRACE}:{ANSWERED}"],
            "name": "user_feedback",
            "score": 1.0,
            "explanation": "helpful",
            "data_type": "boolean",
        },
        said
        | {
            "event_id": "langfuse:c941ed8d-bb71-4198-8ce3-b50321d93331",
            "feedback_id": "c941ed8d-bb71-4198-8ce3-b50321d93331",
            "time_unix_nano": 1_795_226_626_546_987_000,
            "aliases": [f"trace:{TRACE}"],
            "target_scope": "trace",
            "name": "quality",
            "score": 0.85,
            "data_type": "numeric",
        },
        said
        | {
            "event_id": "langfuse:1be92a52-8501-4722-addd-829fb5a950b8",
            "feedback_id": "1be92a52-8501-4722-addd-829fb5a950b8",
            "time_unix_nano": 1_795_226_626_547_019_000,
            "aliases": [f"trace:{TRACE}"],
            "target_scope": "trace",
            "name": "verdict",
            "label": "correct",
            "data_type": "categorical",
        },
    ]


@pytest.mark.parametrize(
    ("version", "trace", "span", "ids", "times"),
    [
        (
            3,
            "692b212508891e53074485db72eca595",
            "1aed7eb566171ecd",
            ["score-bool-1", "6c190381b83ab071", "b2b0268b90c9f902", "572bac27bd7a03bc", "0d3d72184a73ee0f"],
            [514_651_040, 514_651_210, 514_651_254, 514_651_288, 514_651_313],
        ),
        (
            5,
            "dd4e9bcff5a59ada7c4adcc30cbca17d",
            "dec5aad74eb9d7c8",
            ["score-bool-1", "866375610c7448ca", "156474993dfc24f4", "05df94789abde47f", "e1d289daef89fc8b"],
            [455_291_124, 455_291_238, 455_291_248, 455_291_256, 455_291_261],
        ),
    ],
)
def test_scores_of_later_versions(version: int, trace: str, span: str, ids: list[str], times: list[int]) -> None:
    read = ingestion(V3, [], SENT) if version == 3 else scores(V5, [("X-Langfuse-Sdk-Version", b"5.0.4")], SENT)
    said = SCORE | {"source_version": "3.15.0" if version == 3 else "5.0.4"}
    observed = said | {
        "inference_id": f"{trace}:{span}",
        "aliases": [f"span:{trace}:{span}"],
        "trace_id": trace,
        "span_id": span,
    }
    traced = said | {"aliases": [f"trace:{trace}"], "trace_id": trace, "target_scope": "trace"}
    in_session = said | {"aliases": ["sess:sess-1"], "conversation_id": "sess-1", "target_scope": "session"}
    expected: list[dict[str, Any]] = [
        observed | {"name": "user_feedback", "score": 1.0, "explanation": "helpful", "data_type": "boolean"},
        observed | {"name": "quality", "score": 0.85, "data_type": "numeric", "rater_id": "r1"},
        traced | {"name": "verdict", "label": "correct", "data_type": "categorical"},
        in_session | {"name": "session_csat", "score": 4.0, "data_type": "numeric"},
        traced | {"name": "free", "explanation": "text correction", "data_type": "text"},
    ]
    identified: list[dict[str, Any]] = [
        {"event_id": f"langfuse:{each}", "feedback_id": each, "time_unix_nano": (1_795_226_000_000_000 + at) * 1_000}
        for each, at in zip(ids, times, strict=True)
    ]
    assert _dumped(read) == [score | own for score, own in zip(expected, identified, strict=True)]


def test_every_recorded_message_is_read_twice_the_same() -> None:
    assert ingestion(V2, [], SENT) == ingestion(V2, [], SENT)
    assert ingestion(V3, [], SENT) == ingestion(V3, [], SENT)
    assert scores(V5, [], SENT) == scores(V5, [], SENT)


def test_an_array_of_scores_says_what_each_says_alone() -> None:
    each = [json.dumps(score).encode() for score in json.loads(V5)]
    assert [event for value in each for event in scores(value, [], SENT)] == scores(V5, [], SENT)


def test_a_generation_in_two_batches_is_the_request_and_the_response() -> None:
    (request,) = _ingested(BATCH[1])
    (response,) = _ingested(BATCH[2])
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    assert request.inference_id == response.inference_id == f"{TRACE}:{ANSWERED}"
    assert (response.duration_s, response.output_tokens, response.request_model) == (None, 7, None)
    assert response.time_unix_nano == 1_795_226_626_543_687_000


def test_a_create_that_has_its_end_is_both() -> None:
    body = BATCH[1]["body"] | BATCH[2]["body"]
    assert [event.kind for event in _ingested(_created(**body))] == ["request", "response"]


def test_an_update_that_does_not_end_anything_gives_nothing() -> None:
    update = {**BATCH[2], "body": {"traceId": TRACE, "id": ANSWERED, "metadata": {"step": 2}}}
    assert _ingested(update) == []


def test_embeddings_and_the_old_names_of_generations() -> None:
    body = BATCH[1]["body"] | {"input": ["a", "b"], "output": [0.1]}
    request, response = _ingested({**_created(**body), "type": "embedding-create"})
    assert (request.operation, request.input, request.input_messages) == ("embeddings", ["a", "b"], None)
    assert (response.operation, response.output) == ("embeddings", [0.1])
    old = {**_created(type="GENERATION", **BATCH[1]["body"]), "type": "observation-create"}
    assert [event.operation for event in _ingested(old)] == ["chat"]
    assert _ingested({**old, "body": old["body"] | {"type": "SPAN"}}) == []


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"usageDetails": {"input": 10, "output": 5, "total": 15}}, (10, 5, None, None)),
        (
            {"usageDetails": {"input": 6, "input_cached_tokens": 4, "output": 3, "output_reasoning_tokens": 2}},
            (10, 5, 4, 2),
        ),
        (
            {"usageDetails": {"input": 1, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 5, "output": 5}},
            (10, 5, 4, None),
        ),
        ({"usageDetails": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}, (10, 5, None, None)),
        ({"usage": {"promptTokens": 10, "completionTokens": 5}}, (10, 5, None, None)),
        ({"usage": {"input": 10, "output": 5, "unit": "TOKENS", "inputCost": 2, "totalCost": 3}}, (10, 5, None, None)),
        ({"usage": {"input": 10, "output": 5, "unit": "CHARACTERS"}}, (None, None, None, None)),
        ({"usage": {}}, (None, None, None, None)),
        ({"usageDetails": "many"}, (None, None, None, None)),
    ],
)
def test_kinds_of_tokens_add_up(usage: dict[str, Any], tokens: tuple[int | None, ...]) -> None:
    _, said = _ingested(_created(**BATCH[1]["body"], **usage))
    assert (said.input_tokens, said.output_tokens, said.cached_input_tokens, said.reasoning_tokens) == tokens


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [
        ({"costDetails": {"input": 0.25, "output": 0.5}}, 0.75),
        ({"costDetails": {"input": 0.25, "output": 0.5, "total": 1.0}}, 1.0),
        ({"usage": {"input": 1, "totalCost": 2}}, 2.0),
        ({"costDetails": {"total": -1}}, None),
    ],
)
def test_cost(cost: dict[str, Any], dollars: float | None) -> None:
    _, response = _ingested(_created(**BATCH[1]["body"] | {"output": "x"}, **cost))
    assert response.cost_usd == dollars


def test_the_body_of_a_call_and_its_answer_in_openais_form() -> None:
    tools = [{"type": "function", "function": {"name": "weather"}}]
    body = BATCH[1]["body"] | {
        "input": {"messages": [{"role": "user", "content": "Hi"}], "tools": tools},
        "output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Ho"}}]},
        "completionStartTime": "2026-11-21T02:03:47.042931Z",
    }
    request, response = _ingested(_created(**body))
    assert request.input_messages == [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    assert request.tool_definitions == tools
    said = {"role": "assistant", "parts": [{"type": "text", "content": "Ho"}], "finish_reason": "stop"}
    assert (response.output_messages, response.finish_reasons) == ([said], ["stop"])
    assert response.time_to_first_chunk_s == 0.5


def test_content_in_no_known_form_stays_as_it_came() -> None:
    request, response = _ingested(_created(**BATCH[1]["body"] | {"input": {"q": 1}, "output": [1, 2]}))
    assert (request.input, request.input_messages) == ({"q": 1}, None)
    assert (response.output, response.output_messages) == ([1, 2], None)


def test_without_content_nothing_is_captured() -> None:
    (request,) = _ingested(_created(traceId="t", id="o", startTime="2026-11-21T02:03:46Z"))
    assert (request.content_state, request.time_unix_nano) == ("not_captured", 1_795_226_626_000_000_000)


def test_an_error_after_the_first_words_is_partial() -> None:
    _, response = _ingested(_created(**BATCH[1]["body"] | {"level": "ERROR", "output": "Par"}))
    assert (response.status, response.error_type) == ("partial", None)


def test_probes_are_marked_by_tags_or_metadata() -> None:
    trace = {**BATCH[0], "body": BATCH[0]["body"] | {"tags": ["canary"]}}
    assert [event.synthetic for event in _ingested(trace, BATCH[1])] == [True]
    assert [event.synthetic for event in _ingested(_created(**BATCH[1]["body"] | {"metadata": {"synthetic": 1}}))] == [
        True
    ]
    assert [event.synthetic for event in _ingested(*BATCH[:2])] == [False]


@pytest.mark.parametrize("bad", [None, 7, [], {}, {"type": 7, "body": {}}, {"type": "score-create", "body": [1]}])
@pytest.mark.parametrize("place", [0, 2, 12])
def test_a_bad_envelope_costs_no_other_and_comes_alone(bad: object, place: int) -> None:
    events = _ingested(*BATCH[:place], bad, *BATCH[place:])
    (wrong,) = (event for event in events if isinstance(event, InvalidEvent))
    assert [event for event in events if event is not wrong] == ingestion(V2, [], SENT)
    assert wrong.item is not None
    assert json.loads(wrong.item) == {"batch": [bad], "metadata": METADATA}
    (again,) = ingestion(wrong.item, [], SENT)
    assert isinstance(again, InvalidEvent)


def test_all_parts_of_a_bad_generation_come_together() -> None:
    late = {"startTime": "1999-01-01T00:00:00Z", "traceId": None}
    parts = [{**part, "body": part["body"] | late} for part in BATCH[1:3]]
    wrong, *rest = _ingested(BATCH[0], parts[0], BATCH[3], parts[1])
    assert isinstance(wrong, InvalidEvent)
    assert wrong.item is not None
    assert json.loads(wrong.item)["batch"] == parts
    assert [event.inference_id for event in rest] == [f"{TRACE}:{FAILED}"]


def test_of_much_junk_the_rest_comes_as_one() -> None:
    events = _ingested(*[0] * 5_000, BATCH[1])
    assert len(events) == 100
    assert json.loads(events[-1].item)["batch"] == [*[0] * 4_901, BATCH[1]]


@pytest.mark.parametrize(
    ("value", "reason"), [(b"{", "not_json"), (b"[]", "wrong_shape"), (b'{"batch":{}}', "wrong_shape")]
)
def test_what_is_no_batch_is_refused_as_a_whole(value: bytes, reason: str) -> None:
    with pytest.raises(InvalidEvent) as poison:
        ingestion(value, [], SENT)
    assert (poison.value.reason, poison.value.item) == (reason, None)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"value": 3}, {"score": 3.0, "data_type": "numeric"}),
        ({"value": True}, {"score": 1.0, "data_type": "boolean"}),
        ({"value": "good"}, {"label": "good", "data_type": "categorical"}),
        ({"value": "0.5", "dataType": "NUMERIC"}, {"score": 0.5, "data_type": "numeric"}),
        ({"value": False, "dataType": "BOOLEAN"}, {"score": 0.0, "data_type": "boolean"}),
        ({"value": "true", "dataType": "BOOLEAN"}, {"score": 1.0, "data_type": "boolean"}),
        ({"value": "good", "dataType": "NUMERIC"}, {"label": "good", "data_type": "categorical"}),
        ({"value": 2, "dataType": "CATEGORICAL"}, {"score": 2.0, "data_type": "numeric"}),
        ({"value": 1, "dataType": "BOOLEAN"}, {"score": 1.0, "data_type": "boolean"}),
        ({"value": "Because.", "dataType": "TEXT", "comment": "Truly."}, {"explanation": "Because.\n\nTruly."}),
        ({"value": "Rome", "dataType": "CORRECTION", "comment": "No."}, {"correction": "Rome", "explanation": "No."}),
        ({"value": "x" * 300, "dataType": "CATEGORICAL"}, {"explanation": "x" * 300, "label": None}),
        ({"value": None, "comment": "Only this."}, {"explanation": "Only this.", "data_type": None}),
    ],
)
def test_a_value_is_read_by_its_type(said: dict[str, Any], read: dict[str, Any]) -> None:
    (event,) = _scored(**said)
    assert {name: getattr(event, name) for name in read} == read


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "unknown"),
        ({"source": "API"}, "unknown"),
        ({"source": "ANNOTATION"}, "human"),
        ({"source": "EVAL"}, "llm"),
        ({"source": "ANNOTATION", "metadata": {"rater_kind": "llm"}}, "llm"),
        ({"name": "user.thumbs"}, "human"),
        ({"name": "user_feedback"}, "unknown"),
        ({"name": "implicit.copy", "source": "ANNOTATION"}, "implicit"),
    ],
)
def test_who_judged_is_unknown_unless_it_is_said(said: dict[str, Any], kind: str) -> None:
    (event,) = _scored(value=1, **said)
    assert event.rater_kind == kind


def test_a_score_of_a_run_over_a_data_set_is_no_feedback_about_traffic() -> None:
    assert _scored(value=1, traceId=None, datasetRunId="run-1") == []


def test_an_observation_alone_is_a_span() -> None:
    (event,) = _scored(value=1, traceId=None, observationId="1aed7eb566171ecd")
    assert (event.inference_id, event.aliases, event.target_scope) == (None, ["span:1aed7eb566171ecd"], "inference")


def test_a_score_without_id_and_time_is_the_same_when_it_is_sent_again() -> None:
    (first,), (second,), (other,) = _scored(value=1), _scored(value=1), _scored(value=2)
    assert first == second
    assert first.event_id != other.event_id
    assert (first.feedback_id, first.time_unix_nano) == (None, SENT)


@pytest.mark.parametrize("bad", [None, {}, {"name": "x", "value": 1}, {"name": "x", "traceId": "t"}])
def test_a_bad_score_costs_no_other_and_comes_alone(bad: object) -> None:
    said = json.loads(V5)
    events = scores(json.dumps([said[0], bad, *said[1:]]).encode(), [], SENT)
    wrong = events.pop(1)
    assert events == scores(V5, [], SENT)
    assert isinstance(wrong, InvalidEvent)
    assert wrong.item is not None
    assert json.loads(wrong.item) == [bad]
    assert [type(event) for event in scores(wrong.item, [], SENT)] == [InvalidEvent]


WORDS = (
    "batch", "metadata", "type", "generation-create", "generation-update", "score-create", "trace-create", "body", "id",
    "traceId", "observationId", "sessionId", "name", "value", "dataType", "TEXT", "CORRECTION", "comment", "timestamp",
    "startTime", "endTime", "input", "output", "usage", "usageDetails", "costDetails", "modelParameters", "level",
    "tags", "messages", "role", "content", "choices", "2026-11-21T02:03:46Z", "0001-01-01T00:00:00+14:00",
)  # fmt: skip


def _only_invalid_events(read: Any, value: bytes) -> None:
    try:
        events = read(value, [], SENT)
    except InvalidEvent as poison:
        events = [poison]
    for event in events:
        assert isinstance(event, InvalidEvent | InferenceRequest | InferenceResponse | Feedback)


@given(
    st.lists(misplaced(*WORDS), max_size=3).map(lambda said: json.dumps({"batch": said}).encode())
    | st.dictionaries(st.sampled_from(WORDS), misplaced(*WORDS)).map(
        lambda odd: json.dumps({"batch": [{**each, "body": each["body"] | odd} for each in BATCH]}).encode()
    )
    | misplaced(*WORDS).map(lambda said: json.dumps(said).encode())
)
def test_a_batch_raises_nothing_but_invalid_event(value: bytes) -> None:
    _only_invalid_events(ingestion, value)


@given(
    misplaced(*WORDS).map(lambda said: json.dumps(said).encode())
    | st.dictionaries(st.sampled_from(WORDS), misplaced(*WORDS)).map(
        lambda odd: json.dumps([each | odd for each in json.loads(V5)]).encode()
    )
)
def test_scores_raise_nothing_but_invalid_event(value: bytes) -> None:
    _only_invalid_events(scores, value)
