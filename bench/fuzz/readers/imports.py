"""What reads files that people fill in elsewhere: each form's importer, up to decisions and the records they become."""

import csv
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from bench.fuzz.hostile_records import Template
from bench.fuzz.json_mutations import Tree
from bench.fuzz.readers.reader import Read, Reader
from bench.fuzz.text_mutations import Words
from sinks.review.decisions import Decision
from sinks.review.exports.csv import plain
from sinks.review.exports.sheet import sheets
from sinks.review.exports.write import export
from sinks.review.imports.checking import known
from sinks.review.imports.deciding import decided
from sinks.review.imports.forms import FORMS
from sinks.review.imports.receive import NOBODY, checked
from sinks.review.items import read_line
from sinks.review.outcomes import Outcome, Standing
from sinks.review.release.shapes import LeftOut, made
from tests.sinks.review.deciding import MONDAY, NAME, batch, item

FILES = {"label-studio": "tasks-00001.json", "argilla": "records.json", "csv": "items.csv", "jsonl": "items.jsonl"}
OTHER = {"inference_id": "other", "choice": 1, "response_model": "m", "preferred": True}
SAID: dict[str, dict[str, Any]] = {
    "a": {
        "verdict": "accept",
        "reviewer": "Ada",
        "labels": ["good", "short"],
        "decided_at": "2026-11-23T10:00:00+01:00",
    },
    "b": {"verdict": "correct", "reviewer": "Ada", "correction": "the better\nanswer", "note": "-5", "seconds": 12.5},
    "c": {
        "verdict": "rank",
        "reviewer": "7",
        "ranking": ["other#1", "c#0"],
        "agrees_with_prelabels": {"quality": True},
    },
}
PARTS = [{"role": "assistant", "parts": [{"type": "text", "content": "so"}, {"type": "tool_call", "arguments": "{}"}]}]


def _batch(folder: Path) -> Path:
    answer = orjson.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "the other"}]}]).decode()
    others = [OTHER | {"output_messages": answer}]
    return batch(folder, [item("a"), item("b"), item("c", alternatives=others)])


def _exported(form: str, folder: Path) -> bytes:
    out = export(_batch(folder), form, "Eve", MONDAY).folder
    return next(path for path in sorted(out.iterdir()) if path.name == FILES[form]).read_bytes()


def _csv(exported: bytes) -> list[bytes]:
    rows = list(csv.DictReader(io.StringIO(exported.decode("utf-8-sig"), newline="")))
    for row in rows:
        for name, value in SAID.get(plain(row["inference_id"]), {}).items():
            row[name] = _cell(name, value)
    out = io.StringIO(newline="")
    filled = csv.DictWriter(out, rows[0])
    filled.writeheader()
    filled.writerows(rows)
    return [out.getvalue().encode()]


def _cell(name: str, value: Any) -> str:
    if isinstance(value, list):
        return (" " if name == "ranking" else "\n").join(value)
    return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)


def _jsonl(exported: bytes) -> list[bytes]:
    lines = [orjson.loads(line) for line in exported.splitlines()]
    parts = {"b": {"correction": PARTS}}
    return [
        b"\n".join(orjson.dumps(each | said.get(each["inference_id"], {})) for each in lines)
        for said in (SAID, {name: SAID[name] | parts.get(name, {}) for name in SAID})
    ]


def _argilla(exported: bytes) -> list[bytes]:
    records = orjson.loads(exported)
    for each in records:
        said = {name: value for name, value in SAID[each["id"]].items() if name in ("verdict", "correction", "note")}
        if each["id"] == "c":
            said["ranking"] = [{"value": "answer 2", "rank": 1}, {"value": "answer 1", "rank": 2}]
        each["responses"] = {name: [{"value": value, "user_id": "7"}] for name, value in said.items()}
    return [orjson.dumps(records)]


def _label_studio(exported: bytes) -> list[bytes]:
    tasks = orjson.loads(exported)
    for number, task in enumerate(tasks):
        said = SAID[task["data"]["inference_id"]]
        result = [{"from_name": "verdict", "value": {"choices": [said["verdict"]]}}]
        result += [{"from_name": "correction", "value": {"text": [said["correction"]]}}] if "correction" in said else []
        result += [{"from_name": "ranking", "value": {"ranker": {"_": said["ranking"]}}}] if "ranking" in said else []
        result += [{"from_name": "labels", "value": {"text": said.get("labels", [])}}]
        task["annotations"] = [
            {"id": number, "unique_id": f"u{number}", "result": result, "was_cancelled": False, "lead_time": 3.5}
            | {"completed_by": {"id": 1, "email": "ada@example.com"}, "updated_at": "2026-11-23T09:30:00Z"}
            | {"prediction": {"result": [{"from_name": "labels", "value": {"text": ["quality=good"]}}]}}
        ]
    return [orjson.dumps(tasks)]


def _reads(form: str, folder: Path) -> Read:
    """Read a file as `receive` does, and make of each decision what a release would."""
    exported, kind = _batch(folder), FORMS[form]
    items = {sheet.inference_id: known(sheet, kind.shown(sheet)) for sheet in sheets(exported)}
    lines = map(read_line, (exported / "items.jsonl").read_bytes().splitlines(keepends=True))
    shown = {each["inference_id"]: each for each in lines}
    path = folder / "filled"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        came = checked(path, kind, items, lambda said: decided(said, NAME, "Eve", MONDAY, kind.source, NOBODY))
        for each in came.decisions:
            _release(shown[each.inference_id], each)
        return [each.line() for each in came.decisions]

    return read


def _release(shown: dict[str, Any], said: Decision) -> None:
    outcome = Outcome(said.inference_id, Standing.DECIDED, said.verdict, said.correction, said.ranking)
    with suppress(LeftOut):
        orjson.dumps(made(shown, outcome).records)


def _reader(form: str, filled: Callable[[bytes], list[bytes]], template: Callable[[bytes], Template]) -> Reader:
    def seeds(folder: Path) -> Sequence[bytes]:
        return filled(_exported(form, folder))

    return Reader(seeds, template, lambda folder: _reads(form, folder))


READERS = {
    "import_csv": _reader("csv", _csv, Words),
    "import_jsonl": _reader("jsonl", _jsonl, Tree),
    "import_argilla": _reader("argilla", _argilla, Tree),
    "import_label_studio": _reader("label-studio", _label_studio, Tree),
}
