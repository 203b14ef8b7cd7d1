"""A batch is written for one kind of tool into review/exports/, whole or not at all, and the log says so."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sinks.review.audit import FOLDER, Audit, Step
from sinks.review.exports import argilla, csv, huggingface, jsonl, label_studio
from sinks.review.exports.sheet import sheets
from sinks.review.folder import sync
from sinks.review.manifest import verify

WRITERS: Mapping[str, Callable[[Path, Path], int]] = {
    "label-studio": lambda folder, batch: label_studio.write(folder, sheets(batch)),
    "argilla": lambda folder, batch: argilla.write(folder, sheets(batch)),
    "huggingface": huggingface.write,
    "csv": lambda folder, batch: csv.write(folder, sheets(batch)),
    "jsonl": lambda folder, batch: jsonl.write(folder, sheets(batch)),
}


@dataclass(frozen=True)
class Exported:
    """Where an export lies, and how many items are in it."""

    folder: Path
    items: int


def export(batch: Path, to: str, by: str, at: datetime) -> Exported:
    """Write a batch for a tool; the same batch gives the same bytes, over those of an export before.

    Args:
        batch: its folder.
        to: a key of WRITERS.
        by: who does it.
        at: when, aware.

    Raises:
        NotABatch, TamperedBatch: there is no batch, or not the one that was cut.
        WrongState: it is rejected.
    """
    verify(batch)
    place = batch / FOLDER / "exports" / to.replace("-", "_")
    with Audit(batch).writing() as log:
        log.expect(Step.EXPORTED)
        beside = place.with_name(f"{place.name}.partial")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        items = WRITERS[to](beside, batch)
        for path in sorted(place.glob("pushed-*.json")):  # else the next push would send again what is there
            shutil.copy2(path, beside / path.name)
        for path in (*sorted(beside.rglob("*")), beside):
            sync(path)
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)
        sync(place.parent)
        log.append(Step.EXPORTED, by, at, to=to, items=items)
    return Exported(place, items)
