"""One observation of Langfuse's, its parts merged, becomes the fields of a request and of a response.

Source: Langfuse's API reference, ingestion, and its documentation on usage and cost.
"""

from collections.abc import Mapping
from typing import Any

from streams.events import Message
from streams.gateways import messages, openai_api, times
from streams.gateways.values import count, fields, number

Observation = Mapping[str, Any]

_ENDS = ("endTime", "output", "usage", "usageDetails")
_OPENAI = ("prompt_tokens", "promptTokens", "completion_tokens", "completionTokens")


def ended(said: Observation) -> bool:
    """Tell whether there is an answer, or that there is none; a create may already say so."""
    return any(said.get(name) is not None for name in _ENDS) or said.get("level") == "ERROR"


def asked(said: Observation, operation: str) -> dict[str, Any]:
    """Read what a request alone says."""
    given, parameters = said.get("input"), fields(said.get("modelParameters"))
    read: dict[str, Any] = {"input": given}
    if operation == "chat":
        read = openai_api.request({**parameters, **_dialogue(given)})
    captured = read["input"] or read.get("input_messages")
    return read | {"content_state": "captured" if captured else "not_captured"}


def answered(said: Observation, operation: str) -> dict[str, Any]:
    """Read what a response alone says; an answer that broke off with an error is partial."""
    output, message = said.get("output"), said.get("statusMessage")
    dialogue = _answers(output) if operation == "chat" else None
    failed = said.get("level") == "ERROR"
    start_ns = times.of_iso(said.get("startTime"))
    return {
        "status": ("partial" if output else "error") if failed else "ok",
        "error_message": message if failed and isinstance(message, str) else None,
        "output_messages": dialogue,
        "output": None if dialogue else output,
        "finish_reasons": messages.finish_reasons(dialogue)[: openai_api.MOST_REASONS],
        "duration_s": times.between(start_ns, times.of_iso(said.get("endTime"))),
        "time_to_first_chunk_s": times.between(start_ns, times.of_iso(said.get("completionStartTime"))),
        "cost_usd": _cost(said),
        **_usage(said),
    }


def _dialogue(given: object) -> dict[str, Any]:
    """Make an input, which is a prompt, a dialogue or the body of a call, the body of a call."""
    if isinstance(given, str):
        return {"messages": [{"role": "user", "content": given}]}
    return given if isinstance(given, dict) and "messages" in given else {"messages": given}


def _answers(output: object) -> list[Message] | None:
    if isinstance(output, str) and output:
        return [messages.spoken("assistant", output)]
    if isinstance(output, dict):
        return messages.choices(output.get("choices")) or messages.messages([output])
    return messages.messages(output)


def _usage(said: Observation) -> dict[str, Any]:
    """Read counts of tokens. Kinds of tokens, cached ones among them, are counted apart and add up."""
    usage = fields(said.get("usageDetails")) or fields(said.get("usage"))
    if usage.get("unit") not in (None, "TOKENS"):
        return {}
    if any(name in usage for name in _OPENAI):
        return {
            **openai_api.usage(usage),
            "input_tokens": count(usage.get("prompt_tokens", usage.get("promptTokens"))),
            "output_tokens": count(usage.get("completion_tokens", usage.get("completionTokens"))),
        }
    kinds = {name.lower(): read for name, value in usage.items() if (read := count(value)) is not None}
    return {
        "input_tokens": _sum(kinds, "input", without=("cost",)),
        "output_tokens": _sum(kinds, "output", without=("cost",)),
        "cached_input_tokens": _sum(kinds, "cache", without=("creation", "write", "output")),
        "reasoning_tokens": _sum(kinds, "reasoning"),
    }


def _sum(kinds: Mapping[str, int], name: str, without: tuple[str, ...] = ()) -> int | None:
    those = [read for kind, read in kinds.items() if name in kind and not any(other in kind for other in without)]
    return count(sum(those)) if those else None


def _cost(said: Observation) -> float | None:
    details, usage = fields(said.get("costDetails")), fields(said.get("usage"))
    total = number(details.get("total", usage.get("totalCost")))
    if total is None:
        kinds = [cost for value in details.values() if (cost := number(value)) is not None]
        total = number(sum(kinds)) if kinds else None
    return total if total is not None and total >= 0 else None
