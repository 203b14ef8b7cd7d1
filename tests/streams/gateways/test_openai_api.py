"""Bodies of OpenAI's API: what is streamed reads as what is not, and a field of a wrong type costs that field alone."""

import json
from typing import Any

import pytest

from streams.gateways import openai_api, payloads


def _stream(*chunks: object, done: bool = True) -> bytes:
    said = [json.dumps(chunk) for chunk in chunks] + (["[DONE]"] if done else [])
    return "".join(f"data: {each}\n\n" for each in said).encode()


def _delta(index: int = 0, finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c-1", "model": "m", "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}]}


def _text(content: str) -> list[dict[str, str]]:
    return [{"type": "text", "content": content}]


def test_a_request_says_how_it_wants_to_be_answered() -> None:
    tool = {"type": "function", "function": {"name": "weather"}}
    read = openai_api.request({
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "stream": True,
        "temperature": 0,
        "top_p": 0.9,
        "max_tokens": 10,
        "max_completion_tokens": 20,
        "seed": -7,
        "n": 2,
        "tools": [tool],
        "response_format": {"type": "json_schema", "json_schema": {"name": "weather", "schema": {}}},
        "user": "u-1",
    })  # fmt: skip
    assert read == {
        "operation": "chat",
        "request_model": "gpt-4o",
        "input_messages": [{"role": "user", "parts": _text("Hi")}],
        "input": None,
        "stream": True,
        "temperature": 0.0,
        "top_p": 0.9,
        "max_tokens": 20,
        "seed": -7,
        "choice_count": 2,
        "tool_definitions": [tool],
        "user_id": "u-1",
        "output_type": "json",
        "content_state": "captured",
    }


def test_a_field_of_a_wrong_type_costs_that_field_alone() -> None:
    read = openai_api.request({
        "messages": "hello", "model": 7, "temperature": "warm", "top_p": float("nan"), "max_tokens": -1, "seed": 2**70,
        "n": True, "tools": {}, "stream": "perhaps", "user": [],
    })  # fmt: skip
    kept = {name: said for name, said in read.items() if said is not None}
    assert kept == {"operation": "chat", "input": "hello", "content_state": "captured"}


@pytest.mark.parametrize(
    ("body", "operation", "messages", "kept"),
    [
        ({"prompt": ["a", "b"]}, "text_completion", [("user", "a"), ("user", "b")], None),
        ({"prompt": [1, 2, 3]}, "text_completion", None, [1, 2, 3]),
        ({"input": ["a"]}, "embeddings", None, ["a"]),
        ({"input": [[1, 2]]}, "embeddings", None, [[1, 2]]),
        ({"input": "a", "stream": False}, "chat", [("user", "a")], None),
        ({"input": [{"role": "user", "content": "a"}]}, "chat", [("user", "a")], None),
        ({"input": [{"role": "user", "content": "a"}, 7]}, "chat", None, [{"role": "user", "content": "a"}, 7]),
    ],
)
def test_the_keys_of_a_body_tell_what_is_asked(
    body: dict[str, Any], operation: str, messages: list[tuple[str, str]] | None, kept: object
) -> None:
    read = openai_api.request(body)
    said = None if messages is None else [{"role": role, "parts": _text(content)} for role, content in messages]
    assert (read["operation"], read.get("input_messages"), read["input"]) == (operation, said, kept)


def test_an_answer_counts_its_tokens_by_kind() -> None:
    read = openai_api.response({
        "id": "c-1",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    })  # fmt: skip
    assert read["input_tokens"] == 9
    assert read["output_tokens"] == 0, "0 that was said is 0"
    assert (read["cached_input_tokens"], read["reasoning_tokens"]) == (4, 0)
    unsaid = openai_api.response({"choices": [], "usage": None})
    assert (unsaid["input_tokens"], unsaid["output_tokens"], unsaid["cached_input_tokens"]) == (None, None, None)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"error": {"type": "overloaded", "message": "Later."}}, "overloaded", "Later."),
        ({"error": {"code": "rate_limit", "message": "Later."}}, "rate_limit", "Later."),
        ({"error": "no such model"}, "error", "no such model"),
        ({"error": {}}, "error", None),
        ({"object": "error", "type": "BadRequestError", "message": "No."}, "BadRequestError", "No."),
    ],
)
def test_errors_in_each_of_their_forms(body: dict[str, Any], kind: str, message: str | None) -> None:
    read = payloads.response(json.dumps(body))
    assert (read["status"], read["error_type"], read["error_message"]) == ("error", kind, message)
    assert payloads.response({**body, "choices": []})["status"] == "error"
    assert payloads.response({"choices": [], "error": None})["status"] == "ok"


