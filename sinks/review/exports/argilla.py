"""Sheets become an Argilla dataset on disk, as its SDK 2 loads it with `rg.Dataset.from_disk`.

Shapes: argilla 2, `Settings.from_json` and `DatasetRecords.from_json`; .argilla/dataset.json, .argilla/settings.json,
records.json.
"""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from sinks.review.exports.sheet import Sheet, named
from sinks.review.imports.said import VERDICTS

GUIDELINES = (
    "Decide each answer: accept, reject, correct (write the better answer), rank (order the answers), or skip. "
    "Labels go one a line."
)
ANSWERS = 8  # that can be ranked: Argilla fixes them for a whole dataset

Json = dict[str, Any]


def write(folder: Path, sheets: Iterable[Sheet]) -> int:
    """Write a dataset; return how many records."""
    left = iter(sheets)
    first = next(left, None)
    (folder / ".argilla").mkdir()
    (folder / ".argilla" / "settings.json").write_bytes(orjson.dumps(SETTINGS, option=orjson.OPT_INDENT_2))
    name = f"sluice_{first.batch.lower()}" if first else "sluice"
    (folder / ".argilla" / "dataset.json").write_bytes(orjson.dumps({"name": name}, option=orjson.OPT_INDENT_2))
    total = 0
    with (folder / "records.json").open("wb") as file:
        for sheet in chain([first] if first else (), left):
            file.write(b",\n" if total else b"[\n")
            file.write(orjson.dumps(record(sheet)))
            total += 1
        file.write(b"\n]\n" if total else b"[]\n")
    return total


def record(sheet: Sheet) -> Json:
    """Return a sheet as a record."""
    suggestions: Json = {}
    if sheet.labels:
        agents = ", ".join(sorted({each["by"] for each in sheet.labels}))
        suggestions["labels"] = {"value": "\n".join(map(named, sheet.labels)), "score": None, "agent": agents}
        if sheet.suggested:
            verdict, score = sheet.suggested
            suggestions["verdict"] = {"value": verdict, "score": score, "agent": agents}
    return {
        "id": sheet.inference_id,
        "fields": shown(sheet),
        "metadata": {
            "batch": sheet.batch,
            "fingerprint": sheet.fingerprint,
            "segment": sheet.segment,
            "reasons": sheet.reasons,
            "overlap": sheet.overlap,
            "answers": [each["id"] for each in sheet.answers],
        },
        "suggestions": suggestions,
        "responses": {},
        "vectors": {},
        "status": "pending",
        "_server_id": None,
    }


def shown(sheet: Sheet) -> Json:
    """Return what of a record people decide on."""
    answers = "\n\n".join(f"{each['title']}:\n{each['body']}" for each in sheet.answers)
    return {
        "dialogue": [{"role": turn["role"], "content": turn["text"]} for turn in sheet.dialogue],
        "answers": answers or None,
    }


def _text(name: str, *, title: str) -> Json:
    settings = {"type": "text", "use_markdown": False}
    return {"id": None, "name": name, "title": title, "description": None, "required": False, "settings": settings}


def _options(values: Iterable[str]) -> list[Json]:
    return [{"value": value, "text": value, "description": None} for value in values]


_VERDICT: Json = {"type": "label_selection", "options": _options(VERDICTS), "visible_options": None}
_RANKING: Json = {"type": "ranking", "options": _options(f"answer {number}" for number in range(1, ANSWERS + 1))}
SETTINGS: Json = {
    "guidelines": GUIDELINES,
    "allow_extra_metadata": True,
    "distribution": {"strategy": "overlap", "min_submitted": 1},
    "fields": [
        {
            "id": None,
            "name": "dialogue",
            "title": "Dialogue",
            "required": True,
            "settings": {"type": "chat", "use_markdown": False},
        },
        {**_text("answers", title="Answers"), "settings": {"type": "text", "use_markdown": False}},
    ],
    "questions": [
        {
            "id": None,
            "name": "verdict",
            "title": "Verdict",
            "description": None,
            "required": True,
            "settings": _VERDICT,
        },
        _text("correction", title="The better answer"),
        {"id": None, "name": "ranking", "title": "Order", "description": None, "required": False, "settings": _RANKING},
        _text("labels", title="Labels, one a line"),
        _text("note", title="Note"),
    ],
    "vectors": [],
    "metadata": [],
}
