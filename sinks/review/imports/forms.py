"""Which files can come back: how each is read, what of an item it shows, and through what its decisions came."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sinks.review.decisions import Source
from sinks.review.exports import argilla as argilla_out
from sinks.review.exports import csv as csv_out
from sinks.review.exports import jsonl as jsonl_out
from sinks.review.exports import label_studio as label_studio_out
from sinks.review.exports.sheet import Sheet
from sinks.review.imports import argilla, csv, jsonl, label_studio
from sinks.review.imports.said import Problem, Said


class Form(NamedTuple):
    """A kind of file: its reader, what of a sheet it shows, and the source that its decisions name."""

    read: Callable[[Path], Iterator[Said | Problem]]
    shown: Callable[[Sheet], Mapping[str, Any]]
    source: Source


FORMS: Mapping[str, Form] = {
    "label-studio": Form(label_studio.read, label_studio_out.shown, "label_studio"),
    "argilla": Form(argilla.read, argilla_out.shown, "argilla"),
    "csv": Form(csv.read, csv_out.shown, "csv"),
    "jsonl": Form(jsonl.read, jsonl_out.shown, "jsonl"),
}
