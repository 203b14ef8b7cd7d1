"""Lines of JSON, as they were exported and filled in, become what people said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from sinks.review.imports.said import Problem, Said, told

SHOWN = ("dialogue", "answers")


def read(path: Path) -> Iterator[Said | Problem]:
    """Give what each line says; empty lines say nothing."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _line(f"line {number}", line)


def _line(row: str, line: bytes) -> Said | Problem:
    try:
        said: dict[str, Any] = orjson.loads(line)
        return Said(
            row=row,
            inference_id=said["inference_id"],
            fingerprint=said.get("fingerprint"),
            shown={name: said[name] for name in SHOWN if name in said},
            verdict=said.get("verdict") or "",
            reviewer=said.get("reviewer") or "",
            source_id="",
            decided_at=said.get("decided_at") or "",
            correction=said.get("correction"),
            ranking=said.get("ranking"),
            labels=said.get("labels") or [],
            note=said.get("note") or "",
            seconds=said.get("seconds"),
            agrees=said.get("agrees_with_prelabels") or {},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        return Problem(row, f"No decision ({told(wrong)}): a line is a JSON object with inference_id and verdict.")
