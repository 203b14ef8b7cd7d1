"""Sheets become a CSV file that a spreadsheet opens without running what strangers wrote, and that comes back whole."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path

import orjson

from sinks.review.exports.sheet import Sheet, named

SHOWN = ("dialogue", "answers")
DECISION = (
    "reviewer",
    "verdict",
    "correction",
    "ranking",
    "labels",
    "note",
    "seconds",
    "decided_at",
    "agrees_with_prelabels",
)
COLUMNS = (
    *("batch", "inference_id", "fingerprint", "segment", "reasons", "why", "overlap", "prelabels"),
    *SHOWN,
    *DECISION,
)
# What makes a cell a formula, in the ASCII and in the full-width form, where a cell begins; and where one would begin
# for a spreadsheet whose lists are separated by ";" or tabs: it splits within quotes, since these do not begin its
# cells, and takes each line for a row. https://owasp.org/www-community/attacks/CSV_Injection
_BEGINS, _FORMULA = r'((?:^|[\n\r\t;])"*)', r"(?=[=+\-@\t\r＝＋－＠])"  # noqa: RUF001
_TO_MARK, _MARKED = re.compile(f"{_BEGINS}('*){_FORMULA}"), re.compile(f"{_BEGINS}'('*){_FORMULA}")


def write(folder: Path, sheets: Iterable[Sheet]) -> int:
    """Write items.csv, UTF-8 with a byte-order mark, by which spreadsheets know it; return how many rows."""
    total = 0
    with (folder / "items.csv").open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, lineterminator="\r\n")
        rows.writerow(COLUMNS)
        for sheet in sheets:
            cells = (*_cells(sheet), *("" for _ in DECISION))
            rows.writerow(map(neutral, cells))
            total += 1
    return total


def neutral(cell: str) -> str:
    """Return a cell as text, never a formula: an apostrophe before what would be one, or begins with one already.

    >>> neutral("=1+1"), neutral("'=1+1"), neutral("fine"), neutral("two;=1+1")
    ("'=1+1", "''=1+1", 'fine', "two;'=1+1")
    """
    return _TO_MARK.sub(r"\1'\2", cell)


def plain(cell: str) -> str:
    """Undo `neutral`.

    >>> plain("'=1+1"), plain("''=1+1"), plain("'tis fine"), plain("two;'=1+1")
    ('=1+1', "'=1+1", "'tis fine", 'two;=1+1')
    """
    return _MARKED.sub(r"\1\2", cell)


def shown(sheet: Sheet) -> dict[str, str]:
    """Return what of a row people decide on: turns, and answers with the names by which a ranking says them."""
    return {
        "dialogue": "\n\n".join(f"{turn['role']}: {turn['text']}" for turn in sheet.dialogue),
        "answers": "\n\n".join(f"{each['id']}: {each['body']}" for each in sheet.answers),
    }


def _cells(sheet: Sheet) -> Iterable[str]:
    yield from (sheet.batch, sheet.inference_id, sheet.fingerprint, sheet.segment)
    yield from (orjson.dumps(sheet.reasons).decode(), "\n".join(sheet.why), str(sheet.overlap))
    yield "\n".join(map(named, sheet.labels))
    yield from shown(sheet).values()
