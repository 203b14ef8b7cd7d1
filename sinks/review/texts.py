"""Candidates' ids go in; out comes what was asked and answered, as plain text, to tell near-duplicates by."""

from collections.abc import Sequence

import orjson

from sinks.review.chunks import chunks
from sinks.review.snapshot import Snapshot
from sinks.sealed.opening import as_text

CHARACTERS = 4000  # of each side: what makes two dialogues one shows long before
_TEXTS = f"""
SELECT inference_id, substring(ifNull(input_messages, ifNull(input, '')), -40000),
       substring(ifNull(output_messages, ifNull(output, '')), 1, 40000),
       {as_text("sealed_request")}, {as_text("sealed_response")}
FROM inference_parts FINAL
PREWHERE inference_id IN {{ids:Array(String)}}
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}}
"""  # noqa: S608  names of our own columns
LONGEST = 40_000  # of a side's JSON
CHUNK = 1000  # of which the client holds at most 80 KB each


def texts(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, str]:
    """Return the text of each inference: its last question and its answer; "" where no content is kept."""
    found: dict[str, str] = {}
    for some in chunks(ids, CHUNK):
        rows = snapshot.read(_TEXTS, ids=some)
        names = [row[0] for row in rows]
        requests = snapshot.opener.content("sealed_request", names, [row[3] for row in rows])
        responses = snapshot.opener.content("sealed_response", names, [row[4] for row in rows])
        for (name, asked, answered, *_), request, response in zip(rows, requests, responses, strict=True):
            asked = asked or request.get("input_messages", request.get("input", ""))[-LONGEST:]
            answered = answered or response.get("output_messages", response.get("output", ""))[:LONGEST]
            found[name] = f"{question(asked)[-CHARACTERS:]}\n{answer(answered)[:CHARACTERS]}".strip()
    return {name: found.get(name, "") for name in ids}


def question(messages: str) -> str:
    """Return the text of the last message of a user; of what is no dialogue, all of it."""
    dialogue = _dialogue(messages)
    if dialogue is None:
        return messages
    return next((_said(each) for each in reversed(dialogue) if each.get("role") == "user"), "")


def answer(messages: str) -> str:
    """Return the text of an answer's messages; of what is no dialogue, all of it."""
    dialogue = _dialogue(messages)
    return messages if dialogue is None else "\n".join(map(_said, dialogue))


def _dialogue(messages: str) -> list[dict[str, object]] | None:
    try:
        read = orjson.loads(messages)
    except ValueError:  # cut short, or an integer of hundreds of digits
        return None
    return read if isinstance(read, list) and all(isinstance(each, dict) and "role" in each for each in read) else None


def _said(message: dict[str, object]) -> str:
    parts = message.get("parts")
    if not isinstance(parts, list):
        return ""
    return "\n".join(
        part["content"] for part in parts if isinstance(part, dict) and isinstance(part.get("content"), str)
    )
