"""Bodies of OpenAI's HTTP API (chat completions, completions, embeddings) become fields of events by attribute name.

Source: OpenAI's API reference, and what vLLM, which KServe serves with, adds to it.
"""

from collections.abc import Mapping
from typing import Any

from streams.events import Message
from streams.gateways import messages, openai_responses
from streams.gateways.values import count, fields, flag, number, word

MOST_REASONS = 64  # as the contract has it
MOST_CHOICES = 128  # OpenAI's own limit of `n`; what has more, of answers or prompts, stays as it came

_OUTPUT_TYPES = {"json_object": "json", "json_schema": "json", "json": "json", "text": "text"}

Fields = dict[str, Any]


def asks(body: Mapping[str, Any]) -> bool:
    """Tell whether this is a request of OpenAI's API, by its keys."""
    return "messages" in body or "prompt" in body or "input" in body


def answers(body: Mapping[str, Any]) -> bool:
    """Tell whether this is an answer of OpenAI's API, by its keys."""
    return "choices" in body or "data" in body or openai_responses.answers(body)


def request(body: Mapping[str, Any]) -> Fields:
    """Read the body of a request."""
    end_user = word(body.get("safety_identifier")) or word(body.get("user"))
    tools = body.get("tools") or body.get("functions")  # functions: before tools, until 2023
    return {
        "request_model": word(body.get("model")),
        "stream": flag(body.get("stream")),
        "temperature": number(body.get("temperature")),
        "top_p": number(body.get("top_p")),
        "max_tokens": _first(body, "max_completion_tokens", "max_tokens", "max_output_tokens"),
        "seed": _seed(body.get("seed")),
        "choice_count": count(body.get("n")),
        "tool_definitions": tools if isinstance(tools, list) else None,
        "user_id": end_user,
        "output_type": output_type(body.get("response_format") or fields(body.get("text")).get("format")),
        "content_state": "captured",
        **_asked(body),
    }


def response(body: Mapping[str, Any]) -> Fields:
    """Read the body of an answer; an error that came with status 200 is an error all the same."""
    response_id = word(body.get("id"))
    return {
        "response_id": response_id,
        "response_model": word(body.get("model")),
        "aliases": [f"resp:{response_id}"] if response_id else [],
        "status": "ok",
        **usage(fields(body.get("usage"))),
        **_said(body),
        **error(body),
    }


def output_type(said: object) -> str | None:
    """Read what form of answer was asked for, `json` or `text`: an object with a type, or the type alone; also out of
    a string."""
    loaded = messages.loaded(said)
    named = loaded.get("type") if isinstance(loaded, dict) else loaded
    return _OUTPUT_TYPES.get(named) if isinstance(named, str) else None


def usage(said: Mapping[str, Any]) -> Fields:
    """Read counts of tokens: of completions, of the Responses API, and as Kong wrote them up to 3.8."""
    read = fields(said.get("prompt_tokens_details") or said.get("input_tokens_details"))
    written = fields(said.get("completion_tokens_details") or said.get("output_tokens_details"))
    return {
        "input_tokens": _first(said, "prompt_tokens", "input_tokens", "prompt_token"),
        "output_tokens": _first(said, "completion_tokens", "output_tokens", "completion_token"),
        "cached_input_tokens": count(read.get("cached_tokens")),
        "reasoning_tokens": count(written.get("reasoning_tokens")),
    }


def error(body: Mapping[str, Any]) -> Fields:
    """Read an error: OpenAI's object, KServe's string, or vLLM's former flat form; nothing where there is none."""
    said = body if body.get("object") == "error" else body.get("error")
    if isinstance(said, dict):
        message = said.get("message")
        kind = word(said.get("type")) or word(said.get("code"))
        return {
            "status": "error",
            "error_type": kind or "error",
            "error_message": message if isinstance(message, str) else None,
        }
    if isinstance(said, str):
        return {"status": "error", "error_type": "error", "error_message": said}
    return {}


def _asked(body: Mapping[str, Any]) -> Fields:
    """Read what was asked: a dialogue, a prompt, or texts to embed. What is in no known form stays as it came."""
    if "messages" in body:
        dialogue = messages.messages(body["messages"])
        return {"operation": "chat", "input_messages": dialogue, "input": None if dialogue else body["messages"]}
    if "prompt" in body:
        prompts = _prompts(body["prompt"])
        return {"operation": "text_completion", "input_messages": prompts, "input": None if prompts else body["prompt"]}
    if openai_responses.asks(body):
        return {"operation": "chat", **openai_responses.request(body)}
    return {"operation": "embeddings", "input": body.get("input")}


def _said(body: Mapping[str, Any]) -> Fields:
    """Read what was answered, and with it which operation it was."""
    if "choices" in body:
        choices = body["choices"]
        few = isinstance(choices, list) and len(choices) <= MOST_CHOICES
        answered = messages.choices(choices) if few else None
        return {
            "operation": _operation(body),
            "output_messages": answered,
            "output": None if answered else choices or None,
            "finish_reasons": messages.finish_reasons(answered)[:MOST_REASONS],
        }
    if openai_responses.answers(body):
        return {"operation": "chat", **openai_responses.response(body)}
    if "data" in body:
        return {"operation": "embeddings", "output": body["data"]}
    return {}


def _operation(body: Mapping[str, Any]) -> str:
    choices = body["choices"]
    first = fields(choices[0]) if isinstance(choices, list) and choices else {}
    return "text_completion" if body.get("object") == "text_completion" or "text" in first else "chat"


def _prompts(prompt: object) -> list[Message] | None:
    """Make prompts the words of a user; prompts that came as token ids are no text."""
    if isinstance(prompt, str):
        return [messages.spoken("user", prompt)]
    if isinstance(prompt, list) and 0 < len(prompt) <= MOST_CHOICES and all(isinstance(each, str) for each in prompt):
        return [messages.spoken("user", each) for each in prompt]
    return None


def _first(said: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        if (read := count(said.get(name))) is not None:
            return read
    return None


def _seed(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**63) <= value < 2**63 else None
