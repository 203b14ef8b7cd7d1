"""A file that came back is checked row by row against its batch; what is right is kept, what is not is listed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from sinks.review import decisions
from sinks.review.audit import Step
from sinks.review.decisions import Decision
from sinks.review.exports.sheet import sheets
from sinks.review.imports.checking import Known, consistent, known, wrong
from sinks.review.imports.deciding import as_kept, decided
from sinks.review.imports.forms import FORMS, Form
from sinks.review.imports.said import Problem, Said, told
from sinks.review.manifest import verify
from sinks.review.recording import record

NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Receipt:
    """What came of an import: rows that were read; decisions that were new, and known before; rows that nobody had
    decided; and what was not taken. `open` and `conflicts` are items of the batch, as it stands now."""

    rows: int
    added: int
    known: int
    undecided: int
    problems: list[Problem]
    open: int
    conflicts: int


class Checked(NamedTuple):
    """What a file says: how many rows, of which nobody had decided so many; the decisions, and what is not taken."""

    rows: int
    undecided: int
    decisions: list[Decision]
    problems: list[Problem]


def receive(batch: Path, path: Path, form: str, by: str, at: datetime, names: Mapping[str, str] = NOBODY) -> Receipt:
    """Take in the decisions of a file, each once however often it comes.

    Args:
        batch: the folder of the batch that was exported.
        path: the file.
        form: a key of FORMS.
        by: who imports; the reviewer of rows that name none.
        at: when, aware; rows without a time were decided then.
        names: of people whom the file knows by a number or id of the tool. Give the same ones at each import: under
            another name, one is another person.

    Raises:
        NotABatch, TamperedBatch: there is no batch, or its files or decisions were edited.
        WrongState: it is rejected.
        OSError: the file cannot be read.
    """
    name = verify(batch).window.name
    kind = FORMS[form]
    items = {sheet.inference_id: known(sheet, kind.shown(sheet)) for sheet in sheets(batch)}
    kept = {each.decision_id: each for each in decisions.read(batch)}
    came = checked(path, kind, items, lambda said: as_kept(decided(said, name, by, at, kind.source, names), kept))
    refused = len(came.problems)
    recorded = record(batch, came.decisions, Step.IMPORTED, by, at, source=kind.source, refused=refused)
    review = recorded.review
    counts = recorded.added, recorded.known, came.undecided
    return Receipt(came.rows, *counts, came.problems, len(review.open), len(review.conflicts))


def checked(path: Path, kind: Form, items: Mapping[str, Known], decision: Callable[[Said], Decision]) -> Checked:
    """Read a file against the items that were exported. Raises OSError.

    Args:
        path: the file.
        kind: what reads it.
        items: by their ids.
        decision: makes one of a row; may raise pydantic's ValidationError and orjson's JSONEncodeError.
    """
    problems: list[Problem] = []
    taken: list[tuple[str, Decision]] = []
    rows = undecided = 0
    for said in kind.read(path):
        rows += 1
        if isinstance(said, Problem):
            problems.append(said)
        elif not said.verdict:
            undecided += 1
        elif why := _wrong(said, items):
            problems.append(Problem(said.row, why))
        else:
            try:
                taken.append((said.row, decision(said)))
            except (ValidationError, orjson.JSONEncodeError) as error:
                problems.append(Problem(said.row, f"{said.inference_id}: {told(error)}."))
    good, conflicting = consistent(taken)
    return Checked(rows, undecided, good, problems + conflicting)


def _wrong(said: Said, items: Mapping[str, Known]) -> str | None:
    try:
        return wrong(said, items)
    except orjson.JSONEncodeError as error:  # half a surrogate, or a number of many digits, which was never exported
        return f"{said.inference_id}: {told(error)}: decide it on a fresh export."
