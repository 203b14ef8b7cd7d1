"""APISIX's log entries: milliseconds in fields of other names, numbers in strings, and an id made of the content.

tests/fixtures/apisix was made to the sources of ai-proxy and log-util in APISIX, not recorded from a gateway.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.apisix import apisix
from streams.gateways.base import InvalidEvent
from tests.streams.gateways.hostile import misplaced

FIXTURES = Path(__file__).parents[2] / "fixtures" / "apisix"
INGEST_NS = 1_787_113_205_000_000_000


def _events(name: str) -> list[Any]:
    value = (FIXTURES / name).read_bytes()
    events = list(apisix(value, [], INGEST_NS))
    assert events == apisix(value, [], INGEST_NS)
    return events


def _read(entry: object) -> list[Any]:
    return list(apisix(json.dumps(entry).encode(), [], INGEST_NS))


def test_a_chat_becomes_a_request_and_a_response() -> None:
    request, response = _events("chat.json")[:2]
    shared = {
        "inference_id": request.inference_id,
        "aliases": ["req:app-18"],
        "source_format": "apisix",
        "source_version": "3.17.0",
        "user_id": "u-42",
        "service": "assistant",
        "route": "ai-proxy-route",
        "operation": "chat",
        "request_model": "best",
    }
    assert request.model_dump(exclude_defaults=True) == shared | {
        "kind": "request",
        "event_id": f"{request.inference_id}:request",
        "time_unix_nano": 1_787_113_201_719_000_000,
        "stream": False,
        "input_messages": [
            {"role": "system", "parts": [{"type": "text", "content": "You are a mathematician"}]},
            {"role": "user", "parts": [{"type": "text", "content": "What is 1+1?"}]},
        ],
        "content_state": "captured",
    }
    assert response.model_dump(exclude_defaults=True) == shared | {
        "kind": "response",
        "event_id": f"{request.inference_id}:response",
        "time_unix_nano": 1_787_113_202_622_000_116,
        "status": "ok",
        "response_model": "gpt-4o",
        "output_messages": [{"role": "assistant", "parts": [{"type": "text", "content": "1+1 equals 2."}]}],
        "input_tokens": 23,
        "output_tokens": 8,
        "cached_input_tokens": 4,
        "reasoning_tokens": 0,
        "duration_s": 0.90300011634827,
        "http_status": 200,
    }
    assert request.inference_id.startswith("apisix:")
    assert "secret" not in request.model_dump_json()


def test_a_failure_counts_no_tokens_and_other_entries_give_nothing() -> None:
    events = _events("chat.json")
    assert len(events) == 4, "the third entry is no inference"
    request, response = events[2:]
    assert request.time_unix_nano == 1_787_113_203_000_500_000
    assert (request.stream, request.content_state) == (True, "not_captured")
    assert (response.status, response.error_type, response.http_status) == ("error", "http_503", 503)
    assert (response.input_tokens, response.output_tokens, response.time_to_first_chunk_s) == (None, None, None)


def test_a_log_format_of_ones_own_keeps_what_ai_proxy_adds() -> None:
    request, response = _events("custom_format_stream.json")
    assert request.time_unix_nano == INGEST_NS
    assert (request.stream, request.request_model, request.route) == (True, "deepseek-chat", "7")
    assert response.time_to_first_chunk_s == 0.25, "what is named duration is the time to the first token"
    assert (response.duration_s, response.http_status, response.status) == (1.8, None, "ok")


def test_long_texts_stay_whole() -> None:
    entry = json.loads((FIXTURES / "custom_format_stream.json").read_text())
    entry["llm_response_text"]["content"] = "long " * 1000
    assert _read(entry)[1].output_messages[0]["parts"][0]["content"] == "long " * 1000


def test_bodies_say_more_than_the_summary_and_are_read_where_they_are_logged() -> None:
    entry = json.loads((FIXTURES / "chat.json").read_text())[0]
    entry["request"]["body"] = '{"model": "best", "messages": [{"role": "user", "content": "Hi"}], "temperature": 1}'
    entry["response"]["body"] = '{"id": "c-9", "choices": [{"message": {"content": "Yo"}, "finish_reason": "stop"}]}'
    request, response = _read(entry)
    assert (request.temperature, request.input_messages[0]["parts"][0]["content"]) == (1.0, "Hi")
    assert (response.response_id, response.finish_reasons, response.input_tokens) == ("c-9", ["stop"], 23)
    assert request.aliases == response.aliases == ["resp:c-9", "req:app-18"]


@pytest.mark.parametrize(
    ("messages", "uri", "operation"),
    [("Hi", "/v1/embeddings", "embeddings"), (["Hi"], "/any", "embeddings"), ("Hi", "/v1/responses", "chat")],
)
def test_what_is_logged_as_messages_may_be_an_input(messages: object, uri: str, operation: str) -> None:
    request, _ = _read({"request": {"uri": uri}, "llm_request": {"messages": messages}})
    assert (request.operation, request.input) == (operation, messages)


def test_equal_calls_at_other_times_are_other_inferences() -> None:
    entry = json.loads((FIXTURES / "chat.json").read_text())[0]
    later = {**entry, "start_time": entry["start_time"] + 1}
    reordered = dict(reversed(entry.items()))
    first, second, again = (_read(each)[0].inference_id for each in (entry, later, reordered))
    assert first == again != second


def test_one_bad_entry_of_an_array_does_not_cost_the_others() -> None:
    entry = json.loads((FIXTURES / "chat.json").read_text())[0]
    bad = {**entry, "start_time": 7}
    decoded = _read([bad, entry])
    assert [type(each) for each in decoded] == [InvalidEvent, InferenceRequest, InferenceResponse]
    assert json.loads(decoded[0].item) == [bad]


_WORDS = ["llm_summary", "llm_request", "llm_response_text", "request", "response", "start_time", "latency", "consumer"]
_MORE = [
    "messages",
    "stream",
    "content",
    "body",
    "headers",
    "uri",
    "model",
    "duration",
    "prompt_tokens",
    "role",
    "status",
]
_JSON = misplaced(*_WORDS, *_MORE)


@given(said=_JSON, replaced=st.sampled_from(_WORDS), inner=_JSON, named=st.sampled_from(_MORE))
def test_nothing_hostile_raises_anything_else(said: object, replaced: str, inner: object, named: str) -> None:
    entry = json.loads((FIXTURES / "chat.json").read_text())[0]
    for record in (said, [said, {**entry, replaced: inner}], {**entry, replaced: {named: inner}}):
        value = json.dumps(record).encode()
        try:
            decoded = list(apisix(value, [], INGEST_NS))
        except InvalidEvent:
            continue
        assert all(isinstance(each, InferenceRequest | InferenceResponse | InvalidEvent) for each in decoded)
