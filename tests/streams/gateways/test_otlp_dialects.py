"""Spans made to what the sources of senders say that could not be recorded, and to what sloppy senders do."""

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.otlp_traces import traces
from tests.streams.gateways import otlp_messages as otlp
from tests.streams.gateways.otlp_messages import END, INGEST_NS, SPAN, START, TRACE, failed
from tests.streams.gateways.test_otlp_traces import WEATHER_CALL, text

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"}


def read(said: dict[str, Any], resource: dict[str, Any] | None = None, **fields: Any) -> tuple[Any, Any]:
    """Decode one span with these attributes into its two events."""
    request, response = traces(otlp.traces(otlp.span(said, **fields), resource=resource), [], INGEST_NS)
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    return request, response


def silent(said: dict[str, Any], **fields: Any) -> bool:
    return not list(traces(otlp.traces(otlp.span(said, **fields)), [], INGEST_NS))


def chunks(name: str, *after_ms: int) -> list[Span.Event]:
    return [Span.Event(name=name, time_unix_nano=START + ms * 1_000_000) for ms in after_ms]


# Which spans are inferences


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"gen_ai.request.model": "m-1", "gen_ai.system": "openai", "gen_ai.usage.input_tokens": 3},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather"},
        {"gen_ai.operation.name": "invoke_agent"},
        {"gen_ai.operation.name": ["chat"]},
        {"litellm.call_id": "c-1", "gen_ai.operation.name": "execute_tool"},
        {"litellm.call_id": "c-1"},
        {"langfuse.observation.type": "agent", "gen_ai.operation.name": "chat"},
        {"openinference.span.kind": "CHAIN", "gen_ai.operation.name": "chat"},
        {"openinference.span.kind": ["LLM"]},
        {"llm.request.type": "rerank"},
        {"gen_ai.request.id": "r-1"},
    ],
)
def test_only_an_operation_of_a_model_makes_an_inference(said: dict[str, Any]) -> None:
    assert silent(said)


@pytest.mark.parametrize("operation", ["chat", "text_completion", "generate_content", "embeddings", "predict"])
def test_operations_of_a_model_are_inferences(operation: str) -> None:
    assert read({"gen_ai.operation.name": operation})[0].operation == operation


def test_the_gateways_own_word_comes_first() -> None:
    dialects = {"langfuse.observation.type": "generation", "openinference.span.kind": "LLM", **CHAT}
    assert read({"litellm.call_id": "c-1", **dialects})[0].source_format == "litellm_otel"
    assert read(dialects)[0].source_format == "langfuse_otel"
    assert read({"openinference.span.kind": "LLM", **CHAT})[0].source_format == "openinference"
    assert read(CHAT)[0].source_format == "otlp_genai"


# OpenLLMetry (0.62.4 and, spelled out, before 0.53)


def test_openllmetry_streams() -> None:
    said = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.is_streaming": True, "gen_ai.usage.input_tokens": 21, "gen_ai.usage.output_tokens": 6,
        "gen_ai.usage.total_tokens": 27, "gen_ai.usage.reasoning_tokens": 2, "gen_ai.user": "user-42",
        "gen_ai.input.messages": '[{"role": "user", "parts": [{"content": "hi", "type": "text"}]}]',
        "gen_ai.output.messages": (
            '[{"role": "assistant", "parts": [{"content": "Hello.", "type": "text"}], "finish_reason": "stop"}]'
        ),
    }  # fmt: skip
    chunk = "gen_ai.content.completion.chunk"
    request, response = read(said, events=chunks(chunk, 250, *range(251, 600)), name="openai.chat")
    assert request.source_format == "openllmetry"
    assert (request.stream, request.user_id) == (True, "user-42")
    assert request.input_messages == [text("user", "hi")]
    assert response.output_messages == [text("assistant", "Hello.", finish_reason="stop")]
    assert response.finish_reasons == ["stop"]
    assert (response.time_to_first_chunk_s, response.duration_s, response.reasoning_tokens) == (0.25, 1.5, 2)


def test_openllmetry_as_it_was() -> None:
    said = {
        "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o-mini",
        "llm.is_streaming": False, "gen_ai.usage.prompt_tokens": 9, "gen_ai.usage.completion_tokens": 4,
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Weather in Paris?",
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "call_abc123",
        "gen_ai.completion.0.tool_calls.0.name": "get_weather",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"city": "Paris"}',
    }  # fmt: skip
    request, response = read(said)
    assert (request.source_format, request.operation, request.provider) == ("openllmetry", "chat", "OpenAI")
    assert request.stream is False
    assert request.input_messages == [text("user", "Weather in Paris?")]
    assert response.output_messages == [{"role": "assistant", "parts": [WEATHER_CALL], "finish_reason": "tool_calls"}]
    assert (response.input_tokens, response.output_tokens, response.finish_reasons) == (9, 4, ["tool_calls"])


