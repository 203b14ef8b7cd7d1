"""An item's messages become turns of text: who speaks, and what is said, called or returned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sinks.review.items import own_answer
from sinks.review.report.visible import line, visible

LONGEST = 1500  # characters of a turn: enough to see what it is about; items.jsonl has all
MOST = 12  # turns of a dialogue

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """One message, ready to be shown; `answer` marks the model's answer, which is what people decide on."""

    role: str
    text: str
    answer: bool = False


def dialogue(item: Item) -> list[Turn]:
    """Return an item's turns, in order; of a long dialogue the last ones, which lead to the answer."""
    asked = item["input_messages"] if item["input_messages"] is not None else item["input"]
    turns = [*_turns(item["system_instructions"], "system"), *_turns(asked, "user")]
    left_out = len(turns) - MOST
    if left_out > 0:
        turns = [Turn("…", f"{left_out} turns before"), *turns[-MOST:]]
    return [*turns, *answer(item)]


def answer(item: Item) -> list[Turn]:
    """Return the turns of an item's own answer, or of an alternative's."""
    return [Turn(turn.role, turn.text, answer=True) for turn in _turns(own_answer(item), "assistant")]


def question(item: Item, limit: int) -> str:
    """Return what was asked last, on one line; of an item without content, that there is none."""
    asked = item["input_messages"] if item["input_messages"] is not None else item["input"]
    return next((line(turn.text, limit) for turn in reversed(list(_turns(asked, "user"))) if turn.text), "(no content)")


def _turns(said: Any, role: str) -> Iterator[Turn]:
    """Read messages of OpenTelemetry's form, parts alone, or whatever else was sent as JSON."""
    if said is None:
        return
    if not isinstance(said, list):
        yield Turn(role, _whole(said))
    elif all(isinstance(each, dict) and "role" in each for each in said):
        for message in said:
            parts = message.get("parts", message.get("content"))
            yield Turn(line(str(message["role"]), 20), visible(_joined(parts), LONGEST))
    else:
        yield Turn(role, visible(_joined(said), LONGEST))


def _joined(parts: Any) -> str:
    return "\n".join(map(_part, parts)) if isinstance(parts, list) else _whole(parts)


def _part(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("content"), str):
        return part["content"] if part.get("type") == "text" else f"[{part.get('type')}] {part['content']}"
    return _whole(part)


def _whole(said: Any) -> str:
    return visible(said if isinstance(said, str) else orjson.dumps(said).decode(), LONGEST)
