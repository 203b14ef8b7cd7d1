"""A CSV file, as it was exported and filled in, becomes what people said; apostrophes before formulas go again."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from sinks.review.exports.csv import SHOWN, plain
from sinks.review.imports.said import Problem, Said, told

NEEDED = ("inference_id", "verdict")


def read(path: Path) -> Iterator[Said | Problem]:
    """Give what each row says; line ends are as the spreadsheet has them."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        number = 0
        try:
            if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
                yield Problem("row 1", f"No column {missing[0]}: keep the header of the export.")
                return
            for number, cells in enumerate(rows, 2):
                yield _row(f"row {number}", cells)
        except (csv.Error, UnicodeDecodeError) as wrong:
            yield Problem(f"row {number + 1}", f"Not CSV in UTF-8 ({wrong}): save it as such.")


def _row(row: str, cells: Mapping[str, str | None]) -> Said | Problem:
    if None in cells or None in cells.values():
        return Problem(row, "It has another number of cells than the header: put cells with commas into quotes.")
    said = {name: plain(cell or "").replace("\r\n", "\n") for name, cell in cells.items()}
    try:
        return Said(
            row=row,
            inference_id=said["inference_id"],
            fingerprint=said.get("fingerprint") or None,
            shown={name: said[name] for name in SHOWN if name in said},
            verdict=said["verdict"].strip().lower(),
            reviewer=said.get("reviewer", ""),
            source_id="",
            decided_at=said.get("decided_at", ""),
            correction=said.get("correction") or None,
            ranking=said.get("ranking", "").split() or None,
            labels=[line for line in said.get("labels", "").splitlines() if line.strip()],
            note=said.get("note", ""),
            seconds=float(said["seconds"]) if said.get("seconds") else None,
            agrees=orjson.loads(said["agrees_with_prelabels"]) if said.get("agrees_with_prelabels") else {},
        )
    except ValueError as wrong:
        return Problem(row, f"{told(wrong)}: seconds are a number, agrees_with_prelabels is JSON.")