def test_names_of_older_conventions_give_way() -> None:
    said = {"gen_ai.system": "az.ai.openai", "gen_ai.provider.name": "azure.ai.openai"}
    assert read(CHAT | said)[0].provider == "azure.ai.openai"
    assert read(CHAT | dict(reversed(said.items())))[0].provider == "azure.ai.openai"


# vLLM


def test_vllm_says_lengths_and_counts_without_content() -> None:
    said = {
        "gen_ai.response.model": "facebook/opt-125m", "gen_ai.request.id": "chatcmpl-9", "gen_ai.request.n": 2,
        "gen_ai.request.temperature": 0.0, "gen_ai.request.top_p": 1.0, "gen_ai.request.max_tokens": 16,
        "gen_ai.usage.prompt_tokens": 5, "gen_ai.usage.completion_tokens": 16,
        "gen_ai.latency.time_to_first_token": 0.03, "gen_ai.latency.e2e": 1.5, "gen_ai.latency.time_in_queue": 0.01,
    }  # fmt: skip
    request, response = read(said, {"service.name": "vllm-server"}, name="llm_request")
    assert (request.source_format, request.service, request.operation) == ("vllm", "vllm-server", "text_completion")
    assert (request.temperature, request.max_tokens, request.choice_count) == (0.0, 16, 2)
    assert request.content_state == "not_captured"
    assert (response.response_model, response.input_tokens, response.output_tokens) == ("facebook/opt-125m", 5, 16)
    assert (response.time_to_first_chunk_s, response.duration_s) == (0.03, 1.5)
    # vLLM's own id of a chat is the id of the answer, by which the gateway's record of the call is found.
    assert response.aliases == [f"trace:{TRACE}", f"span:{TRACE}:{SPAN}", "resp:chatcmpl-9", "req:chatcmpl-9"]


# OpenInference without the bodies


def test_flattened_messages_stand_in_for_the_bodies() -> None:
    said = {
        "openinference.span.kind": "LLM", "llm.system": "anthropic", "llm.model_name": "claude",
        "llm.invocation_parameters": '{"model": "claude-latest", "max_tokens": 64, "temperature": 0.5}',
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.type": "text",
        "llm.input_messages.1.message.contents.0.message_content.text": "Weather in Paris?",
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "You are terse.",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_abc123",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "get_weather",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
        "input.value": "__REDACTED__", "output.value": "__REDACTED__",
        "llm.token_count.prompt": 21, "llm.token_count.completion": 7, "llm.cost.total": 0.002,
        "session.id": "s-1", "user.id": "u-1",
    }  # fmt: skip
    request, response = read(said)
    assert (request.request_model, response.response_model) == ("claude-latest", "claude")
    assert (request.max_tokens, request.temperature) == (64, 0.5)
    assert request.input_messages == [text("system", "You are terse."), text("user", "Weather in Paris?")]
    assert response.output_messages == [{"role": "assistant", "parts": [WEATHER_CALL]}]
    assert (response.input_tokens, response.output_tokens, response.cost_usd) == (21, 7, 0.002)
    assert (response.conversation_id, response.user_id) == ("s-1", "u-1")
    assert f"sess:{response.conversation_id}" in response.aliases


def test_withheld_content_is_not_captured() -> None:
    withheld = {"input.value": "__REDACTED__", "output.value": "__REDACTED__"}
    request, response = read({"openinference.span.kind": "LLM", "llm.model_name": "m-1", **withheld})
    assert request.content_state == "not_captured"
    assert (request.input, response.output) == (None, None)


def test_the_only_model_of_a_call_without_an_answer_is_the_one_asked_for() -> None:
    request, response = read({"openinference.span.kind": "LLM", "llm.model_name": "m-1"}, status=failed("no"))
    assert (request.request_model, response.request_model, response.response_model) == ("m-1", "m-1", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llm.input_messages.0", "a leaf where a message belongs"),
        ("llm.input_messages.x.message.role", "user"),
        ("llm.input_messages." + "a." * 10_000, "deep"),
        ("llm.input_messages.99999999999999999999.message.role", "user"),
        ("llm.input_messages.0.message.tool_calls", "no list"),
        ("llm.input_messages.0.message.contents.0", 7),
    ],
)
def test_flattened_messages_that_contradict_themselves_do_not_cost_the_call(name: str, value: Any) -> None:
    said = {"openinference.span.kind": "LLM", name: value, "llm.input_messages.0.message.role": "user"}
    assert read(said)[0].operation == "chat"


