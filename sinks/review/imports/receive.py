"""A file that came back is checked row by row against its batch; what is right is kept, what is not is listed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from sinks.review import decisions
from sinks.review.audit import Step
from sinks.review.decisions import Decision, Source, identity, same
from sinks.review.exports import argilla as argilla_out
from sinks.review.exports import csv as csv_out
from sinks.review.exports import jsonl as jsonl_out
from sinks.review.exports import label_studio as label_studio_out
from sinks.review.exports.sheet import Sheet, sheets
from sinks.review.imports import argilla, csv, jsonl, label_studio
from sinks.review.imports.said import VERDICTS, Problem, Said
from sinks.review.manifest import verify
from sinks.review.recording import record


class Form(NamedTuple):
    """A kind of file: how it is read, what of a sheet it shows, and what its decisions say they came through."""

    read: Callable[[Path], Iterator[Said | Problem]]
    shown: Callable[[Sheet], Mapping[str, Any]]
    source: Source


FORMS: Mapping[str, Form] = {
    "label-studio": Form(label_studio.read, label_studio_out.shown, "label_studio"),
    "argilla": Form(argilla.read, argilla_out.shown, "argilla"),
    "csv": Form(csv.read, csv_out.shown, "csv"),
    "jsonl": Form(jsonl.read, jsonl_out.shown, "jsonl"),
}


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


class _Known(NamedTuple):
    fingerprint: str
    shown: dict[str, str]  # by name, the hash of what the export showed
    answers: frozenset[str]


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
    known = {sheet.inference_id: _known(sheet, kind) for sheet in sheets(batch)}
    kept = {each.decision_id: each for each in decisions.read(batch)}
    problems: list[Problem] = []
    decided: list[tuple[str, Decision]] = []
    rows = undecided = 0
    for said in kind.read(path):
        rows += 1
        if isinstance(said, Problem):
            problems.append(said)
        elif not said.verdict:
            undecided += 1
        elif why := _wrong(said, known):
            problems.append(Problem(said.row, why))
        else:
            try:
                decided.append((said.row, _as_kept(_decision(said, name, by, at, kind.source, names), kept)))
            except ValidationError as wrong:
                first = wrong.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"]))
                problems.append(
                    Problem(said.row, f"{said.inference_id}: {where + ': ' if where else ''}{first['msg']}.")
                )
    good, conflicting = _consistent(decided)
    recorded = record(batch, good, Step.IMPORTED, by, at, source=kind.source, refused=len(problems) + len(conflicting))
    review = recorded.review
    return Receipt(
        rows, recorded.added, recorded.known, undecided, problems + conflicting, len(review.open), len(review.conflicts)
    )


def _known(sheet: Sheet, kind: Form) -> _Known:
    own = {f"{sheet.inference_id}#0"}
    hashes = {name: _hash(text) for name, text in kind.shown(sheet).items()}
    return _Known(sheet.fingerprint, hashes, frozenset(own | {each["id"] for each in sheet.answers}))


def _hash(shown: Any) -> str:
    """Spreadsheets write line ends of their own: these are no change."""
    text = orjson.dumps(shown.replace("\r\n", "\n") if isinstance(shown, str) else shown, option=orjson.OPT_SORT_KEYS)
    return sha256(text).hexdigest()


def _wrong(said: Said, known: Mapping[str, _Known]) -> str | None:
    """Return why a row cannot be taken, with the cure."""
    item = known.get(said.inference_id)
    if item is None:
        return f"{said.inference_id} is no item of this batch: import it into the batch that has it."
    altered = [name for name, text in said.shown.items() if _hash(text) != item.shown.get(name)]
    if altered or said.fingerprint not in (None, item.fingerprint):
        return (
            f"{said.inference_id}: the {altered[0] if altered else 'fingerprint'} is not what was exported, so that "
            "something else was decided on: decide it on a fresh export."
        )
    if said.verdict not in VERDICTS:
        return f"{said.inference_id}: {said.verdict!r} is no verdict: write one of {', '.join(VERDICTS)}."
    if strange := sorted(set(said.ranking or ()) - item.answers):
        return f"{said.inference_id}: the ranking names {strange[0]}, which is none of its answers."
    return None


def _decision(said: Said, batch: str, by: str, at: datetime, source: Source, names: Mapping[str, str]) -> Decision:
    reviewer = _named(said.reviewer.strip(), source, names) or by
    substance = [said.verdict, said.correction, said.ranking, said.labels, said.note, said.seconds, said.decided_at]
    own = said.source_id or sha256(orjson.dumps(substance)).hexdigest()
    return Decision(
        decision_id=identity(batch, said.inference_id, reviewer, f"{source} {own}"),
        batch=batch,
        inference_id=said.inference_id,
        reviewer=reviewer,
        verdict=said.verdict,  # type: ignore[arg-type]  # one of VERDICTS, or _wrong has said so
        correction=said.correction,
        ranking=said.ranking,
        labels=said.labels,
        note=said.note,
        seconds=said.seconds,
        decided_at=_utc(said.decided_at) if said.decided_at else _utc(at.isoformat()),
        source=source,
        agrees_with_prelabels=said.agrees,
    )


def _named(person: str, source: Source, names: Mapping[str, str]) -> str:
    """Return a person's name; a bare number is of the tool that gave it."""
    return names.get(person) or (f"{source} user {person}" if person.isdigit() else person)


def _utc(said: str) -> str:
    """Return a time in UTC, as decisions write it; what is none, or has no zone, is left for the check to name."""
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return said
    if at.tzinfo is None:
        return said
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _as_kept(said: Decision, kept: Mapping[str, Decision]) -> Decision:
    """Return the decision that is kept already where a row that names no time comes again."""
    before = kept.get(said.decision_id)
    alike = before is not None and before.model_copy(update={"decided_at": said.decided_at}) == said
    return before if before is not None and alike else said


def _consistent(decided: Iterable[tuple[str, Decision]]) -> tuple[list[Decision], list[Problem]]:
    """Set aside what one person said of one item at one time in two ways: no order tells which of them holds."""
    by_moment: dict[tuple[str, str, str], list[tuple[str, Decision]]] = defaultdict(list)
    for row, each in decided:
        by_moment[each.inference_id, same(each.reviewer), each.decided_at].append((row, each))
    good, problems = [], []
    for said in by_moment.values():
        if len({each.substance for _, each in said}) == 1:
            good += [each for _, each in said]
            continue
        rows = ", ".join(row for row, _ in said)
        verdicts = ", ".join(each.verdict for _, each in said)
        first = said[0][1]
        problems += [
            Problem(
                row,
                f"{first.inference_id}: {first.reviewer} says {verdicts} in {rows}: leave one of them, or give each "
                "the time at which it was decided.",
            )
            for row, _ in said
        ]
    return good, problems
