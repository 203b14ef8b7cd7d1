"""Sheets become lines of JSON, each with the empty fields of a decision."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from sinks.review.exports.sheet import Sheet

DECISION: dict[str, Any] = {
    "reviewer": None,
    "verdict": None,
    "correction": None,
    "ranking": None,
    "labels": [],
    "note": "",
    "seconds": None,
    "decided_at": None,
    "agrees_with_prelabels": {},
}


def write(folder: Path, sheets: Iterable[Sheet]) -> int:
    """Write items.jsonl; return how many lines."""
    total = 0
    with (folder / "items.jsonl").open("wb") as file:
        for sheet in sheets:
            said = asdict(sheet)
            said["prelabels"] = said.pop("labels")
            file.write(orjson.dumps(said | DECISION, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
            total += 1
    return total


def shown(sheet: Sheet) -> dict[str, Any]:
    """Return what of a line people decide on."""
    return {"dialogue": sheet.dialogue, "answers": sheet.answers}
