"""A JSON array too long for memory becomes its members, one after the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson
from ijson.common import ObjectBuilder

from sinks.review.faults import WHAT
from sinks.review.imports.said import Problem
from sinks.review.report.visible import line

DEEPEST = 200  # lists and objects in one another: no export has more, and memory would grow with the square


def members(path: Path) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
    """Give the objects of an array with their numbers, from 1 on; where it breaks off, that is the last."""
    number = 0
    with path.open("rb") as file:
        if file.read(64).lstrip()[:1] != b"[":
            yield 1, Problem("member 1", "The file is no JSON array: export anew, as JSON.")
            return
        file.seek(0)
        try:
            for number, each in enumerate(_values(file), 1):
                known = isinstance(each, dict)
                yield number, each if known else Problem(f"member {number}", "Not an object: export anew.")
        except (ijson.JSONError, UnicodeDecodeError) as wrong:
            yield number + 1, Problem(f"member {number + 1}", f"Not JSON ({line(str(wrong), WHAT)}): export anew.")


def _values(file: BinaryIO) -> Iterator[Any]:
    """Give the values of an array. Raises ijson.JSONError, also for what is nested deeper than DEEPEST."""
    depth, builder = 0, ObjectBuilder()
    for event, value in ijson.basic_parse(file, use_float=True):
        depth -= event.startswith("end_")
        if depth == 1 and not event.startswith("end_"):
            builder = ObjectBuilder()
        inside = depth >= 1
        if inside:
            builder.event(event, value)
        depth += event.startswith("start_")
        if depth > DEEPEST:
            raise ijson.JSONError(f"nested deeper than {DEEPEST}")
        if inside and depth == 1:
            yield builder.value
