"""Releases, prompts and types of output are read wherever senders say them."""

import json
from typing import Any

import pytest

from streams.gateways import openai_api, otlp_traces
from streams.gateways.langfuse import ingestion
from streams.gateways.litellm import litellm
from streams.gateways.versions import labels, of_attributes
from tests.streams.gateways.otlp_messages import INGEST_NS, span, traces

CHAT = {"gen_ai.operation.name": "chat"}


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ((None,), {}),
        (("",), {}),
        (("1.4",), {"model_version": "1.4"}),
        ((7, "greeting", 3), {"model_version": "7", "prompt_version": "greeting:3"}),
        ((None, "greeting", None), {"prompt_version": "greeting"}),
        ((None, None, "3"), {"prompt_version": "3"}),
        (({"a": 1}, ["b"], True), {}),
    ],
)
def test_versions_are_words_or_numbers(said: tuple[Any, ...], read: dict[str, str]) -> None:
    assert labels(*said) == read


def test_of_a_spans_versions_the_nearest_holds() -> None:
    said = {"langfuse.release": "v2", "langfuse.version": "3", "gen_ai.prompt.name": "greeting"}
    assert of_attributes(said) == {"model_version": "3", "prompt_version": "greeting"}
    assert of_attributes(CHAT) == {}


@pytest.mark.parametrize(
    ("attributes", "asked"),
    [
        (CHAT | {"gen_ai.output.type": "json"}, "json"),
        (CHAT | {"gen_ai.output.type": "image"}, None),
        (CHAT | {"gen_ai.openai.request.response_format": "json_schema"}, "json"),
        (CHAT | {"gen_ai.output.type": "text", "gen_ai.openai.request.response_format": "json_object"}, "text"),
        (
            {
                "openinference.span.kind": "LLM",
                "llm.invocation_parameters": '{"response_format": {"type": "json_object"}}',
            },
            "json",
        ),
    ],
)
def test_a_span_says_what_was_asked_for_to_both_of_its_events(attributes: dict[str, str], asked: str | None) -> None:
    request, response = otlp_traces.traces(traces(span(attributes)), [], INGEST_NS)
    assert (request.output_type, response.output_type) == (asked, asked)  # type: ignore[union-attr]  # no dead letter


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"messages": []}, None),
        ({"messages": [], "response_format": {"type": "text"}}, "text"),
        ({"messages": [], "response_format": '{"type": "json_object"}'}, "json"),  # Langfuse's parameters are strings
        ({"messages": [], "response_format": ["json"]}, None),
        ({"input": "Hi", "text": {"format": {"type": "json_schema", "name": "weather"}}}, "json"),
        ({"input": "Hi", "text": "plain"}, None),
    ],
)
def test_a_body_of_openais_says_what_it_asks_for(body: dict[str, Any], asked: str | None) -> None:
    assert openai_api.request(body)["output_type"] == asked


def test_litellms_parameters_say_it_of_the_request() -> None:
    payload = {
        "call_type": "acompletion",
        "litellm_call_id": "c",
        "startTime": 1_795_226_324.0,
        "endTime": 1_795_226_325.0,
        "status": "success",
        "messages": [{"role": "user", "content": "Hi"}],
        "model_parameters": {"response_format": {"type": "json_object"}},
        "response": {"choices": [{"message": {"role": "assistant", "content": "{}"}}]},
    }
    request, response = litellm(json.dumps(payload).encode(), [], INGEST_NS)
    assert (request.output_type, response.output_type) == ("json", None)  # type: ignore[union-attr]  # as above


def test_langfuses_generations_carry_the_version_of_their_prompt() -> None:
    body = {"id": "o", "traceId": "t", "promptName": "greeting", "promptVersion": 3, "version": "1.4", "output": "Hi"}
    event = {"id": "e", "type": "generation-create", "timestamp": "2026-11-21T02:03:46Z", "body": body}
    for read in ingestion(json.dumps({"batch": [event]}).encode(), [], INGEST_NS):
        assert read.tags == {"model_version": "1.4", "prompt_version": "greeting:3"}  # type: ignore[union-attr]
