"""A batch is exported and its decisions are imported from the command line, in words that a person can act on."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from tests.sinks.review.deciding import batch, item


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return batch(tmp_path / "batches", [item("a"), item("b")])


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["batch", *map(str, words)])


def test_what_goes_out_is_filled_in_and_comes_back(folder: Path) -> None:
    out = run("export", folder, "--to", "jsonl", "--by", "Eve")
    assert (out.exit_code, out.output) == (0, f"{folder}/review/exports/jsonl: 2 items.\n")
    filled = folder.parent / "filled.jsonl"
    exported = (folder / "review/exports/jsonl/items.jsonl").read_bytes().splitlines()
    lines = [orjson.loads(line) | {"verdict": "accept", "reviewer": "7"} for line in exported]
    filled.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    come = run("import", folder, filled, "--from", "jsonl", "--reviewer", "7=Ada", "--by", "Eve")
    assert come.output.splitlines() == [
        "2 rows: 2 new decisions, 0 known before, 0 not decided, 0 not taken.",
        "0 items are open, 0 of them in conflict.",
    ]
    assert come.exit_code == 0
    assert b'"reviewer":"Ada"' in (folder / "review/decisions.jsonl").read_bytes()


def test_rows_that_are_not_taken_are_listed_without_what_a_terminal_would_obey(folder: Path) -> None:
    filled = folder.parent / "filled.jsonl"
    filled.write_bytes(orjson.dumps({"inference_id": "\x1b[2Jx", "verdict": "accept"}))
    come = run("import", folder, filled, "--from", "jsonl", "--by", "Eve")
    assert come.exit_code == 1
    assert "line 1: " in come.output
    assert "is no item of this batch" in come.output
    assert "\x1b" not in come.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "csv", "--url", "http://127.0.0.1:9"), "--url goes with --to label-studio"),
        (("--to", "label-studio", "--project", "3"), "--project with --url"),
        (("--to", "label-studio", "--url", "http://127.0.0.1:9"), "set SLUICE_LABEL_STUDIO_TOKEN"),
    ],
)
def test_what_cannot_be_exported_names_the_cure(
    folder: Path, words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLUICE_LABEL_STUDIO_TOKEN", raising=False)
    out = run("export", folder, *words, "--by", "Eve")
    assert out.exit_code == 2
    assert told in out.output
