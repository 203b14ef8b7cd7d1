"""A batch goes out in each form, people fill it in, and what they said comes back: whole, once, and checked."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from sinks.review.audit import Audit, State, state
from sinks.review.decisions import read
from sinks.review.exports.csv import neutral, plain
from sinks.review.exports.write import export
from sinks.review.imports.receive import Receipt, receive
from tests.sinks.review.deciding import MONDAY, batch, item

WRONG = "=HYPERLINK(\"http://evil\")\r\n'quoted', <b>bold</b> \u2028 ＝1"  # noqa: RUF001
Fill = Callable[[Path, dict[str, dict[str, Any]]], Path]


def fill_csv(folder: Path, said: dict[str, dict[str, Any]]) -> Path:
    with (folder / "items.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name, value in said.get(plain(row["inference_id"]), {}).items():
            row[name] = " ".join(value) if name == "ranking" else "\n".join(value) if name == "labels" else str(value)
    path = folder.parent / "filled.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows(rows)
    return path


def fill_jsonl(folder: Path, said: dict[str, dict[str, Any]]) -> Path:
    lines = [orjson.loads(line) for line in (folder / "items.jsonl").read_bytes().splitlines()]
    path = folder.parent / "filled.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(each | said.get(each["inference_id"], {})) for each in lines))
    return path


def fill_argilla(folder: Path, said: dict[str, dict[str, Any]]) -> Path:
    records = orjson.loads((folder / "records.json").read_bytes())
    for each in records:
        answer = dict(said.get(each["id"], {}))
        person = answer.pop("reviewer", None)
        answer.pop("decided_at", None), answer.pop("seconds", None)
        if "ranking" in answer:
            names = each["metadata"]["answers"]
            answer["ranking"] = [
                {"value": f"answer {names.index(name) + 1}", "rank": rank}
                for rank, name in enumerate(answer["ranking"], 1)
            ]
        if "labels" in answer:
            answer["labels"] = "\n".join(answer["labels"])
        each["responses"] = {name: [{"value": value, "user_id": person}] for name, value in answer.items()}
    path = folder.parent / "filled.json"
    path.write_bytes(orjson.dumps(records))
    return path


FILLS: dict[str, Fill] = {"csv": fill_csv, "jsonl": fill_jsonl, "argilla": fill_argilla}
SAID: dict[str, dict[str, Any]] = {
    "a": {"reviewer": "Ada", "verdict": "accept", "labels": ["good", "short"], "note": "-5 is right"},
    "b": {"reviewer": "Ada", "verdict": "correct", "correction": "the better\nanswer"},
    "c": {"reviewer": "Ben", "verdict": "rank", "ranking": ["other#1", "c#0"]},
    "=d": {"reviewer": "Ben", "verdict": "reject"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hostile = orjson.dumps([{"role": "user", "parts": [{"type": "text", "content": WRONG}]}]).decode()
    other = {"inference_id": "other", "choice": 1, "response_model": "m", "preferred": True, "output_messages": hostile}
    items = [item("a", input_messages=hostile), item("b"), item("c", alternatives=[other]), item("=d"), item("e")]
    return batch(tmp_path / "batches", items)


def bring(folder: Path, form: str, said: dict[str, dict[str, Any]]) -> Receipt:
    out = export(folder, form, "Eve", MONDAY).folder
    return receive(folder, FILLS[form](out, said), form, "Eve", MONDAY)


@pytest.mark.parametrize("form", FILLS)
def test_what_people_said_comes_back_whole(folder: Path, form: str) -> None:
    receipt = bring(folder, form, SAID)
    assert (receipt.rows, receipt.added, receipt.undecided, receipt.problems) == (5, 4, 1, [])
    kept = {each.inference_id: each for each in read(folder)}
    for name, said in SAID.items():
        assert said.items() <= kept[name].model_dump().items()
    assert (receipt.open, state(folder)) == (1, State.IN_REVIEW)


@pytest.mark.parametrize("form", FILLS)
def test_twice_is_once_also_on_another_day(folder: Path, form: str) -> None:
    bring(folder, form, SAID)
    steps = len(Audit(folder).steps())
    path = FILLS[form](folder / "review" / "exports" / form, SAID)
    again = receive(folder, path, form, "Eve", MONDAY + timedelta(days=1))
    assert (again.added, again.known, again.problems) == (0, 4, [])
    assert (len(read(folder)), len(Audit(folder).steps())) == (4, steps)


@pytest.mark.parametrize("form", FILLS)
def test_a_batch_is_exported_as_the_same_bytes(folder: Path, form: str) -> None:
    def files() -> dict[str, bytes]:
        place = export(folder, form, "Eve", MONDAY).folder
        return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}

    assert files() == files()


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"dialogue": "user: something else"}, "the dialogue is not what was exported"),
        ({"fingerprint": "0" * 64}, "the fingerprint is not what was exported"),
        ({"inference_id": "zz"}, "zz is no item of this batch"),
        ({"verdict": "perhaps"}, "'perhaps' is no verdict"),
        ({"verdict": "correct"}, "a correction goes with the verdict"),
        ({"verdict": "rank", "ranking": ["a#7"]}, "the ranking names a#7"),
        ({"decided_at": "yesterday"}, "decided_at is a time in UTC"),
        ({"seconds": "-1"}, "seconds"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_the_others_are_kept(folder: Path, edit: dict[str, Any], told: str) -> None:
    said = SAID | {"a": {"reviewer": "Ada", "verdict": "accept"} | edit}
    receipt = bring(folder, "csv", said)
    assert receipt.added == 3
    (problem,) = receipt.problems
    assert problem.row == "row 2"
    assert told in problem.why


def test_what_one_person_says_in_two_ways_at_once_is_named_and_not_taken(folder: Path) -> None:
    line = {"inference_id": "a", "reviewer": "Ada"}
    lines = [
        line | {"verdict": "accept"},
        line | {"verdict": "reject"},
        line | {"inference_id": "b", "verdict": "skip"},
    ]
    path = folder.parent / "said.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    receipt = receive(folder, path, "jsonl", "Eve", MONDAY)
    assert receipt.added == 1
    assert [each.row for each in receipt.problems] == ["line 1", "line 2"]
    assert "accept, reject in line 1, line 2" in receipt.problems[0].why


def test_no_cell_of_a_spreadsheet_is_a_formula(folder: Path) -> None:
    place = export(folder, "csv", "Eve", MONDAY).folder
    with (place / "items.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert "'=d" in [row[1] for row in rows]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


HOSTILE_LINES = ("hi\n=cmd|'/C calc'!A0", "a;=1+1", "a\t@x", "a\r\n-1", 'a;"=1+1";b', "'=1", "\n\t=1", "- item\n- item")


@pytest.mark.parametrize("said", HOSTILE_LINES)
def test_where_a_semicolon_or_a_line_begins_a_cell_there_is_no_formula_and_it_comes_back(said: str) -> None:
    cell = neutral(f"user: {said}")
    assert not [each for each in re.split(r"[;\t\r\n]", cell) if each.lstrip('"').startswith(("=", "+", "-", "@"))]
    assert plain(cell) == f"user: {said}"


def test_who_is_to_judge_alone_sees_no_label(tmp_path: Path) -> None:
    label = {"name": "quality", "value": "good", "score": 0.9, "by": "judge"}
    folder = batch(tmp_path / "batches", [item("a", prelabels=[label])], double_review_share=1.0)
    for form in ("csv", "jsonl", "argilla", "label-studio"):
        place = export(folder, form, "Eve", MONDAY).folder
        assert not [path for path in place.rglob("*") if path.is_file() and b"quality" in path.read_bytes()]
    (task,) = orjson.loads((folder / "review/exports/label_studio/tasks-00001.json").read_bytes())
    assert (task["overlap"], task["predictions"]) == (2, [])


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"inference_id": ["a"], "verdict": "accept"}',
        b'{"inference_id": "a", "verdict": "rank", "ranking": [["a#0"]]}',
        b'{"inference_id": "a", "verdict": "rank", "ranking": "a#0"}',
        b'{"inference_id": "a", "verdict": "accept", "reviewer": 7}',
        b'{"inference_id": "a", "verdict": "accept", "labels": "good"}',
        b'{"inference_id": "a", "verdict": "accept", "seconds": "long"}',
        b'{"inference_id": "a", "verdict": "accept", "seconds": -1}',
        b'{"inference_id": "a", "verdict": "correct", "correction": 7}',
        b'{"inference_id": "a", "verdict": "accept", "agrees_with_prelabels": {"q": "yes"}}',
        b"\xff\xfe",
    ],
)
def test_whatever_a_line_holds_is_named_and_the_next_is_kept(folder: Path, line: bytes) -> None:
    path = folder.parent / "said.jsonl"
    path.write_bytes(line + b'\n{"inference_id": "b", "verdict": "accept"}\n')
    receipt = receive(folder, path, "jsonl", "Eve", MONDAY)
    assert [each.row for each in receipt.problems] == ["line 1"]
    assert receipt.added == 1


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b"[",
        b"[7]",
        b'[{"data": {"inference_id": "a"}}]',
        b'[{"data": 7, "annotations": []}]',
        b'[{"data": {"inference_id": "a", "fingerprint": "f", "dialogue": 1, "answers": 1}, "annotations": [{}]}]',
    ],
)
def test_what_label_studio_never_wrote_is_no_decision(folder: Path, document: bytes) -> None:
    path = folder.parent / "said.json"
    path.write_bytes(document)
    receipt = receive(folder, path, "label-studio", "Eve", MONDAY)
    assert receipt.added == 0
    assert len(receipt.problems) == 1
