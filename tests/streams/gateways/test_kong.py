"""Kong's log entries: one bad entry does not cost the others, and 0 that Kong writes for "not counted" is not 0.

tests/fixtures/kong was made to Kong's AI audit log reference and its sample log objects, not recorded from a gateway.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.base import InvalidEvent
from streams.gateways.kong import kong
from tests.streams.gateways.hostile import misplaced

FIXTURES = Path(__file__).parents[2] / "fixtures" / "kong"

SHARED: dict[str, Any] = {
    "inference_id": "9ec9264afbbbad5fe5c64877d92eeb04",
    "aliases": [
        "resp:chatcmpl-k1",
        "req:9ec9264afbbbad5fe5c64877d92eeb04",
        "req:app-17",
        "trace:0af7651916cd43dd8448eb211c80319c",
    ],
    "source_format": "kong",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "user_id": "u-42",
    "service": "ai-gateway",
    "route": "openai-chat",
    "tags": {"workspace": "default"},
    "operation": "chat",
    "provider": "openai",
    "request_model": "gpt-4o",
}


def _events(name: str) -> list[Any]:
    value = (FIXTURES / name).read_bytes()
    events = list(kong(value, [], 0))
    assert events == kong(value, [], 0)
    return events


def _entry(name: str = "proxied_chat.json") -> dict[str, Any]:
    entry: dict[str, Any] = json.loads((FIXTURES / name).read_text())
    return entry


def _read(entry: object) -> list[Any]:
    return list(kong(json.dumps(entry).encode(), [], 0))


def test_a_proxied_chat_becomes_a_request_and_a_response() -> None:
    request, response = _events("proxied_chat.json")
    assert request.model_dump(exclude_defaults=True) == SHARED | {
        "kind": "request",
        "event_id": "9ec9264afbbbad5fe5c64877d92eeb04:request",
        "time_unix_nano": 1_787_113_201_719_000_000,
        "stream": False,
        "temperature": 0.2,
        "input_messages": [{"role": "user", "parts": [{"type": "text", "content": "Capital of France?"}]}],
        "content_state": "captured",
    }
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "Paris."}], "finish_reason": "stop"}
    assert response.model_dump(exclude_defaults=True) == SHARED | {
        "kind": "response",
        "event_id": "9ec9264afbbbad5fe5c64877d92eeb04:response",
        "time_unix_nano": 1_787_113_202_695_000_000,
        "status": "ok",
        "response_id": "chatcmpl-k1",
        "response_model": "gpt-4o-2024-08-06",
        "finish_reasons": ["stop"],
        "output_messages": [answer],
        "input_tokens": 13,
        "output_tokens": 12,
        "cached_input_tokens": 4,
        "reasoning_tokens": 5,
        "duration_s": 0.976,
        "http_status": 200,
        "cost_usd": 0.0038,
        "cache_hit": False,
    }


def test_the_spellings_up_to_3_8() -> None:
    request, response = _events("statistics_3_8.json")
    assert (request.request_model, request.provider, request.operation) == ("command", "cohere", "chat")
    assert request.content_state == "not_captured"
    assert (response.input_tokens, response.output_tokens, response.duration_s) == (28, 20, 2.7)
    assert response.cost_usd is None, "0 means that no prices are configured"
    assert response.cache_hit is None


def test_failures_streams_and_what_is_no_inference() -> None:
    failed_request, failed, streamed_request, streamed = _events("failed_and_streamed.json")
    assert failed_request.inference_id == "f1"
    assert (failed.status, failed.error_type, failed.http_status) == ("error", "http_429", 429)
    assert failed.error_message == "Rate limit reached"
    assert (failed.input_tokens, failed.output_tokens) == (None, None)
    assert failed_request.aliases == failed.aliases == ["req:f1"]
    assert (streamed_request.stream, streamed_request.synthetic) == (True, True)
    assert (streamed_request.request_model, streamed_request.provider) == (None, None)
    assert (streamed.time_to_first_chunk_s, streamed.cache_hit, streamed.input_tokens) == (0.25, True, 9)


def test_one_bad_entry_of_an_array_does_not_cost_the_others() -> None:
    bad = {"ai": {"proxy": {}}, "request": {}, "started_at": 1_787_113_201_719}
    first, second = _entry(), _entry()
    second["request"]["id"] = "second"
    decoded = _read([first, bad, 7, second])
    assert [type(each) for each in decoded] == [
        InferenceRequest, InferenceResponse, InvalidEvent, InvalidEvent, InferenceRequest, InferenceResponse,
    ]  # fmt: skip
    assert "request.id" in decoded[2].detail
    assert json.loads(decoded[2].item) == [bad], "it can be replayed by itself"
    assert json.loads(decoded[3].item) == [7]
    assert decoded[4].inference_id == "second"
    mended = json.loads(decoded[2].item)
    mended[0]["request"]["id"] = "mended"
    assert [each.inference_id for each in _read(mended)] == ["mended", "mended"]


def test_of_a_record_of_junk_the_rest_comes_as_one() -> None:
    decoded = _read([0] * 500 + [_entry()])
    assert len(decoded) == 100
    assert json.loads(decoded[-1].item) == [0] * 401 + [_entry()], "nothing is lost"


@pytest.mark.parametrize(("value", "reason"), [(b"{", "not_json"), (b"7", "wrong_shape"), (b"\xff", "not_json")])
def test_a_record_that_is_none(value: bytes, reason: str) -> None:
    with pytest.raises(InvalidEvent) as poison:
        list(kong(value, [], 0))
    assert (poison.value.reason, poison.value.item) == (reason, None)


@pytest.mark.parametrize(
    ("uri", "operation"),
    [("/v1/embeddings?x=1", "embeddings"), ("/v1/completions", "text_completion"), ("/any", "chat"), (7, "chat")],
)
def test_without_a_word_in_the_statistics_the_path_tells_the_operation(uri: object, operation: str) -> None:
    entry = _entry("statistics_3_8.json")
    entry["request"]["uri"] = uri
    assert [each.operation for each in _read(entry)] == [operation, operation]


def test_the_consumer_is_the_user_unless_the_body_names_one() -> None:
    entry = _entry()
    del entry["consumer"]["custom_id"]
    assert _read(entry)[0].user_id == "mobile-app"
    entry["ai"]["proxy"]["payload"]["request"] = '{"messages": [], "user": "u-7"}'
    assert _read(entry)[0].user_id == "u-7"


_WORDS = ["request", "id", "started_at", "response", "status", "headers", "latencies", "ai", "proxy", "meta", "usage"]
_MORE = ["payload", "prompt_tokens", "cost", "cache", "cache_status", "request_model", "consumer", "route", "name"]
_JSON = misplaced(*_WORDS, *_MORE)


@given(said=_JSON, replaced=st.sampled_from(_WORDS[3:] + _MORE), inner=_JSON)
def test_nothing_hostile_raises_anything_else(said: object, replaced: str, inner: object) -> None:
    entry = _entry()
    entry["ai"]["proxy"] |= {replaced: inner}
    entry["ai"]["proxy"]["usage" if replaced != "usage" else "meta"] = {"prompt_tokens": inner, "cost": inner}
    for record in (said, [said, entry], {**entry, replaced: inner}, {**entry, "request": {"id": "a", "uri": inner}}):
        value = json.dumps(record).encode()
        try:
            decoded = list(kong(value, [], 0))
        except InvalidEvent:
            continue
        assert all(isinstance(each, InferenceRequest | InferenceResponse | InvalidEvent) for each in decoded)
