"""LiteLLM's payloads: what it writes as 0 without knowing is not 0, and requester headers and tracebacks stay out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.base import InvalidEvent
from streams.gateways.litellm import litellm
from tests.streams.gateways.hostile import misplaced

FIXTURES = Path(__file__).parents[2] / "fixtures" / "litellm"
BATCH = (FIXTURES / "proxy.generic_api.json_array.body").read_bytes()
PAYLOADS: list[dict[str, Any]] = json.loads(BATCH)
HEADERS = [("User-Agent", b"litellm/1.105.0"), ("Content-Type", b"application/json")]

CAPITAL = {"role": "user", "parts": [{"type": "text", "content": "What is the capital of France?"}]}
TERSE = {"role": "system", "parts": [{"type": "text", "content": "You are terse."}]}
PROXY = {
    "source_format": "litellm",
    "source_version": "1.105.0",
    "provider": "openai",
    "route": "/v1/chat/completions",
    "operation": "chat",
}
LIBRARY = {
    "source_format": "litellm",
    "provider": "openai",
    "service": "team-a-key",
    "tags": {"prod": "true"},
    "operation": "chat",
    "request_model": "gpt-4o-mini",
}


def _said(text: str, finish_reason: str = "stop") -> dict[str, Any]:
    parts = [{"type": "text", "content": text}]
    return {"role": "assistant", "parts": parts, "finish_reason": finish_reason}


def _pair(payload: Any) -> tuple[InferenceRequest, InferenceResponse]:
    request, response = litellm(json.dumps(payload).encode(), [], 0)
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    return request, response


def _fixture(name: str) -> list[dict[str, Any]]:
    return [event.model_dump(exclude_defaults=True) for event in _pair(json.loads((FIXTURES / name).read_text()))]


def _batch() -> list[dict[str, Any]]:
    events = litellm(BATCH, HEADERS, 0)
    assert events == litellm(BATCH, HEADERS, 0)
    return [event.model_dump(exclude_defaults=True) for event in events if not isinstance(event, InvalidEvent)]


def test_a_chat_through_the_proxy() -> None:
    call = "14c1b2cd-8b54-4f36-af7c-d9c6ddfc4620"
    shared = PROXY | {
        "inference_id": call,
        "aliases": ["resp:chatcmpl-plain-0001", "trace:trace-ext-1", "sess:trace-ext-1"],
        "request_model": "my-chat",
        "user_id": "user-42",
        "tags": {"prod": "true"},
    }
    request, response = _batch()[:2]
    assert request == shared | {
        "kind": "request",
        "event_id": f"{call}:request",
        "time_unix_nano": 1_795_226_786_558_303_000,
        "stream": False,
        "input_messages": [CAPITAL],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_787_423_435_000,
        "status": "ok",
        "response_id": "chatcmpl-plain-0001",
        "response_model": "my-chat",
        "finish_reasons": ["stop"],
        "output_messages": [_said("Paris is the capital of France.")],
        "input_tokens": 21,
        "output_tokens": 7,
        "cached_input_tokens": 4,
        "reasoning_tokens": 0,
        "duration_s": 0.865132,
        "cost_usd": 7.049999999999999e-06,
    }


def test_a_stream_lasts_to_its_end_and_not_to_its_first_chunk() -> None:
    call = "36f61008-e714-4bc8-808b-8e2a459cc758"
    shared = PROXY | {
        "inference_id": call,
        "aliases": ["resp:chatcmpl-stream-0001", "trace:trace-ext-1", "sess:trace-ext-1"],
        "request_model": "my-chat",
    }
    request, response = _batch()[2:4]
    assert request == shared | {
        "kind": "request",
        "event_id": f"{call}:request",
        "time_unix_nano": 1_795_226_787_453_025_000,
        "stream": True,
        "input_messages": [CAPITAL],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_787_632_077_000,
        "status": "ok",
        "response_id": "chatcmpl-stream-0001",
        "response_model": "gpt-4o-mini",
        "finish_reasons": ["stop"],
        "output_messages": [_said("Paris is the capital.")],
        "input_tokens": 21,
        "output_tokens": 6,
        "cached_input_tokens": 4,
        "reasoning_tokens": 0,
        "duration_s": 0.179052,
        "time_to_first_chunk_s": 0.146566,
        "cost_usd": 6.449999999999999e-06,
        "cache_hit": False,
    }


def test_a_failure_has_no_tokens_no_cost_and_no_response_id() -> None:
    call = "3fed864d-b93e-4447-a9ae-12abef1a65ce"
    shared = PROXY | {
        "inference_id": call,
        "aliases": ["trace:trace-ext-1", "sess:trace-ext-1"],
        "request_model": "my-fail",
    }
    request, response = _batch()[4:6]
    assert request == shared | {
        "kind": "request",
        "event_id": f"{call}:request",
        "time_unix_nano": 1_795_226_787_663_950_000,
        "stream": False,
        "input_messages": [CAPITAL],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_787_674_178_000,
        "status": "error",
        "duration_s": 0.010228,
        "error_type": "RateLimitError",
        "error_message": "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached",
        "http_status": 429,
        "cache_hit": False,
    }


def test_embeddings_take_a_text_and_give_vectors() -> None:
    call = "cadcd6ce-af87-4e99-95c3-c00686b9e3e6"
    shared = PROXY | {
        "inference_id": call,
        "aliases": ["trace:trace-ext-1", "sess:trace-ext-1"],
        "operation": "embeddings",
        "route": "/v1/embeddings",
        "request_model": "my-embed",
    }
    request, response = _batch()[6:]
    assert request == shared | {
        "kind": "request",
        "event_id": f"{call}:request",
        "time_unix_nano": 1_795_226_787_758_896_000,
        "input": "hello",
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_787_770_077_000,
        "status": "ok",
        "response_model": "my-embed",
        "output": [{"embedding": [0.1, -0.2, 0.3], "index": 0, "object": "embedding"}],
        "input_tokens": 5,
        "output_tokens": 0,
        "duration_s": 0.011181,
        "cost_usd": 1e-07,
    }


def test_a_session_that_took_the_place_of_the_trace_is_found_as_both() -> None:
    call = "6dd31aed-0903-4785-b3b0-c97295e94910"
    shared = LIBRARY | {
        "inference_id": call,
        "aliases": ["resp:chatcmpl-b23b914a-518a-4070-853a-4b338949350f", "trace:sess-1", "sess:sess-1"],
        "user_id": "user-42",
    }
    request, response = _fixture("success.async_success.json")
    assert request == shared | {
        "kind": "request",
        "event_id": f"{call}:request",
        "time_unix_nano": 1_795_226_332_774_855_000,
        "temperature": 0.2,
        "max_tokens": 64,
        "input_messages": [TERSE, CAPITAL],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_332_909_990_000,
        "status": "ok",
        "response_id": "chatcmpl-b23b914a-518a-4070-853a-4b338949350f",
        "response_model": "gpt-4o-mini",
        "finish_reasons": ["stop"],
        "output_messages": [_said("Paris is the capital of France.")],
        "input_tokens": 10,
        "output_tokens": 20,
        "duration_s": 0.135135,
        "cost_usd": 1.35e-05,
    }


def test_a_stream_without_usage_has_no_tokens_and_no_cost() -> None:
    call = "12af050e-b3d1-494d-88a1-16e8d770f24e"
    _, response = _fixture("http_stream.async_success.json")
    assert response == LIBRARY | {
        "inference_id": call,
        "aliases": ["resp:chatcmpl-stream-0001", "trace:e0ed6500-fbc3-4217-bb6c-2983104f1c6c"],
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_333_666_254_000,
        "status": "ok",
        "response_id": "chatcmpl-stream-0001",
        "response_model": "gpt-4o-mini",
        "finish_reasons": ["stop"],
        "output_messages": [_said("Paris is the capital.")],
        "duration_s": 0.09091,
        "time_to_first_chunk_s": 0.027353,
        "cache_hit": False,
    }


def test_a_text_completion() -> None:
    call = "f491d796-983c-42fa-bdcf-188401f5b09a"
    shared = LIBRARY | {
        "inference_id": call,
        "aliases": ["resp:cmpl-0001", "trace:88a54145-cfcd-4854-94ac-978652b0cd53"],
        "operation": "text_completion",
        "provider": "text-completion-openai",
        "request_model": "davinci-002",
    }
    request, response = _fixture("http_text_completion.async_success.json")
    assert request == shared | {
        "kind": "request",
        "event_id": f"{call}:request",
        "time_unix_nano": 1_795_226_333_692_707_000,
        "input_messages": [{"role": "user", "parts": [{"type": "text", "content": "The capital of France is"}]}],
        "content_state": "captured",
    }
    assert response == shared | {
        "kind": "response",
        "event_id": f"{call}:response",
        "time_unix_nano": 1_795_226_333_701_646_000,
        "status": "ok",
        "response_id": "cmpl-0001",
        "response_model": "davinci-002",
        "finish_reasons": ["length"],
        "output_messages": [_said(" Paris.", "length")],
        "input_tokens": 6,
        "output_tokens": 2,
        "duration_s": 0.008939,
        "cost_usd": 1.6e-05,
    }


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.async_*.json")))
def test_every_recorded_payload_becomes_a_pair_twice_the_same(name: str) -> None:
    value = (FIXTURES / name).read_bytes()
    request, response = litellm(value, [], 0)
    assert not isinstance(request, InvalidEvent)
    assert not isinstance(response, InvalidEvent)
    assert litellm(value, [], 0) == [request, response]


def test_headers_keys_addresses_and_tracebacks_of_the_requester_are_in_no_event() -> None:
    for payload in [*PAYLOADS, json.loads((FIXTURES / "failure.async_failure.json").read_text())]:
        told = " ".join(event.model_dump_json() for event in _pair(payload))
        for secret in ("curl", "0af7651916cd43dd8448eb211c80319c", "master_key", "127.0.0.1", "site-packages"):
            assert secret not in told


def test_array_lines_and_single_payloads_say_the_same() -> None:
    whole = litellm(BATCH, HEADERS, 0)
    each = [json.dumps(payload).encode() for payload in PAYLOADS]
    for line_end in (b"\n", b"\r\n", b"\n\n"):
        assert litellm(line_end.join(each) + line_end, HEADERS, 0) == whole
    assert [event for value in each for event in litellm(value, HEADERS, 0)] == whole


@pytest.mark.parametrize("bad", [None, 7, "x", [], {}, {"call_type": "acompletion"}, {"call_type": ["acompletion"]}])
@pytest.mark.parametrize("place", [0, 2])
def test_a_bad_payload_costs_no_other_and_comes_alone(bad: object, place: int) -> None:
    payloads = [*PAYLOADS[:place], bad, *PAYLOADS[place:]]
    events = litellm(json.dumps(payloads).encode(), HEADERS, 0)
    wrong = events.pop(2 * place)
    assert events == litellm(BATCH, HEADERS, 0)
    assert isinstance(wrong, InvalidEvent)
    assert wrong.reason == "wrong_shape"
    assert wrong.item is not None
    (again,) = litellm(wrong.item, HEADERS, 0)
    assert isinstance(again, InvalidEvent)
    assert again.detail == wrong.detail


@pytest.mark.parametrize("place", [0, 3])
def test_a_line_cut_off_costs_no_other(place: int) -> None:
    lines = [json.dumps(payload).encode() for payload in PAYLOADS]
    lines[place] = lines[place][:-40]
    events = litellm(b"\n".join(lines), HEADERS, 0)
    wrong = events[2 * place]
    assert isinstance(wrong, InvalidEvent)
    assert (wrong.reason, wrong.item) == ("not_json", lines[place])
    assert sum(isinstance(event, InvalidEvent) for event in events) == 1
    assert len(events) == 7


def test_a_payload_with_a_time_out_of_range_can_be_replayed_when_mended() -> None:
    (wrong, *_) = litellm(json.dumps([PAYLOADS[0] | {"startTime": 7.0}, *PAYLOADS[1:]]).encode(), HEADERS, 0)
    assert isinstance(wrong, InvalidEvent)
    assert wrong.item is not None
    mended = wrong.item.replace(b'"startTime":7.0', b'"startTime":1795226786.558303')
    assert litellm(mended, HEADERS, 0) == litellm(BATCH, HEADERS, 0)[:2]


def test_of_much_junk_the_rest_comes_as_one() -> None:
    events = litellm(json.dumps([0] * 5_000 + PAYLOADS).encode(), HEADERS, 0)
    assert len(events) == 100
    last = events[-1]
    assert isinstance(last, InvalidEvent)
    assert last.item is not None
    assert json.loads(last.item) == [0] * 4_901 + PAYLOADS


@pytest.mark.parametrize("value", [b"not json", b"{", b'{\n "call_type":\n', b"\xff\xfe", b"[" * 100_000, b"{}{}"])
def test_what_is_no_json_is_refused_as_a_whole(value: bytes) -> None:
    with pytest.raises(InvalidEvent) as poison:
        litellm(value, [], 0)
    assert (poison.value.reason, poison.value.item) == ("not_json", None)


def test_a_single_bad_payload_is_refused_as_a_whole() -> None:
    with pytest.raises(InvalidEvent) as poison:
        litellm(b'{"litellm_call_id": "secret"}', [], 0)
    assert (poison.value.reason, poison.value.item) == ("wrong_shape", None)
    assert "generic_api" in poison.value.detail
    assert "secret" not in str(poison.value)


@pytest.mark.parametrize("called", ["arerank", "aimage_generation", "atranscription", "create_batch", "call_mcp_tool"])
def test_other_calls_than_inferences_give_nothing(called: str) -> None:
    assert litellm(json.dumps(PAYLOADS[0] | {"call_type": called}).encode(), [], 0) == []


@pytest.mark.parametrize(
    ("called", "operation"),
    [
        ("completion", "chat"),
        ("text_completion", "text_completion"),
        ("embedding", "embeddings"),
        ("aresponses", "chat"),
        ("anthropic_messages", "chat"),
        ("agenerate_content_stream", "generate_content"),
    ],
)
def test_operations(called: str, operation: str) -> None:
    assert [event.operation for event in _pair(PAYLOADS[0] | {"call_type": called})] == [operation] * 2


def test_one_field_of_a_wrong_type_costs_no_more_than_itself() -> None:
    whole = _pair(PAYLOADS[0])
    for name in PAYLOADS[0].keys() - {"call_type", "litellm_call_id", "startTime"}:
        odds: tuple[Any, ...] = ([[]], {"x": 1}, -1, True, "", "x" * 10_000)
        for odd in odds:
            request, response = _pair(PAYLOADS[0] | {name: odd})
            assert (request.inference_id, request.time_unix_nano) == (whole[0].inference_id, whole[0].time_unix_nano)
            assert response.inference_id == request.inference_id


def test_content_that_litellm_left_out_is_not_captured() -> None:
    message = {"role": "assistant", "content": "redacted-by-litellm"}
    request, response = _pair(
        PAYLOADS[0]
        | {
            "messages": [{"role": "user", "content": "redacted-by-litellm"}],
            "response": {"id": "r", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]},
        }
    )
    assert (request.content_state, request.input_messages, request.input) == ("not_captured", None, None)
    assert (response.output_messages, response.output, response.finish_reasons) == (None, None, ["stop"])


def test_a_call_of_a_tool_has_parts_of_its_own() -> None:
    called = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [called]}
    tools = [{"type": "function", "function": {"name": "weather"}}]
    request, response = _pair(
        PAYLOADS[0]
        | {
            "model_parameters": {"tools": tools, "n": 2, "seed": 7},
            "response": {"choices": [{"finish_reason": "tool_calls", "message": message}]},
        }
    )
    assert (request.tool_definitions, request.choice_count, request.seed) == (tools, 2, 7)
    part = {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Paris"}}
    assert response.output_messages == [{"role": "assistant", "parts": [part], "finish_reason": "tool_calls"}]


def test_answers_in_other_apis_forms() -> None:
    anthropic = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Paris."}]}
    assert _pair(PAYLOADS[0] | {"response": anthropic})[1].output_messages == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Paris."}]}
    ]
    candidates = [{"content": {"role": "model", "parts": [{"text": "Paris."}]}}]
    assert _pair(PAYLOADS[0] | {"response": {"candidates": candidates}})[1].output == candidates
    asked, _ = _pair(PAYLOADS[0] | {"call_type": "aresponses", "messages": "Capital?"})
    assert asked.input_messages == [{"role": "user", "parts": [{"type": "text", "content": "Capital?"}]}]


def test_an_answer_from_the_cache_is_known_by_the_id_that_the_client_sees() -> None:
    hit = {"cache_hit": True, "response_cost": 0.0, "id": "chatcmpl-plain-0001_cache_hit1795226787.1"}
    _, response = _pair(PAYLOADS[0] | hit)
    assert (response.cache_hit, response.response_id, response.cost_usd) == (True, "chatcmpl-plain-0001", 0.0)


def test_a_price_that_could_not_be_found_is_not_free() -> None:
    unpriced = {"response_cost": 0.0, "response_cost_failure_debug_info": {"error_str": "no price"}}
    assert _pair(PAYLOADS[0] | unpriced)[1].cost_usd is None


def test_a_failure_after_the_first_words_is_partial() -> None:
    failed = {key: PAYLOADS[2][key] for key in ("status", "error_str", "error_information")}
    _, response = _pair(PAYLOADS[1] | failed)
    assert (response.status, response.error_type, response.time_to_first_chunk_s) == ("partial", "RateLimitError", None)


def test_retries_are_calls_of_their_own_in_one_trace() -> None:
    first, second = _pair(PAYLOADS[2])[1], _pair(PAYLOADS[2] | {"litellm_call_id": "second", "id": "second"})[1]
    assert first.inference_id != second.inference_id
    assert first.aliases == second.aliases


def test_a_session_of_its_own_is_the_conversation() -> None:
    request, _ = _pair(PAYLOADS[0] | {"session_id": "s-1"})
    assert request.conversation_id == "s-1"
    assert request.aliases == ["resp:chatcmpl-plain-0001", "trace:trace-ext-1", "sess:s-1"]


@pytest.mark.parametrize(
    "mark",
    [
        {"request_tags": ["canary"]},
        {"request_tags": ["Synthetic"]},
        {"metadata": {"requester_metadata": {"synthetic": True}}},
        {"metadata": {"spend_logs_metadata": {"canary": "yes"}}},
    ],
)
def test_marked_probes_are_synthetic(mark: dict[str, Any]) -> None:
    assert [event.synthetic for event in _pair(PAYLOADS[0] | mark)] == [True, True]
    assert [event.synthetic for event in _pair(PAYLOADS[0])] == [False, False]


def test_times_the_wrong_way_round_give_no_duration() -> None:
    _, response = _pair(PAYLOADS[1] | {"endTime": 1_795_226_780.0, "completionStartTime": 1_795_226_780.0})
    assert (response.duration_s, response.time_to_first_chunk_s) == (None, None)


@pytest.mark.parametrize("value", ["None", "", None])
def test_a_call_without_an_id_of_any_kind_is_poison(value: str | None) -> None:
    with pytest.raises(InvalidEvent, match="litellm_call_id"):
        litellm(json.dumps(PAYLOADS[0] | {"litellm_call_id": None, "id": value}).encode(), [], 0)


def test_nan_in_one_payload_costs_no_other() -> None:
    payloads = [PAYLOADS[0] | {"response_cost": float("nan")}, *PAYLOADS[1:]]
    events = litellm(json.dumps(payloads).encode(), HEADERS, 0)
    assert events[2:] == litellm(BATCH, HEADERS, 0)[2:]
    assert isinstance(events[1], InferenceResponse)
    assert events[1].cost_usd is None


@pytest.mark.parametrize("depth", [150, 300])
def test_content_that_is_nested_too_deep_costs_no_other_payload(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    value = json.dumps([PAYLOADS[0] | {"messages": "HERE"}, PAYLOADS[1]]).encode().replace(b'"HERE"', deep)
    events = litellm(value, HEADERS, 0)
    assert isinstance(events[0], InvalidEvent) == (depth == 300)
    assert events[-2:] == litellm(BATCH, HEADERS, 0)[2:4]


WORDS = (
    "call_type", "acompletion", "aembedding", "aresponses", "litellm_call_id", "id", "startTime", "endTime", "status",
    "failure", "messages", "role", "content", "response", "choices", "message", "output", "data", "usage", "metadata",
    "model_parameters", "tools", "error_information", "request_tags", "requester_metadata", "object", "synthetic",
)  # fmt: skip
NAMES = (
    "messages",
    "response",
    "model_parameters",
    "metadata",
    "error_information",
    "request_tags",
    "endTime",
    "status",
)


@given(
    st.binary(max_size=60)
    | misplaced(*WORDS).map(lambda said: json.dumps(said).encode())
    | st.dictionaries(st.sampled_from(NAMES), misplaced(*WORDS)).map(
        lambda odd: json.dumps([PAYLOADS[0] | odd, PAYLOADS[3] | odd]).encode()
    )
)
def test_nothing_but_invalid_event_is_raised(value: bytes) -> None:
    try:
        events = litellm(value, [], 0)
    except InvalidEvent as poison:
        events = [poison]
    for event in events:
        assert isinstance(event, InvalidEvent | InferenceRequest | InferenceResponse)