# Langfuse


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ('{"input": 21, "output": 7, "input_cached_tokens": 4, "output_reasoning_tokens": 2}', (25, 9, 4, 2)),
        (
            '{"prompt_tokens": 21, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}',
            (21, 7, 4, None),
        ),
        ('{"input_tokens": 21, "output_tokens": 7, "cache_read_input_tokens": 4}', (25, 7, 4, None)),
        ("[1]", (None, None, None, None)),
        ("nonsense", (None, None, None, None)),
    ],
)
def test_langfuse_usage_in_the_words_of_whoever_counted(details: str, tokens: tuple[int | None, ...]) -> None:
    said = {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": details}
    response = read(said)[1]
    assert tokens == (
        response.input_tokens, response.output_tokens, response.cached_input_tokens, response.reasoning_tokens,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("started", "seconds"),
    [
        ('"2026-11-21T01:58:44.250000Z"', 0.25),
        ('"2026-11-21T02:58:44.250000+01:00"', 0.25),
        ('"2026-11-21T01:58:44.250000"', 0.25),
        ('"2026-11-21T01:58:43.000000Z"', None),
        ('"soon"', None),
        ("17", None),
    ],
)
def test_langfuse_first_token(started: str, seconds: float | None) -> None:
    said = {"langfuse.observation.type": "generation", "langfuse.observation.completion_start_time": started}
    assert read(said)[1].time_to_first_chunk_s == seconds


def test_langfuse_content_in_whatever_form_the_application_gave_it() -> None:
    def content(asked: str, answered: str) -> tuple[Any, Any]:
        return read({
            "langfuse.observation.type": "generation", "langfuse.observation.input": asked,
            "langfuse.observation.output": answered,
        })  # fmt: skip

    request, response = content(
        '{"messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "function"}]}',
        '{"choices": [{"index": 0, "message": {"content": "Hello."}, "finish_reason": "stop"}]}',
    )
    assert request.input_messages == [text("user", "hi")]
    assert request.tool_definitions == [{"type": "function"}]
    assert response.output_messages == [text("assistant", "Hello.", finish_reason="stop")]
    request, response = content("42", '{"score": 1}')
    assert (request.input_messages, response.output) == ([text("user", "42")], {"score": 1})


def test_langfuse_cost_is_the_total_else_the_sum() -> None:
    said = {"langfuse.observation.type": "generation"}
    costs = {**said, "langfuse.observation.cost_details": '{"total": 0.5, "input": 0.1}'}
    assert read(costs)[1].cost_usd == 0.5
    assert read({**said, "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}'})[1].cost_usd == 0.75
    assert read({**said, "langfuse.observation.cost_details": '{"total": -1}'})[1].cost_usd is None


def test_the_level_of_an_observation_is_its_status() -> None:
    said = {"langfuse.observation.type": "generation", "langfuse.observation.status_message": "no quota"}
    error = read({**said, "langfuse.observation.level": "ERROR"})[1]
    assert (error.status, error.error_message) == ("error", "no quota")
    warned = read({**said, "langfuse.observation.level": "WARNING"})[1]
    assert (warned.status, warned.error_message) == ("ok", None)


# LiteLLM


@pytest.mark.parametrize(
    ("tokens", "known"),
    [((0, 0, 0.0), (None, None, None)), ((21, 0, 0.0), (21, 0, 0.0)), ((21, 7, 0.1), (21, 7, 0.1))],
)
def test_litellms_zeros_are_not_known_where_nothing_was_counted(
    tokens: tuple[int, int, float], known: tuple[int | None, ...]
) -> None:
    names = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "litellm.cost.total")
    response = read({"litellm.call_id": "c-1", **CHAT, **dict(zip(names, tokens, strict=True))})[1]
    assert known == (response.input_tokens, response.output_tokens, response.cost_usd)


# Times, status, origin


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (START, END, (START, END, 1.5)),
        (START, START, (START, START, 0.0)),
        (END, START, (END, START, None)),
        (START, 0, (START, START, None)),
        (0, END, (END, END, None)),
        (START // 10**6, END, (END, END, None)),
    ],
)
def test_one_time_stands_for_both_and_time_does_not_run_backwards(
    start: int, end: int, expected: tuple[int, int, float | None]
) -> None:
    span = otlp.span(CHAT)
    span.start_time_unix_nano, span.end_time_unix_nano = start, end
    request, response = traces(otlp.traces(span), [], INGEST_NS)
    assert isinstance(response, InferenceResponse)
    assert expected == (request.time_unix_nano, response.time_unix_nano, response.duration_s)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("said", "fields", "status"),
    [
        ({}, {}, "ok"),
        ({"error.type": "timeout"}, {}, "error"),
        ({}, {"status": failed("no")}, "error"),
        ({"gen_ai.response.finish_reasons": ["stop"]}, {"status": failed()}, "partial"),
        ({"gen_ai.output.messages": '[{"role": "assistant", "content": "Par"}]'}, {"status": failed()}, "partial"),
        ({"gen_ai.usage.output_tokens": 0}, {"status": failed()}, "error"),
        ({}, {"status": failed(), "events": chunks("First Token Stream Event", 5)}, "partial"),
    ],
)
def test_a_failure_after_output_began_is_a_partial_answer(
    said: dict[str, Any], fields: dict[str, Any], status: str
) -> None:
    assert read(CHAT | said, **fields)[1].status == status


