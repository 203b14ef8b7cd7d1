"""Instances and tensors of KServe's protocols go in; features and predictions come out, a number or a word each.

Source: KServe's docs on the V1 protocol, and the Open Inference Protocol (V2).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FEATURES = 16  # of a segment that are watched, the first that come; images and embeddings have thousands
MOST_ROWS = 1_000  # of one call that are looked at
_LONGEST_NAME = 64
_CLASSES = 100  # a whole number below it may be a class
_CLASS_NAMES = ("label", "class", "predicted_class", "class_name", "prediction", "predicted_label")
_NUMBER_NAMES = ("prediction", "value", "predicted_value", "y")

Said = float | str


class Features:
    """Reads what models of tables are given; the first FEATURES names of each segment are known, others left out."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def read(self, segment: str, given: object) -> dict[str, Said]:
        """Return features by "feature.NAME", or by place where they have no name: of several rows the mean of the
        numbers, and the first row's word."""
        known = self._known.setdefault(segment, set())
        read: dict[str, Said] = {}
        for name, column in _columns(given):
            if name not in known:
                if len(known) >= FEATURES or len(name) > _LONGEST_NAME:
                    continue
                if _said(column) is not None:
                    known.add(name)
            said = _said(column)
            if said is not None:
                read[f"feature.{name}"] = said
        return read


def prediction(output: object) -> tuple[float | None, str | None]:
    """Return the number and the class that a model predicts, as far as its output says either.

    >>> prediction([0.25, 0.75]), prediction([[0.1, 0.9]]), prediction(["spam"]), prediction([2])
    ((0.5, None), (None, '1'), (None, 'spam'), (2.0, '2'))
    """
    number: float | None = None
    named: str | None = None
    for column in _tensors(output) if _is_tensors(output) else (output,):
        some, word = _predicted(column)
        number = some if number is None else number
        named = word if named is None else named
    return number, named


def _predicted(rows: object) -> tuple[float | None, str | None]:
    if not isinstance(rows, list) or not rows:
        return None, None
    rows, first = rows[:MOST_ROWS], rows[0]
    if isinstance(first, list):
        if len(first) == 1:
            return _predicted([row[0] for row in rows if isinstance(row, list) and row])
        scores = [_number(score) for score in first]
        if len(scores) < 2 or None in scores:
            return None, None
        return None, str(scores.index(max(scores, key=lambda score: score or 0.0)))
    if isinstance(first, dict):
        return _number_in(rows), next((first[n] for n in _CLASS_NAMES if isinstance(first.get(n), str)), None)
    if isinstance(first, str):
        return None, first or None
    whole = isinstance(first, int) and 0 <= first < _CLASSES
    return _mean(rows), str(int(first)) if whole else None


def _number_in(rows: Sequence[Any]) -> float | None:
    name = next((name for name in _NUMBER_NAMES if _number(rows[0].get(name)) is not None), None)
    return _mean([row.get(name) for row in rows if isinstance(row, dict)]) if name else None


def _columns(given: object) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield named columns of what came as rows (lists or objects), as numbers alone, or as tensors."""
    if not isinstance(given, list) or not given:
        return
    if _is_tensors(given):
        for tensor in given:
            yield from _tensor_columns(tensor)
        return
    rows, first = given[:MOST_ROWS], given[0]
    if isinstance(first, dict):
        for name in first:
            yield name, [row.get(name) for row in rows if isinstance(row, dict)]
    elif isinstance(first, list):
        for place in range(min(len(first), FEATURES)):
            yield str(place), [row[place] for row in rows if isinstance(row, list) and len(row) > place]
    else:
        yield "0", rows


def _is_tensors(given: object) -> bool:
    return (
        isinstance(given, list)
        and bool(given)
        and all(isinstance(each, dict) and "name" in each and "data" in each for each in given)
    )


def _tensors(output: Any) -> Iterator[list[Any]]:
    """Yield the rows of each tensor, in its nested form."""
    for tensor in output:
        rows, width = _flat(tensor)
        yield rows if width == 1 else [rows[at : at + width] for at in range(0, len(rows), width)]


def _tensor_columns(tensor: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    name, (values, width) = str(tensor["name"]), _flat(tensor)
    if width == 1:
        yield name, values
    else:
        for place in range(min(width, FEATURES)):
            yield f"{name}.{place}", values[place::width]


def _flat(tensor: Mapping[str, Any]) -> tuple[list[Any], int]:
    """Return a tensor's values in a row, and how many belong to each instance; nothing where it is no table."""
    data, shape = tensor["data"], tensor.get("shape")
    if not isinstance(data, list) or not data:
        return [], 1
    if isinstance(data[0], list):
        width = len(data[0])
        return [value for row in data[:MOST_ROWS] if isinstance(row, list) for value in row], max(width, 1)
    width = shape[1] if isinstance(shape, list) and len(shape) == 2 else 1
    return data[: MOST_ROWS * FEATURES], width if isinstance(width, int) and 0 < width <= len(data) else 1


def _said(column: Sequence[Any]) -> Said | None:
    if not column:
        return None
    return column[0] if isinstance(column[0], str) else _mean(column)


def _mean(values: Sequence[Any]) -> float | None:
    numbers = [number for value in values if (number := _number(value)) is not None]
    return sum(numbers) / len(numbers) if numbers else None


def _number(value: object) -> float | None:
    if not isinstance(value, int | float):
        return None
    try:
        read = float(value)
    except OverflowError:
        return None
    return read if math.isfinite(read) else None
