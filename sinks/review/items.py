"""Picked ids become items: each with its dialogue, its numbers, what was said about it and why it was picked."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson

from sinks.review.choose import Pick
from sinks.review.chunks import chunks
from sinks.review.refusals import MovedMeanwhile
from sinks.review.schema import FEEDBACK, INFERENCE, JSON, TIMES
from sinks.review.snapshot import Snapshot
from sinks.sealed.opening import as_text

# Python's datetime would lose nanoseconds.
_COLUMNS = {name: f"toUnixTimestamp64Nano({name})" if name in TIMES else name for name in INFERENCE | FEEDBACK}
# As the view has it: of a call of two records that do not say it, the time between them.
_COLUMNS["duration_s"] = (
    "ifNull(duration_s, if(response_time > request_time,"
    " (toUnixTimestamp64Nano(response_time) - toUnixTimestamp64Nano(request_time)) / 1e9, NULL))"
)
# The table under the view `inferences`, because only there can the filter come before FINAL: 45 columns of thousands of
# neighbours in the same granules are then not merged for nothing (8 times faster). It may, since it filters the key.
INFERENCES = f"""
SELECT {", ".join(_COLUMNS[name] for name in INFERENCE)}, {as_text("sealed_request")}, {as_text("sealed_response")}
FROM inference_parts FINAL
PREWHERE inference_id IN {{ids:Array(String)}}
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}}
"""  # noqa: S608  names of columns from our own schema, never a value
ANSWERS = f"""
SELECT inference_id, response_model, output_messages, {as_text("sealed_response")}
FROM inference_parts FINAL
PREWHERE inference_id IN {{ids:Array(String)}}
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}}
"""  # noqa: S608  as above
FEEDBACK_ABOUT = f"""
SELECT about.inference_id, {", ".join(_COLUMNS[name] for name in FEEDBACK)},
       {as_text("sealed_explanation")}, {as_text("sealed_correction")}