def test_a_stream_reads_as_the_same_answer_without_streaming() -> None:
    streamed = payloads.response(
        _stream(
            {"id": "", "model": "", "choices": [], "prompt_filter_results": []},  # Azure begins so
            _delta(role="assistant", content=""),
            _delta(1, role="assistant", content="B"),
            _delta(content="Let me ") | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}},  # vLLM counts on
            _delta(content="look."),
            _delta(tool_calls=[{"index": 1, "id": "t-1", "function": {"name": "time", "arguments": "{}"}}]),
            _delta(tool_calls=[{"index": 0, "id": "t-0", "function": {"name": "weather", "arguments": ""}}]),
            _delta(tool_calls=[{"index": 0, "function": {"arguments": '{"city": '}}]),
            _delta(tool_calls=[{"index": 0, "function": {"arguments": '"Paris"}'}}]),
            _delta(0, "tool_calls"),
            _delta(1, "length"),
            {"id": "c-1", "model": "m", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}},
        )
    )
    whole = payloads.response({
        "id": "c-1",
        "model": "m",
        "choices": [
            {"index": 1, "message": {"role": "assistant", "content": "B"}, "finish_reason": "length"},
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Let me look.",
                    "tool_calls": [
                        {"id": "t-0", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
                        {"id": "t-1", "function": {"name": "time", "arguments": "{}"}},
                    ],
                },
                "finish_reason": "tool_calls",
            },
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 6},
    })  # fmt: skip
    assert streamed == whole
    assert streamed["finish_reasons"] == ["tool_calls", "length"]
    assert streamed["output_messages"][0]["parts"] == [
        *_text("Let me look."),
        {"type": "tool_call", "id": "t-0", "name": "weather", "arguments": {"city": "Paris"}},
        {"type": "tool_call", "id": "t-1", "name": "time", "arguments": {}},
    ]


def test_a_streamed_completion_and_its_reasoning() -> None:
    read = payloads.response(
        b": keep-alive\r\n\r\n"
        b'data: {"object": "text_completion", "choices": [{"index": 0, "text": " Par"}]}\r\n\r\n'
        b'data: {"object": "text_completion", "choices": [{"index": 0, "text": "is", "finish_reason": "stop"}]}\r\n\r\n'
    )
    assert (read["operation"], read["status"]) == ("text_completion", "ok")
    assert read["output_messages"] == [{"role": "assistant", "parts": _text(" Paris"), "finish_reason": "stop"}]
    thought = payloads.response(_stream(_delta(reasoning_content="Hm"), _delta(reasoning="m."), _delta(content="Yes.")))
    assert thought["output_messages"][0]["parts"] == [{"type": "reasoning", "content": "Hmm."}, *_text("Yes.")]


@pytest.mark.parametrize(
    ("stream", "status", "said"),
    [
        (_stream(_delta(content="Pa"), done=False), "partial", "Pa"),
        (_stream(_delta(content="Pa"), done=True), "ok", "Pa"),
        (_stream(_delta(0, "stop", content="Pa"), done=False), "ok", "Pa"),
        (_stream(_delta(0, "stop", content="Pa"), _delta(1, content="Lo"), done=False), "partial", "Pa"),
        (_stream(_delta(content="Pa"), {"error": {"type": "oom"}}), "partial", "Pa"),
        (_stream({"error": {"type": "oom"}}), "error", None),
        (b"data: {", "partial", None),
        (_stream(_delta(content="P")) + b"data: {\n" + _stream(_delta(content="a")), "ok", "Pa"),
    ],
)
def test_how_a_stream_ends_is_its_status(stream: bytes, status: str, said: str | None) -> None:
    read = payloads.response(stream)
    assert read["status"] == status
    messages = read.get("output_messages")
    assert (messages and messages[0]["parts"]) == (_text(said) if said else None)


def test_a_stream_of_another_api_is_kept_as_it_came() -> None:
    chunks = [{"type": "message_start"}, {"type": "message_stop"}]
    assert payloads.response(_stream(*chunks, done=False)) == {"status": "ok", "output": chunks}


RESPONSES_ANSWER = {
    "id": "resp-1",
    "object": "response",
    "model": "gpt-4o",
    "status": "completed",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Look it up."}]},
        {"type": "function_call", "call_id": "t-0", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Wait."}]},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 2}},
}


def test_the_responses_api() -> None:
    asked = openai_api.request({
        "instructions": "Be terse.",
        "input": [
            {"role": "user", "content": "Weather?"},
            {"type": "function_call_output", "call_id": "t-0", "output": "sunny"},
        ],
        "max_output_tokens": 9,
    })  # fmt: skip
    assert asked["system_instructions"] == _text("Be terse.")
    assert asked["input_messages"] == [
        {"role": "user", "parts": _text("Weather?")},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "t-0", "result": "sunny"}]},
    ]
    assert asked["max_tokens"] == 9
    answered = payloads.response(json.dumps(RESPONSES_ANSWER))
    assert (answered["operation"], answered["status"], answered["finish_reasons"]) == ("chat", "ok", ["stop"])
    assert answered["output_messages"][1:] == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "t-0", "name": "weather", "arguments": {"city": "Paris"}}],
        },
        {"role": "assistant", "parts": _text("Wait.")},
    ]
    assert (answered["input_tokens"], answered["output_tokens"], answered["reasoning_tokens"]) == (3, 4, 2)


def test_a_stream_of_the_responses_api() -> None:
    begun = {"type": "response.created", "response": {"id": "resp-1", "model": "gpt-4o", "output": []}}
    deltas = [{"type": "response.output_text.delta", "delta": said} for said in ("Wa", "it.")]
    ended = {"type": "response.completed", "response": RESPONSES_ANSWER}
    assert payloads.response(_stream(begun, *deltas, ended, done=False)) == payloads.response(RESPONSES_ANSWER)
    cut = payloads.response(_stream(begun, *deltas, done=False))
    assert (cut["status"], cut["response_id"]) == ("partial", "resp-1")
    assert cut["output_messages"] == [{"role": "assistant", "parts": _text("Wait.")}]
