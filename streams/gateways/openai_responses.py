"""Bodies of OpenAI's Responses API become dialogues: its items are messages, calls of tools and what tools returned.

Source: OpenAI's API reference, responses.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from streams.events import Message
from streams.gateways import messages

# What tells a request of this API from one for embeddings, which has an `input`, too.
_OWN_KEYS = frozenset({
    "instructions", "max_output_tokens", "previous_response_id", "conversation", "reasoning", "stream", "tools", "text",
})  # fmt: skip


def asks(body: Mapping[str, Any]) -> bool:
    """Tell whether this is a request of the Responses API."""
    asked = body.get("input")
    items = isinstance(asked, list) and bool(asked) and isinstance(asked[0], dict)
    return items or not _OWN_KEYS.isdisjoint(body)


def answers(body: Mapping[str, Any]) -> bool:
    """Tell whether this is an answer of the Responses API."""
    return body.get("object") == "response" and isinstance(body.get("output"), list)


def request(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read what was asked; what is in no known form stays as it came."""
    asked = body.get("input")
    dialogue = [messages.spoken("user", asked)] if isinstance(asked, str) else _dialogue(asked)
    told = body.get("instructions")
    return {
        "input_messages": dialogue,
        "input": None if dialogue else asked,
        "system_instructions": [messages.text(told)] if isinstance(told, str) else None,
    }


def response(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read what was answered: a status of `incomplete` names why the answer is cut short, as a finish reason does."""
    answered = _dialogue(body["output"])
    reason = _reason(body)
    return {
        "output_messages": answered,
        "output": None if answered else body["output"] or None,
        "finish_reasons": [reason] if reason else [],
    }


def streams(chunks: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether these are events of a streamed answer of the Responses API."""
    first = chunks[0].get("type") if chunks else None
    return isinstance(first, str) and first.startswith("response.")


def assembled(chunks: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Make the events of a stream one answer, as if it had not been streamed, and tell whether it came to its end."""
    for chunk in reversed(chunks):
        if chunk.get("type") in _LAST and isinstance(chunk.get("response"), dict):
            return chunk["response"], True
    begun: Mapping[str, Any] = next(
        (chunk["response"] for chunk in chunks if isinstance(chunk.get("response"), dict)), {}
    )
    deltas = (chunk.get("delta") for chunk in chunks if chunk.get("type") == "response.output_text.delta")
    said = "".join(delta for delta in deltas if isinstance(delta, str))
    output = [{"role": "assistant", "content": said}] if said else []
    return {**begun, "object": "response", "output": output}, False


_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})


def _reason(body: Mapping[str, Any]) -> str | None:
    cut = body.get("incomplete_details")
    if isinstance(cut, dict) and isinstance(cut.get("reason"), str):
        return cast(str, cut["reason"])
    return "stop" if body.get("status") == "completed" else None


def _dialogue(items: object) -> list[Message] | None:
    if not isinstance(items, list) or not items:
        return None
    read = [_message(each) for each in items]
    return cast("list[Message]", read) if all(each is not None for each in read) else None


def _message(item: object) -> Message | None:
    if not isinstance(item, dict):
        return None
    kind = item.get("type")
    if kind == "function_call":
        call = {"id": item.get("call_id"), "function": item}
        return messages.message({"role": "assistant", "tool_calls": [call]})
    if kind == "function_call_output":
        return messages.message({"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")})
    if kind == "reasoning":
        return messages.message({"role": "assistant", "content": item.get("summary")})
    return messages.message(item)
