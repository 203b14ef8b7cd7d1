"""The contract: what gateways may send, what null means, and that the published schema is the models' own."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from streams.events import CONTRACT, Feedback, InferenceRequest, InferenceResponse, json_schema

SCHEMA = Path(__file__).parents[2] / "docs" / "events.schema.json"
NOON = 1_763_726_400_000_000_000

REQUEST: dict[str, Any] = {
    "kind": "request",
    "event_id": "e1",
    "inference_id": "i1",
    "time_unix_nano": NOON,
    "gen_ai.operation.name": "chat",
    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "How deep is the sea?"}]}],
}
RESPONSE: dict[str, Any] = {
    "kind": "response",
    "event_id": "e2",
    "inference_id": "i1",
    "time_unix_nano": NOON + 2_000_000_000,
    "status": "ok",
    "duration_s": 2,
    "gen_ai.usage.output_tokens": 12,
}
FEEDBACK: dict[str, Any] = {
    "kind": "feedback",
    "event_id": "e3",
    "inference_id": "i1",
    "time_unix_nano": NOON + 60_000_000_000,
    "gen_ai.evaluation.name": "user.thumbs",
    "gen_ai.evaluation.score.value": 0,
    "feedback.range": [0, 1],
    "feedback.source": "human",
}
EXAMPLES = {"inference.requests": REQUEST, "inference.responses": RESPONSE, "inference.feedback": FEEDBACK}


def test_the_published_schema_is_that_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), "run `make schema` after a change of the contract"


@pytest.mark.parametrize("topic", CONTRACT)
def test_models_and_schema_take_the_same_event(topic: str) -> None:
    event = EXAMPLES[topic]
    jsonschema.validate(event, json_schema())
    assert CONTRACT[topic].model_validate_json(json.dumps(event)).event_id == event["event_id"]


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("inference.requests", {"inference_id": ""}),
        ("inference.requests", {"time_unix_nano": 1_763_726_400}),  # seconds sent as nanoseconds
        ("inference.requests", {"time_unix_nano": 4_102_444_800_000_000_000}),  # 2100
        ("inference.requests", {"gen_ai.input.messages": [{"role": 7}]}),
        ("inference.requests", {"gen_ai.input.messages": [{"role": "user", "parts": {}}]}),
        ("inference.requests", {"gen_ai.input.messages": [{"role": "user", "parts": ["How deep?"]}]}),
        ("inference.requests", {"gen_ai.input.messages": ["How deep?"]}),
        ("inference.requests", {"gen_ai.system_instructions": [{"type": None}]}),
        ("inference.requests", {"gen_ai.request.stream": "yes"}),
        ("inference.requests", {"schema_version": 2}),
        ("inference.responses", {"duration_s": -1}),
        ("inference.responses", {"gen_ai.usage.output_tokens": "12"}),
        ("inference.responses", {"gen_ai.usage.output_tokens": 1.5}),
        ("inference.responses", {"kind": "request"}),
        ("inference.feedback", {"feedback.source": "robot"}),
        ("inference.feedback", {"feedback.range": [1]}),
    ],
)
def test_models_and_schema_refuse_the_same_event(topic: str, change: dict[str, Any]) -> None:
    event = EXAMPLES[topic] | change
    with pytest.raises(ValidationError):
        CONTRACT[topic].model_validate_json(json.dumps(event))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event, json_schema()["$defs"][CONTRACT[topic].__name__] | {"$defs": json_schema()["$defs"]})


def test_what_is_not_said_is_null_and_never_zero() -> None:
    response = InferenceResponse.model_validate(RESPONSE | {"gen_ai.usage.input_tokens": None})
    assert response.input_tokens is None
    assert response.cost_usd is None
    assert response.cache_hit is None
    assert response.output_tokens == 12
    request = InferenceRequest.model_validate(REQUEST)
    assert request.stream is None
    assert not request.synthetic


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{}],
        [{"role": "assistant", "parts": [], "finish_reason": None}],
        [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"deep": [1]}}]}],
        [{"role": "user", "name": "of my own", "parts": [{"type": "blob", "content": [0.5, None]}]}],
    ],
)
def test_models_and_schema_take_the_same_messages(messages: list[dict[str, Any]]) -> None:
    event = REQUEST | {"gen_ai.input.messages": messages}
    jsonschema.validate(event, json_schema())
    assert InferenceRequest.model_validate_json(json.dumps(event)).input_messages == messages


def test_integers_have_no_fraction_which_the_schema_can_only_say_in_words() -> None:
    with pytest.raises(ValidationError, match="valid integer"):
        InferenceResponse.model_validate_json(json.dumps(RESPONSE | {"gen_ai.usage.output_tokens": 12.0}))
    assert "12, not 12.0" in json_schema()["description"]


def test_unknown_fields_are_let_through() -> None:
    assert InferenceResponse.model_validate(RESPONSE | {"x.new": {"deep": [1]}}).inference_id == "i1"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"gen_ai.evaluation.score.value": None}, "needs one of"),
        ({"inference_id": None}, "needs a target"),
        ({"feedback.range": [1, 0]}, "lowest < highest"),
    ],
)
def test_feedback_says_something_about_something(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Feedback.model_validate_json(json.dumps(FEEDBACK | change))


def test_feedback_can_be_withdrawn_without_a_value() -> None:
    withdrawn = FEEDBACK | {"gen_ai.evaluation.score.value": None, "feedback.deleted": True}
    assert Feedback.model_validate_json(json.dumps(withdrawn)).deleted