def test_what_failed_is_told_by_attribute_else_by_the_exception() -> None:
    exception = Span.Event(name="exception", attributes=otlp.attributes({"exception.type": "httpx.ReadTimeout"}))
    assert read(CHAT, status=failed("slow"), events=[exception])[1].error_type == "httpx.ReadTimeout"
    assert read(CHAT | {"error.type": "timeout"}, status=failed(), events=[exception])[1].error_type == "timeout"
    assert read(CHAT, events=[exception])[1].error_type is None  # handled by the application
    assert read(CHAT, status=failed("slow"))[1].error_message == "slow"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"service.name": "a", "deployment.environment.name": "b"}, ("a", "b")),
        ({"service.name": "unknown_service:python", "deployment.environment": "old"}, (None, "old")),
        ({"langfuse.environment": "l"}, (None, "l")),
        ({"service.name": 7, "deployment.environment.name": ""}, (None, None)),
    ],
)
def test_where_a_call_comes_from(resource: dict[str, Any], expected: tuple[str | None, str | None]) -> None:
    request, response = read(CHAT, resource)
    assert (request.service, request.environment) == expected
    assert (response.service, response.environment) == expected


@pytest.mark.parametrize(
    ("marks", "synthetic"),
    [
        ({}, False),
        ({"user_agent.synthetic.type": "bot"}, True),
        ({"user_agent.synthetic.type": "test"}, True),
        ({"sluice.synthetic": True}, True),
        ({"sluice.synthetic": False}, False),
        ({"langfuse.trace.tags": ["prod", "canary"]}, True),
        ({"langfuse.trace.tags": ["prod"]}, False),
        ({"tag.tags": ["synthetic"]}, True),
        ({"metadata": '{"synthetic": true}'}, True),
        ({"metadata": '{"synthetic": false}'}, False),
        ({"metadata": "nonsense"}, False),
        ({"langfuse.trace.metadata.synthetic": '"true"'}, True),
        ({"langfuse.trace.metadata.synthetic": '"false"'}, False),
        ({"litellm.metadata.canary": "yes"}, True),
        ({"traceloop.association.properties.canary": True}, True),
    ],
)
def test_probes_are_told_apart(marks: dict[str, Any], synthetic: bool) -> None:
    request, response = read(CHAT | marks)
    assert (request.synthetic, response.synthetic) == (synthetic, synthetic)


def test_a_process_of_probes_marks_them_all() -> None:
    assert read(CHAT, {"user_agent.synthetic.type": "test"})[1].synthetic


# Sloppy senders


def test_a_value_of_a_wrong_type_does_not_cost_the_call() -> None:
    wrong: list[Any] = [None, True, -1, 2**62, 1.5, float("nan"), "", "x" * 300, [], [None], {"a": None}, b"\xff"]
    names = [
        "gen_ai.request.model", "gen_ai.provider.name", "gen_ai.conversation.id", "user.id", "gen_ai.request.stream",
        "gen_ai.request.temperature", "gen_ai.request.max_tokens", "gen_ai.request.seed", "gen_ai.request.choice.count",
        "gen_ai.response.id", "gen_ai.response.model", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens",
        "gen_ai.response.time_to_first_chunk", "error.type", "http.response.status_code", "gen_ai.input.messages",
        "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions", "http.route",
    ]  # fmt: skip
    for name in names:
        for value in wrong:
            request, response = read({"gen_ai.operation.name": "chat", name: value})
            assert (request.kind, response.kind) == ("request", "response")


def test_tokens_in_a_string_are_tokens() -> None:
    response = read(CHAT | {"gen_ai.usage.input_tokens": "21", "gen_ai.usage.output_tokens": 7.0})[1]
    assert (response.input_tokens, response.output_tokens) == (21, 7)


def test_content_in_no_known_form_stays_as_it_came() -> None:
    request, response = read(CHAT | {"gen_ai.input.messages": "hi", "gen_ai.output.messages": '[{"said": 1}]'})
    assert (request.input, request.input_messages, request.content_state) == ("hi", None, "captured")
    assert (response.output, response.output_messages) == ([{"said": 1}], None)
