"""A stream of OpenAI's server-sent events becomes the one body that the same call would have had without streaming."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from streams.gateways import openai_api, openai_responses
from streams.gateways.values import fields

_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
# OpenAI's servers, and those that copy them, write the data of an event in one line.
_DATA = re.compile(rb"^data:[ ]?([^\r\n]+)", re.MULTILINE)
_END = b"[DONE]"
MOST_BAD_CHUNKS = 16  # a stream with more is none
MOST_CALLS = 128  # OpenAI's own limit of tools in a call; more are left out


@dataclass(slots=True)
class _Choice:
    """One answer of a stream so far; strings are collected and joined at the end, or long streams cost their square."""

    role: str = "assistant"
    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    calls: dict[int, "_Call"] = field(default_factory=dict)
    finish_reason: str | None = None


@dataclass(slots=True)
class _Call:
    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)


def streams(body: bytes) -> bool:
    """Tell whether a body is a stream; its content type may say something else."""
    return body[:64].lstrip().startswith(_STARTS)


def response(body: bytes) -> dict[str, Any]:
    """Read a streamed answer. With neither [DONE] nor a finish reason for each answer it broke off: it is partial."""
    datas = _DATA.findall(body)
    ended = bool(datas) and datas[-1].strip() == _END
    chunks = _chunks(datas)
    if openai_responses.streams(chunks):
        whole, complete = openai_responses.assembled(chunks)
    elif not chunks or any("choices" in chunk or "error" in chunk for chunk in chunks):
        whole, complete = _assembled(chunks)
    else:  # of another API, whose end has another form
        return {"status": "ok", "output": chunks}
    read = openai_api.response(whole)
    if read["status"] == "error":
        # An error after the first words leaves what was said until then.
        return read | {"status": "partial"} if read.get("output_messages") else read
    return read if complete or ended else read | {"status": "partial"}


def _chunks(datas: Sequence[bytes]) -> list[Mapping[str, Any]]:
    """Read the chunks; one that is no JSON, as the last one of a cut stream, is left out."""
    read: list[Mapping[str, Any]] = []
    bad = 0
    for data in datas:
        try:
            chunk = from_json(data)
        except ValueError:
            bad += data.strip() != _END
            if bad > MOST_BAD_CHUNKS:
                break
        else:
            if isinstance(chunk, dict):
                read.append(chunk)
    return read


def _assembled(chunks: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Make chunks one body, and tell whether each of its answers has its end."""
    whole: dict[str, Any] = {}
    choices: dict[int, _Choice] = {}
    for chunk in chunks:
        for name in ("id", "object", "model", "usage", "error"):
            # Azure's first chunk has empty ones; the last count of tokens is the whole one.
            if (said := chunk.get(name)) and (name == "usage" or name not in whole):
                whole[name] = said
        said = chunk.get("choices")
        for position, delta in enumerate(said if isinstance(said, list) else ()):
            if isinstance(delta, dict):
                index = delta.get("index")
                index = index if isinstance(index, int) else position
                if index not in choices and len(choices) < openai_api.MOST_CHOICES:
                    choices[index] = _Choice()
                if index in choices:
                    _add(choices[index], delta)
    whole["choices"] = [_body(index, choice) for index, choice in choices.items()]
    return whole, bool(choices) and all(choice.finish_reason for choice in choices.values())


def _add(choice: _Choice, said: Mapping[str, Any]) -> None:
    if isinstance(reason := said.get("finish_reason"), str):
        choice.finish_reason = reason
    if isinstance(text := said.get("text"), str):
        choice.text.append(text)
    delta = fields(said.get("delta"))
    if isinstance(content := delta.get("content"), str):
        choice.content.append(content)
    if isinstance(role := delta.get("role"), str):
        choice.role = role
    if isinstance(refusal := delta.get("refusal"), str):
        choice.refusal.append(refusal)
    if isinstance(thought := delta.get("reasoning_content") or delta.get("reasoning"), str):
        choice.reasoning.append(thought)
    calls = delta.get("tool_calls")
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            _add_call(choice.calls, call, position)


def _add_call(calls: dict[int, _Call], said: Mapping[str, Any], position: int) -> None:
    index = said.get("index")
    index = index if isinstance(index, int) else position
    if index not in calls:
        if len(calls) == MOST_CALLS:
            return
        calls[index] = _Call()
    call = calls[index]
    function = fields(said.get("function"))
    if isinstance(call_id := said.get("id"), str):
        call.id = call_id
    if isinstance(name := function.get("name"), str):
        call.name = name
    if isinstance(arguments := function.get("arguments"), str):
        call.arguments.append(arguments)


def _body(index: int, choice: _Choice) -> dict[str, Any]:
    if choice.text:
        return {"index": index, "text": "".join(choice.text), "finish_reason": choice.finish_reason}
    calls = [
        {"id": call.id, "function": {"name": call.name, "arguments": "".join(call.arguments)}}
        for _, call in sorted(choice.calls.items())
    ]
    said = {
        "role": choice.role,
        "content": "".join(choice.content) or None,
        "reasoning_content": "".join(choice.reasoning) or None,
        "refusal": "".join(choice.refusal) or None,
        "tool_calls": calls,
    }
    return {"index": index, "message": said, "finish_reason": choice.finish_reason}
