"""A JSON array too long for memory becomes its members, one after the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from sinks.review.faults import WHAT
from sinks.review.imports.said import Problem
from sinks.review.report.visible import line


def members(path: Path) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
    """Give the objects of an array with their numbers, from 1 on; where it breaks off, that is the last."""
    number = 0
    with path.open("rb") as file:
        if file.read(64).lstrip()[:1] != b"[":
            yield 1, Problem("member 1", "The file is no JSON array: export anew, as JSON.")
            return
        file.seek(0)
        try:
            for number, each in enumerate(ijson.items(file, "item", use_float=True), 1):
                known = isinstance(each, dict)
                yield number, each if known else Problem(f"member {number}", "Not an object: export anew.")
        except (ijson.JSONError, UnicodeDecodeError) as wrong:
            yield number + 1, Problem(f"member {number + 1}", f"Not JSON ({line(str(wrong), WHAT)}): export anew.")
