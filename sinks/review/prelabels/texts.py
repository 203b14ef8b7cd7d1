"""An item becomes the text that a plug is shown: its dialogue, or the answer alone."""

from collections.abc import Mapping
from typing import Any, Literal

import orjson

LONGEST = 20_000  # characters: the end of a dialogue is what is judged, and what models have room for


def text_of(item: Mapping[str, Any], reads: Literal["dialogue", "answer"]) -> str:
    """Return what an item says, a paragraph a message, at most LONGEST characters from its end; "" of one without
    content."""
    names = ("input_messages", "input", "output_messages", "output")
    said = (_said(item.get(name)) for name in (names if reads == "dialogue" else names[2:]))
    return "\n\n".join(text for text in said if text)[-LONGEST:]


def _said(value: str | None) -> str:
    """Return the text of a column that holds JSON: messages as `role: content`, anything else as it is."""
    if value is None:
        return ""
    try:
        read = orjson.loads(value)
    except ValueError:  # an integer of hundreds of digits, which is JSON all the same
        return value
    if isinstance(read, list) and all(isinstance(message, dict) and "role" in message for message in read):
        return "\n\n".join(f"{message['role']}: {_parts(message.get('parts'))}" for message in read)
    return value


def _parts(parts: Any) -> str:
    if not isinstance(parts, list):
        return ""
    return "\n".join(_part(part) for part in parts)


def _part(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("content"), str):
        return str(part["content"])
    return orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode()