FROM (
    SELECT * FROM feedback_events FINAL
    PREWHERE feedback_id IN (SELECT feedback_id FROM said WHERE inference_id IN {{ids:Array(String)}})
) AS given
INNER JOIN (
    SELECT inference_id, feedback_id FROM said WHERE inference_id IN {{ids:Array(String)}}
) AS about USING (feedback_id)
WHERE NOT deleted
ORDER BY about.inference_id, given.time, feedback_id
"""  # noqa: S608  as above

_SEALED_INFERENCE = ("sealed_request", "sealed_response")
_SEALED_FEEDBACK = ("sealed_explanation", "sealed_correction")
CHUNK = 64  # items whose content the client holds in memory

Item = dict[str, Any]


def items(snapshot: Snapshot, picks: Sequence[Pick]) -> Iterator[list[Item]]:
    """Give the items of picks, in their order, chunk by chunk; keys and types are those of SCHEMA.

    Where they lie on the map and what they are labelled is not known yet.

    Raises MovedMeanwhile if a picked inference is no longer there.
    """
    by_name = {pick.inference_id: pick for pick in picks}
    for ids in chunks([pick.inference_id for pick in picks], CHUNK):
        chunk = [by_name[name] for name in ids]
        feedback: dict[str, list[Item]] = {}
        said = snapshot.select(FEEDBACK_ABOUT, ids=ids)
        given = _rows(snapshot, FEEDBACK, _SEALED_FEEDBACK, [values for _, *values in said])
        for (about, *_), row in zip(said, given, strict=True):
            feedback.setdefault(about, []).append(row)
        read = _rows(snapshot, INFERENCE, _SEALED_INFERENCE, snapshot.read(INFERENCES, ids=ids))
        rows = {row["inference_id"]: row for row in read}
        missing = next((name for name in ids if name not in rows), None)
        if missing is not None:
            raise MovedMeanwhile(f"Inference {missing} was erased during the cut: cut again.")
        others = _answers(snapshot, chunk)
        yield [
            rows[pick.inference_id] | _picked(pick, others) | {"feedback": feedback.get(pick.inference_id, [])}
            for pick in chunk
        ]


def _picked(pick: Pick, answers: Mapping[str, Item]) -> Item:
    return {
        "reasons": [reason.value for reason in pick.reasons],
        "why": [pick.why[reason] for reason in pick.reasons],
        "inclusion_probabilities": [pick.probabilities[reason] for reason in pick.reasons],
        "control_weight": pick.control_weight,
        "findings": [asdict(finding) for finding in pick.findings],
        "topic": pick.topic,
        "x": None,
        "y": None,
        "folded": pick.folded,
        "alternatives": [
            asdict(each) | _choice(answers[each.inference_id], each.choice)
            for each in pick.alternatives
            if each.inference_id in answers
        ],
        "prelabels": [],
        "late": pick.late,
    }


def _choice(answered: Item, choice: int) -> Item:
    """Return of all that a response answered one answer."""
    said = json.loads(answered["output_messages"] or "null")
    one = isinstance(said, list) and choice < len(said)
    return answered | {"output_messages": _canonical(json.dumps([said[choice]])) if one else None}


def own_answer(item: Mapping[str, Any]) -> Any:
    """Return what an item, as a line of items.jsonl has it, answered: the first answer where it gave several that are
    compared, which are among its alternatives; else all."""
    said = item["output_messages"] if item["output_messages"] is not None else item.get("output")
    compared = any(each["inference_id"] == item["inference_id"] for each in item.get("alternatives") or ())
    return said[:1] if compared and isinstance(said, list) else said


def _answers(snapshot: Snapshot, picks: Sequence[Pick]) -> dict[str, Item]:
    """Fetch the other answers to the prompts of picks."""
    ids = sorted({each.inference_id for pick in picks for each in pick.alternatives})
    rows = [row for some in chunks(ids, CHUNK) for row in snapshot.read(ANSWERS, ids=some)]
    columns = ("inference_id", "response_model", "output_messages")
    return {row["inference_id"]: row for row in _rows(snapshot, columns, ("sealed_response",), rows)}


def line(item: Item) -> bytes:
    """Return an item as a line of canonical JSON: keys sorted, JSON as what it says, times as ISO 8601 in UTC."""
    return orjson.dumps(_readable(item), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _rows(
    snapshot: Snapshot, columns: Collection[str], sealed: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[Item]:
    """Name the values of rows whose first is their id and whose last are sealed columns, which are opened."""
    named: list[Item] = [dict(zip(columns, row, strict=False)) for row in rows]
    ids = [row[0] for row in rows]
    for at, column in enumerate(sealed, len(columns)):
        for row, said in zip(named, snapshot.opener.content(column, ids, [each[at] for each in rows]), strict=True):
            row |= {name: text for name, text in said.items() if name in columns}
    return [row | {name: _canonical(row[name]) for name in JSON & row.keys() if row[name] is not None} for row in named]


def _canonical(value: str | dict[str, str]) -> str:
    try:
        read = orjson.loads(value) if isinstance(value, str) else value
        return orjson.dumps(read, option=orjson.OPT_SORT_KEYS).decode()
    except ValueError:  # an integer of hundreds of digits, which is JSON all the same
        return json.dumps(json.loads(str(value)), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def read_line(data: bytes) -> Item:
    """Return what a line of items.jsonl says; an integer beyond 64 bits, which is JSON all the same, as its digits."""
    try:
        read: Item = orjson.loads(data)
    except ValueError:
        read = json.loads(data, parse_int=lambda digits: int(digits) if len(digits) < 19 else digits)
    return read


def _readable(item: Item) -> Item:
    return {name: _readable_value(name, value) for name, value in item.items()}


def _readable_value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in JSON:
        return orjson.Fragment(value)
    if name in TIMES:
        second, nanosecond = divmod(value, 1_000_000_000)
        return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{nanosecond:09d}Z"
    if name in ("findings", "feedback", "alternatives", "prelabels"):
        return [_readable(each) for each in value]
    return value
