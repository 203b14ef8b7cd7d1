"""Dialogues as gateways write them become one form: messages of parts, after OpenTelemetry's GenAI conventions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import orjson

from streams.events import Message, Part

MOST_PARTS = 1_000  # of one message; what has more stays as it came


def messages(value: object) -> list[Message] | None:
    """Read a dialogue in parts form or OpenAI's; None where it is neither, and is to be kept as it came.

    Source: semantic-conventions-genai, gen-ai-input-messages.json; OpenAI's chat completions API.
    """
    if not isinstance(value, list) or not value:
        return None
    return _all(value, message)


def message(value: object) -> Message | None:
    """Read one message in either form; None where it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return None
    parts = value.get("parts")
    if "parts" in value and not (isinstance(parts, list) and all(map(is_part, parts))):
        return None
    read: dict[str, Any] = {"role": value["role"], "parts": _openai_parts(value) if parts is None else parts}
    for name in ("name", "finish_reason"):
        if isinstance(value.get(name), str):
            read[name] = value[name]
    return cast(Message, read)


def choices(value: object) -> list[Message] | None:
    """Read the `choices` of an OpenAI answer, chat or completion, in the order of their index; None where there are
    none."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        return None
    ordered = sorted(value, key=lambda each: each["index"] if isinstance(each.get("index"), int) else 0)
    return _all(ordered, _choice)


def finish_reasons(said: Sequence[Message] | None) -> list[str]:
    """Collect the reasons for which answers ended, in their order."""
    return [reason for each in said or () if isinstance(reason := each.get("finish_reason"), str)]


def is_part(value: object) -> bool:
    """Tell whether this is a part of a message, of whatever kind."""
    return isinstance(value, dict) and isinstance(value.get("type", ""), str)


def text(content: str) -> Part:
    """Make a part of text."""
    return {"type": "text", "content": content}


def spoken(role: str, content: str) -> Message:
    """Make a message of nothing but text."""
    return {"role": role, "parts": [text(content)]}


def loaded(value: object) -> object:
    """Read JSON that came as a string inside of a value; what is no JSON stays a string."""
    if not isinstance(value, str):
        return value
    try:
        return cast(object, orjson.loads(value))
    except ValueError:
        return value


def _all(values: Sequence[Any], read: Callable[[Any], Message | None]) -> list[Message] | None:
    found: list[Message] = []
    for value in values:
        said = read(value)
        if said is None:
            return None
        found.append(said)
    return found


def _choice(choice: Mapping[str, Any]) -> Message | None:
    if isinstance(choice.get("message"), dict):
        said = message({"role": "assistant", **choice["message"]})
    elif isinstance(choice.get("text"), str):
        said = spoken("assistant", choice["text"])
    else:
        return None
    if said is not None and isinstance(choice.get("finish_reason"), str):
        said["finish_reason"] = choice["finish_reason"]
    return said


def _openai_parts(value: Mapping[str, Any]) -> list[Part]:
    """Return the parts of a message in OpenAI's form."""
    content = value.get("content")
    if value["role"] == "tool":
        return [_part(type="tool_call_response", id=value.get("tool_call_id"), result=content)]
    parts = []
    if isinstance(thought := value.get("reasoning_content"), str):
        parts.append(_part(type="reasoning", content=thought))
    parts += _content_parts(content)
    if isinstance(refusal := value.get("refusal"), str):
        parts.append(_part(type="refusal", content=refusal))
    calls = value.get("tool_calls")
    if isinstance(calls, list):
        parts += map(_tool_call, calls) if set(map(type, calls)) <= {dict} else [_unknown(calls)]
    if isinstance(value.get("function_call"), dict):  # before tool_calls, until 2023
        parts.append(_tool_call({"function": value["function_call"]}))
    return parts


def _content_parts(content: object) -> list[Part]:
    if isinstance(content, str):
        return [text(content)]
    if isinstance(content, list) and len(content) <= MOST_PARTS:
        kinds = set(map(type, content))
        if kinds <= {str}:
            return [{"type": "text", "content": each} for each in content]
        if kinds <= {str, dict}:
            return [_content_part(each) for each in content]
    return [] if content is None else [_unknown(content)]


def _content_part(part: str | dict[str, Any]) -> Part:
    if isinstance(part, str):
        return text(part)
    if isinstance(part.get("text"), str):  # text, input_text, output_text
        return text(part["text"])
    return _kept(part)


def _tool_call(call: dict[str, Any]) -> Part:
    function = call.get("function")
    if not isinstance(function, dict):
        return _kept(call)
    arguments = loaded(function.get("arguments"))
    return _part(type="tool_call", id=call.get("id"), name=function.get("name"), arguments=arguments)


def _kept(part: dict[str, Any]) -> Part:
    return cast(Part, part) if is_part(part) else _unknown(part)


def _unknown(content: object) -> Part:
    return cast(Part, {"type": "unknown", "content": content})


def _part(**fields: object) -> Part:
    return cast(Part, {name: value for name, value in fields.items() if value is not None})
