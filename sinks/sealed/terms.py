"""A question as JSON goes in; out come the terms that ClickHouse would store of it, which must be sealed before.

The same as in deploy/clickhouse/010_prompt_vectors.sql, expression by expression: a test holds one against the other.
"""

import json
import re
import string
from collections.abc import Iterator
from typing import Any

import orjson

CHARACTERS, TERMS = 1000, 127
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_RUNS = re.compile(f"[{_CJK}]{{2,}}")
_IS_CJK = re.compile(f"[{_CJK}]")
_WORDS = re.compile(r"[^\W_]{3,}")  # letters and numbers
_ASCII_WORDS = re.compile(r"[^ \t\n\v\f\r!-/:-@\[-`{-~]{3,}")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_FOLDED = str.maketrans(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
    "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþαβγδεζηθικλμνξοπρστυφχψωабвгдеёжзийклмнопрстуфхцчшщъыьэюя",
)


def terms(prompt: bytes) -> list[str]:
    """Return the distinct terms of the last message of a user; of what is no dialogue, of all of it."""
    text = _asked(prompt)[-CHARACTERS:].translate(_LOWER)
    found = _ASCII_WORDS.findall(text) if text.isascii() else _of_signs(text)
    return list(dict.fromkeys(found))[:TERMS]


def _of_signs(text: str) -> Iterator[str]:
    for run in _RUNS.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))
    yield from (word for word in _WORDS.findall(text.translate(_FOLDED)) if not _IS_CJK.search(word))


def _asked(prompt: bytes) -> str:
    messages = _read(prompt)
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        return prompt.decode()
    of_users = (each for each in reversed(messages) if each.get("role") == "user")
    parts = next((each.get("parts") for each in of_users), None) or ()
    return " ".join(str(part.get("content") or "") for part in parts if isinstance(part, dict))


def _read(prompt: bytes) -> Any:
    try:
        return orjson.loads(prompt)
    except ValueError:  # an integer of more than 64 bits, which is JSON all the same
        return json.loads(prompt)
