"""Recorded spans of every dialect, against what a person read from them with protobuf's text format."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.base import InvalidEvent
from streams.gateways.otlp_traces import traces
from tests.streams.gateways.otlp_messages import FIXTURES, INGEST_NS, recorded

GENAI = "otel/genai-openai-1.3b0.span_and_event.traces.otlp_proto.bin"
NO_CONTENT = "otel/genai-openai-1.3b0.no_content.traces.otlp_proto.bin"
OPENAI_V2 = "otel/openai-v2-2.4b0.semconv1.30.traces.otlp_proto.bin"
OPENINFERENCE = "otel/openinference-openai-0.1.66.traces.otlp_proto.bin"
LITELLM = "litellm/proxy_otel_v2.traces.otlp_proto.bin"
LANGFUSE_3 = "langfuse/sdk3.15.0.otel_traces.otlp_proto.bin"
LANGFUSE_5 = "langfuse/sdk5.0.4.otel_traces.otlp_proto.bin"

Said = dict[str, Any]


def text(role: str, content: str, **more: str) -> Said:
    return {"role": role, "parts": [{"type": "text", "content": content}], **more}


TERSE = text("system", "You are terse.")
CAPITAL = [TERSE, text("user", "What is the capital of France?")]
PARIS = text("assistant", "Paris is the capital of France.", finish_reason="stop")
CUT = text("assistant", "Paris is the capital.", finish_reason="stop")
WEATHER_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER_CALL = {"type": "tool_call", "id": "call_abc123", "name": "get_weather", "arguments": {"city": "Paris"}}

DEMO = {"service": "demo-gateway", "environment": "test", "provider": "openai"}
OTLP_GENAI = {**DEMO, "source_format": "otlp_genai", "source_version": "1.3b0"}
OTLP_OPENAI_V2 = {**DEMO, "source_format": "otlp_genai"}
OPENINFERENCE_0_1 = {**DEMO, "source_format": "openinference", "source_version": "0.1.66"}
LITELLM_PROXY = {
    "source_format": "litellm_otel", "source_version": "1.105.0", "service": "litellm", "provider": "openai",
    "route": "/v1/chat/completions", "trace_id": "0af7651916cd43dd8448eb211c80319c", "operation": "chat",
}  # fmt: skip
LANGFUSE = {
    "source_format": "langfuse_otel", "environment": "test", "user_id": "user-42", "conversation_id": "sess-1",
}  # fmt: skip


def call(
    spans: str, both: Said, asked: Said, answered: Said, times: tuple[int, int], named: str = "", *ids: str
) -> tuple[Said, Said]:
    """Put together what is expected of a call: ids, and what is the same in request and response, written once."""
    trace_id, span_id = spans.split(":")
    inference_id = named or spans
    both = {
        **both, "trace_id": trace_id, "span_id": span_id, "inference_id": inference_id,
        "aliases": [f"trace:{trace_id}", f"span:{spans}", *ids],
    }  # fmt: skip
    request = {**both, **asked, "kind": "request", "event_id": f"{inference_id}:request", "time_unix_nano": times[0]}
    response = {**both, **answered, "kind": "response", "event_id": f"{inference_id}:response"}
    return request, {**response, "time_unix_nano": times[1]}


def chat(model: str) -> Said:
    return {"operation": "chat", "request_model": model}


CALLS = {
    (GENAI, "plain"): call(
        "bb1523caa25434bfec6b5b9f14bed44e:e00dc58a8d97a7e4", OTLP_GENAI | chat("gpt-4o-mini"),
        {"temperature": 0.2, "max_tokens": 64, "seed": 7, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-plain-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [PARIS], "input_tokens": 21, "output_tokens": 7,
            "cached_input_tokens": 4, "duration_s": 0.011845468,
        },
        (1795226322907206247, 1795226322919051715), "", "resp:chatcmpl-plain-0001",
    ),
    (GENAI, "stream"): call(
        "e3c6583198bec2734dae0a09d8d0d948:b3bd22f43c4e068a", OTLP_GENAI | chat("gpt-4o-mini"),
        {"stream": True, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [CUT], "input_tokens": 21, "output_tokens": 6,
            "cached_input_tokens": 4, "duration_s": 0.086004694, "time_to_first_chunk_s": 0.026642856000080428,
        },
        (1795226322919203798, 1795226323005208492), "", "resp:chatcmpl-stream-0001",
    ),
    (GENAI, "interrupted stream"): call(
        "4c89fd2d0c26b204972b3f9cb2edfb80:8e81c6d9c5eaf27c", OTLP_GENAI | chat("cut-stream"),
        {"stream": True, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "partial", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [CUT], "duration_s": 0.084751962,
            "time_to_first_chunk_s": 0.022803611999961504, "error_type": "openai.APIConnectionError",
            "error_message": "Connection error.",
        },
        (1795226323005435248, 1795226323090187210), "", "resp:chatcmpl-stream-0001",
    ),
    (GENAI, "tool"): call(
        "f21df18e49c2959121250ef29cd2a7be:40aa0828ce1fe25b", OTLP_GENAI | chat("gpt-4o-mini"),
        {
            "input_messages": [TERSE, text("user", "Weather in Paris?")], "content_state": "captured",
            "tool_definitions": [
                {"type": "function", "name": "get_weather", "description": "weather", "parameters": WEATHER_SCHEMA}
            ],
        },
        {
            "status": "ok", "response_id": "chatcmpl-tool-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["tool_calls"], "input_tokens": 21, "output_tokens": 7, "cached_input_tokens": 4,
            "output_messages": [{"role": "assistant", "parts": [WEATHER_CALL], "finish_reason": "tool_call"}],
            "duration_s": 0.00489384,
        },
        (1795226323090529986, 1795226323095423826), "", "resp:chatcmpl-tool-0001",
    ),
    (GENAI, "two choices"): call(
        "4db94d9a2c0e5c6c1e3cd9ad63db5e33:8f087b4991da5bb7", OTLP_GENAI | chat("gpt-4o-mini"),
        {"choice_count": 2, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-plain-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop", "stop"], "output_messages": [PARIS, PARIS], "input_tokens": 21,
            "output_tokens": 7, "cached_input_tokens": 4, "duration_s": 0.002677145,
        },
        (1795226323095581280, 1795226323098258425), "", "resp:chatcmpl-plain-0001",
    ),
    (GENAI, "429"): call(
        "f5c99853177bfa300ea0347e7f11768d:9dc6e88a1e75574f", OTLP_GENAI | chat("fail-429"),
        {"input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "error", "error_type": "openai.RateLimitError", "duration_s": 0.002181974,
            "error_message": "Error code: 429 - Rate limit reached",
        },
        (1795226323098393132, 1795226323100575106),
    ),
    (GENAI, "embeddings"): call(
        "37b06b6894cb904c7fe1c37c5fced313:c5c41ac2dc2b542d",
        OTLP_GENAI | {"operation": "embeddings", "request_model": "text-embedding-3-small"},
        {"content_state": "not_captured"},
        {"status": "ok", "response_model": "text-embedding-3-small", "input_tokens": 5, "duration_s": 0.002595472},
        (1795226323106919447, 1795226323109514919),
    ),
    (GENAI, "responses API"): call(
        "05ac45c02b5b8f648405e93c0f1f6c95:ee42fa0482204bd6", OTLP_GENAI | chat("gpt-4o-mini"),
        {
            "input_messages": [text("user", "What is the capital of France?")], "content_state": "captured",
            "system_instructions": [{"type": "text", "content": "Be terse."}],
        },
        {
            "status": "ok", "response_id": "resp_0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [text("assistant", "Paris.", finish_reason="stop")],
            "input_tokens": 18, "output_tokens": 3, "duration_s": 0.097962184,
        },
        (1795226323109749309, 1795226323207711493), "", "resp:resp_0001",
    ),
    (NO_CONTENT, "interrupted stream"): call(
        "d84fbd326a6cee4a4e0be0554a8e5016:d545ae1c2bfb1958", OTLP_GENAI | chat("cut-stream"),
        {"stream": True, "content_state": "not_captured"},
        {
            "status": "partial", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "duration_s": 0.086473877, "time_to_first_chunk_s": 0.025179042999980084,
            "error_type": "openai.APIConnectionError", "error_message": "Connection error.",
        },
        (1795226324434446645, 1795226324520920522), "", "resp:chatcmpl-stream-0001",
    ),
    (OPENAI_V2, "plain"): call(
        "8e7afda94b36049b5ffdb3456e79b62d:aa05bb2639df9286", OTLP_OPENAI_V2 | chat("gpt-4o-mini"),
        {"temperature": 0.2, "max_tokens": 64, "seed": 7, "content_state": "not_captured"},
        {
            "status": "ok", "response_id": "chatcmpl-plain-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "input_tokens": 21, "output_tokens": 7, "duration_s": 0.01586512,
        },
        (1795226380991187455, 1795226381007052575), "", "resp:chatcmpl-plain-0001",
    ),
    (OPENAI_V2, "interrupted stream"): call(
        "965ad8886a9844e22bd5511927942107:8b40e5fc8dba86ac", OTLP_OPENAI_V2 | chat("cut-stream"),
        {"content_state": "not_captured"},
        {
            "status": "partial", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "duration_s": 0.087691022, "error_type": "RemoteProtocolError",
            "error_message": "peer closed connection without sending complete message body (incomplete chunked read)",
        },
        (1795226381096650261, 1795226381184341283), "", "resp:chatcmpl-stream-0001",
    ),
    (OPENINFERENCE, "plain"): call(
        "cda3fa7cd7d9ba8fccafa70e08796ad9:9e2835b9d475f3cf",
        OPENINFERENCE_0_1 | chat("gpt-4o-mini") | {"user_id": "user-42"},
        {"temperature": 0.2, "max_tokens": 64, "seed": 7, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-plain-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [PARIS], "input_tokens": 21, "output_tokens": 7,
            "cached_input_tokens": 4, "reasoning_tokens": 0, "duration_s": 0.007506493,
        },
        (1795226327326980969, 1795226327334487462), "", "resp:chatcmpl-plain-0001",
    ),
    (OPENINFERENCE, "stream"): call(
        "97f1270a23dbb817b9574989461a7da8:a9b741320a8b9fe3", OPENINFERENCE_0_1 | chat("gpt-4o-mini"),
        {"stream": True, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [CUT], "input_tokens": 21, "output_tokens": 6,
            "cached_input_tokens": 4, "reasoning_tokens": 0, "duration_s": 0.085939813,
            "time_to_first_chunk_s": 0.024939296,
        },
        (1795226327335478818, 1795226327421418631), "", "resp:chatcmpl-stream-0001",
    ),
    (OPENINFERENCE, "interrupted stream"): call(
        "627a6f06f37d0589c04ed0da3e58e872:25614ffdf7c23311", OPENINFERENCE_0_1 | chat("cut-stream"),
        {"stream": True, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "partial", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [CUT], "duration_s": 0.087287147,
            "time_to_first_chunk_s": 0.022168239, "error_type": "openai.APIConnectionError",
            "error_message": "APIConnectionError: Connection error.",
        },
        (1795226327422252993, 1795226327509540140), "", "resp:chatcmpl-stream-0001",
    ),
    (OPENINFERENCE, "tool"): call(
        "a17d8f3089e98fb5e86dfaf66287809a:b274608d3f3010a3", OPENINFERENCE_0_1 | chat("gpt-4o-mini"),
        {
            "input_messages": [TERSE, text("user", "Weather in Paris?")], "content_state": "captured",
            "tool_definitions": [
                {
                    "type": "function",
                    "function": {"name": "get_weather", "description": "weather", "parameters": WEATHER_SCHEMA},
                }
            ],
        },
        {
            "status": "ok", "response_id": "chatcmpl-tool-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["tool_calls"], "input_tokens": 21, "output_tokens": 7, "cached_input_tokens": 4,
            "output_messages": [{"role": "assistant", "parts": [WEATHER_CALL], "finish_reason": "tool_calls"}],
            "reasoning_tokens": 0, "duration_s": 0.003755629,
        },
        (1795226327510909841, 1795226327514665470), "", "resp:chatcmpl-tool-0001",
    ),
    (OPENINFERENCE, "429"): call(
        "dc90945943b81f06e0a1bc12c2fe75b5:04e87b881e3e1fbb", OPENINFERENCE_0_1 | chat("fail-429"),
        {"input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "error", "error_type": "openai.RateLimitError", "duration_s": 0.002411017,
            "error_message": "RateLimitError: Error code: 429 - Rate limit reached",
        },
        (1795226327518293569, 1795226327520704586),
    ),
    (OPENINFERENCE, "text completion"): call(
        "467c625c33b7df8f8af23ae7eec5c1d1:fc7b9ce29a0ca27f",
        OPENINFERENCE_0_1 | {"operation": "text_completion", "request_model": "davinci-002"},
        {
            "max_tokens": 2, "input_messages": [text("user", "The capital of France is")],
            "content_state": "captured",
        },
        {
            "status": "ok", "response_id": "cmpl-0001", "response_model": "davinci-002", "input_tokens": 6,
            "finish_reasons": ["length"], "output_messages": [text("assistant", " Paris.", finish_reason="length")],
            "output_tokens": 2, "duration_s": 0.003235859,
        },
        (1795226327524958784, 1795226327528194643), "", "resp:cmpl-0001",
    ),
    (OPENINFERENCE, "embeddings"): call(
        "8309f0f7c3b2ca33105d8e2b5cf8106d:c1fd8bf4cc5201fe",
        OPENINFERENCE_0_1 | {"operation": "embeddings", "request_model": "text-embedding-3-small"},
        {"input": ["hello"], "content_state": "captured"},
        {
            "status": "ok", "response_model": "text-embedding-3-small", "input_tokens": 5, "duration_s": 0.002325264,
            "output": [
                {
                    "object": "embedding", "index": 0,
                    "embedding": [0.10000000149011612, -0.20000000298023224, 0.30000001192092896],
                }
            ],
        },
        (1795226327531254953, 1795226327533580217),
    ),
    (OPENINFERENCE, "responses API"): call(
        "3e6130f6e3443768943011a9dae2c95a:6c41197939529899", OPENINFERENCE_0_1 | chat("gpt-4o-mini"),
        {
            "input_messages": [text("user", "What is the capital of France?")], "content_state": "captured",
            "system_instructions": [{"type": "text", "content": "Be terse."}],
        },
        {
            "status": "ok", "response_id": "resp_0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [text("assistant", "Paris.")], "input_tokens": 18,
            "output_tokens": 3, "cached_input_tokens": 0, "reasoning_tokens": 0, "duration_s": 0.092761517,
        },
        (1795226327643520863, 1795226327736282380), "", "resp:resp_0001",
    ),
    (LITELLM, "plain"): call(
        "0af7651916cd43dd8448eb211c80319c:8ea6b9414938d412",
        LITELLM_PROXY | {"request_model": "my-chat", "user_id": "user-42"},
        {"input_messages": [text("user", "What is the capital of France?")], "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-plain-0001", "response_model": "my-chat",
            "finish_reasons": ["stop"], "output_messages": [text("assistant", "Paris is the capital of France.")],
            "input_tokens": 21, "output_tokens": 7, "cached_input_tokens": 4, "duration_s": 0.77211776,
            "cost_usd": 7.049999999999999e-06,
        },
        (1795227070337552128, 1795227071109669888), "263f6e14-6122-4fcb-beaf-12d6d08794af",
        "resp:chatcmpl-plain-0001", "call:263f6e14-6122-4fcb-beaf-12d6d08794af",
    ),
    (LITELLM, "stream"): call(
        "0af7651916cd43dd8448eb211c80319c:5176f29d4b358233", LITELLM_PROXY | {"request_model": "my-chat"},
        {"stream": True, "input_messages": [text("user", "hi")], "content_state": "captured"},
        {
            "status": "ok", "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini",
            "finish_reasons": ["stop"], "output_messages": [text("assistant", "Paris is the capital.")],
            "input_tokens": 21, "output_tokens": 6, "cached_input_tokens": 4, "duration_s": 0.256714752,
            "time_to_first_chunk_s": 0.219940185546875, "cost_usd": 6.449999999999999e-06,
        },
        (1795227071146748160, 1795227071403462912), "ae098555-6ad5-4aa4-9166-a40b46429b01",
        "resp:chatcmpl-stream-0001", "call:ae098555-6ad5-4aa4-9166-a40b46429b01",
    ),
    (LITELLM, "429: tokens and cost of 0 are not known"): call(
        "0af7651916cd43dd8448eb211c80319c:309255ca7a7a3c16", LITELLM_PROXY | {"request_model": "my-fail"},
        {"input_messages": [text("user", "hi")], "content_state": "captured"},
        {
            "status": "error", "error_type": "RateLimitError", "http_status": 429, "duration_s": 0.009734912,
            "error_message": "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached",
        },
        (1795227071438193920, 1795227071447928832), "1606fc65-6c45-4d5a-a6d0-18e9705dd38b",
        "call:1606fc65-6c45-4d5a-a6d0-18e9705dd38b",
    ),
    (LANGFUSE_3, "generation"): call(
        "692b212508891e53074485db72eca595:1aed7eb566171ecd",
        LANGFUSE | chat("gpt-4o-mini") | {"source_version": "3.15.0"},
        {"temperature": 0.2, "max_tokens": 64, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "output_messages": [text("assistant", "Paris is the capital of France.")],
            "input_tokens": 21, "output_tokens": 7, "duration_s": 0.000334648, "time_to_first_chunk_s": 0.00022482,
            "cost_usd": pytest.approx(7.35e-06),
        },
        (1795226514649450180, 1795226514649784828), "", "sess:sess-1",
    ),
    (LANGFUSE_5, "generation"): call(
        "dd4e9bcff5a59ada7c4adcc30cbca17d:dec5aad74eb9d7c8",
        LANGFUSE | chat("gpt-4o-mini") | {"source_version": "5.0.4", "tags": {"model_version": "v1.2.3"}},
        {"temperature": 0.2, "max_tokens": 64, "input_messages": CAPITAL, "content_state": "captured"},
        {
            "status": "ok", "output_messages": [text("assistant", "Paris is the capital of France.")],
            "input_tokens": 21, "output_tokens": 7, "duration_s": 0.000272572, "time_to_first_chunk_s": 0.000183434,
            "cost_usd": pytest.approx(7.35e-06),
        },
        (1795226455290351566, 1795226455290624138), "", "sess:sess-1",
    ),
    (LANGFUSE_5, "failed generation"): call(
        "dd4e9bcff5a59ada7c4adcc30cbca17d:03564f8bc3ed633c",
        LANGFUSE | chat("gpt-4o-mini") | {"source_version": "5.0.4", "tags": {"model_version": "v1.2.3"}},
        {"input_messages": [text("user", "x")], "content_state": "captured"},
        {"status": "error", "error_message": "429 rate limit", "duration_s": 0.000088885},
        (1795226455290682727, 1795226455290771612), "", "sess:sess-1",
    ),
    (LANGFUSE_5, "embedding"): call(
        "dd4e9bcff5a59ada7c4adcc30cbca17d:298da0983191ae6e",
        LANGFUSE
        | {"source_version": "5.0.4", "operation": "embeddings", "request_model": "text-embedding-3-small"}
        | {"tags": {"model_version": "v1.2.3"}},
        {"input": "hello", "content_state": "captured"},
        {"status": "ok", "input_tokens": 5, "duration_s": 0.000095864},
        (1795226455290997508, 1795226455291093372), "", "sess:sess-1",
    ),
}  # fmt: skip

# How many calls of a model are in each message, besides tools, requests over HTTP, and FastAPI's own spans.
COUNTS = {
    GENAI: 10, NO_CONTENT: 10, OPENAI_V2: 8, OPENINFERENCE: 10, LITELLM: 3, LANGFUSE_3: 3, LANGFUSE_5: 3,
}  # fmt: skip


def decoded(name: str) -> list[Any]:
    return list(traces(recorded(name), [], INGEST_NS))


@pytest.mark.parametrize(("name", "what"), CALLS, ids=lambda each: Path(each).name)
def test_a_recorded_call_becomes_its_request_and_its_response(name: str, what: str) -> None:
    expected = CALLS[name, what]
    got = [event for event in decoded(name) if event.inference_id == expected[0]["inference_id"]]
    assert [type(event) for event in got] == [InferenceRequest, InferenceResponse]
    assert [event.model_dump(exclude_defaults=True) for event in got] == list(expected)


@pytest.mark.parametrize("name", COUNTS)
def test_calls_of_a_model_are_inferences_and_nothing_else_is(name: str) -> None:
    kinds = Counter(type(event) for event in decoded(name))
    assert kinds == {InferenceRequest: COUNTS[name], InferenceResponse: COUNTS[name]}


def test_a_span_of_fastapi_is_no_inference_though_litellm_writes_the_model_on_it() -> None:
    assert "4297950fdf0c63b1" not in {event.span_id for event in decoded(LITELLM)}  # gen_ai.request.model my-fail


def test_several_calls_may_share_a_trace() -> None:
    assert len({event.inference_id for event in decoded(LITELLM)}) == 3
    assert len({event.trace_id for event in decoded(LITELLM)}) == 1


PARTITIONED = sorted((FIXTURES / "otel/derived_partition_traces_by_id").glob("*.bin"))


def test_messages_of_a_trace_each_say_the_same_as_the_message_of_them_all() -> None:
    assert len(PARTITIONED) == 11
    apart = [event for path in PARTITIONED for event in traces(path.read_bytes(), [], INGEST_NS)]
    assert sorted(map(repr, apart)) == sorted(map(repr, decoded(GENAI)))


@pytest.mark.parametrize("name", COUNTS)
def test_twice_is_the_same(name: str) -> None:
    assert decoded(name) == decoded(name)
    assert not [event for event in decoded(name) if isinstance(event, InvalidEvent)]
