"""The messages of an answer are taken apart: texts, calls of tools, and whatever else there is."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from streams.events import Message
from streams.measure import tools

_JSON_BEGINS = ("{", "[", " ", "\n", "\t", "\r")
_THOUGHTS = ("reasoning", "thinking")
_CALLS = ("tool_call", "tool_use")
_RESULTS = ("tool_call_response", "tool_result")


class Content(NamedTuple):
    """An answer taken apart: the text of each of its choices, and calls of tools; `other` says there is more."""

    chars: int
    texts: list[str]
    calls: list[Mapping[str, Any]]
    refused: bool
    other: bool
    results_wrong: bool | None  # whether a tool's result says error; None where there is none


def plain(messages: Sequence[Message]) -> str | None:
    """Return the text of an answer that is nothing but one, as most are; None of any other."""
    if len(messages) != 1:
        return None
    parts = messages[0].get("parts", ())
    if len(parts) != 1 or parts[0].get("type", "text") != "text":
        return None
    content = parts[0].get("content")
    return content if isinstance(content, str) else None


def taken_apart(messages: Sequence[Message]) -> Content:
    """Take an answer apart. Thoughts are no part of it."""
    chars, refused, other = 0, False, False
    wrong: bool | None = None
    texts: list[str] = []
    calls: list[Mapping[str, Any]] = []
    for message in messages:
        said: list[str] = []
        for part in message.get("parts", ()):
            kind, content = part.get("type", "text"), part.get("content")
            if kind in _THOUGHTS:
                continue
            if isinstance(content, str):
                chars += len(content)
            if kind == "text":
                if isinstance(content, str):
                    said.append(content)
            elif kind in _CALLS:
                calls.append(part)
            elif kind in _RESULTS:
                wrong = bool(wrong) or tools.says_error(part)
                other = True
            else:
                refused = refused or kind == "refusal"
                other = True
        if said:
            texts.append(said[0] if len(said) == 1 else "".join(said))
    return Content(chars, texts, calls, refused, other, wrong)


def is_json(text: str) -> bool:
    """Tell whether a text is a JSON object or array, and nothing else."""
    if text[:1] not in _JSON_BEGINS:
        return False
    try:
        return isinstance(orjson.loads(text), dict | list)
    except ValueError:
        return False
