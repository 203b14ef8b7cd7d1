"""Feedback as its senders write it, values of any type and raters under many names, becomes fields of the contract."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson

from streams.gateways.base import LONGEST_ID
from streams.gateways.values import number, word

# What senders call those who judge. Whatever else they say stays unknown: no kind is guessed.
_KINDS = {
    "human": "human",
    "annotation": "human",
    "app": "human",
    "llm": "llm",
    "model": "llm",
    "eval": "llm",
    "code": "code",
    "implicit": "implicit",
}
_BY_PEOPLE = ("user.thumbs", "user.rating")  # names that the contract reserves, as it does all of implicit.*
_KIND_LABELS, _ID_LABELS = ("feedback.source", "rater_kind"), ("feedback.rater_id", "rater_id", "rater", "reviewer")


def value(said: object) -> dict[str, Any]:
    """Read a judgement by its type: a number is a score, a word a label, more than a word an explanation."""
    if isinstance(said, bool):
        return {"score": float(said)}
    if isinstance(said, int | float):
        score = number(said)
        return {} if score is None else {"score": score}
    if isinstance(said, str) and said:
        return {"label": said} if len(said) <= LONGEST_ID else {"explanation": said}
    return {"explanation": _canonical(said).decode("utf-8", "replace")} if said else {}


def words(*said: object) -> str | None:
    """Join what is said in words, in its order; None where nothing is."""
    return "\n\n".join(each for each in said if isinstance(each, str) and each) or None


def rater(name: str, metadata: Mapping[str, Any], *said: object) -> dict[str, Any]:
    """Tell who judged: by a reserved name, else as the metadata says, else as the sender's own fields do, in order."""
    labels = (metadata.get(label) for label in _KIND_LABELS)
    kinds = (_KINDS.get(each.lower()) for each in (*labels, *said) if isinstance(each, str))
    kind = next((each for each in kinds if each), None)
    if name.startswith("implicit."):
        kind = "implicit"
    elif kind is None and name in _BY_PEOPLE:
        kind = "human"
    rater_id = next((read for label in _ID_LABELS if (read := word(metadata.get(label)))), None)
    return {"rater_kind": kind or "unknown", "rater_id": rater_id}


def digest(said: object) -> str:
    """Make an id of the content of feedback that has none, 128 bits in hex."""
    return hashlib.blake2b(_canonical(said), digest_size=16).hexdigest()


def _canonical(said: object) -> bytes:
    try:
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(said, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
