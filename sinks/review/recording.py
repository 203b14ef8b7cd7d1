"""Decisions come in, from an import or a person's keys, and are kept: checked, once, durably, and with their step."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import JsonValue

from sinks.review import manifest
from sinks.review.audit import FOLDER, Audit, Log, Step
from sinks.review.decisions import NAME, Decision, InvalidDecision, Seal, known_bytes, parse, same
from sinks.review.folder import sync
from sinks.review.outcomes import Review, Standing, reviewed


@dataclass(frozen=True)
class Recorded:
    """What came of an appending: how many decisions were new, how many known before, and the review as it is now."""

    added: int
    known: int
    review: Review


def record(
    batch: Path, decisions: Sequence[Decision], step: Step, by: str, at: datetime, **facts: JsonValue
) -> Recorded:
    """Append the decisions that are new, and their step to the audit log; where none is new, nothing is written.

    A process that is killed on the way has kept all of them with their step, or none.

    Args:
        batch: its folder.
        decisions: of this batch.
        step: imported, decided or adjudicated.
        by: who does it.
        at: when, aware.
        facts: more of the step, counts and hashes only.

    Raises:
        InvalidDecision: one is of another batch or item, ranks what is not there, adjudicates what is no conflict, or
            has the id of another that says something else; none is kept.
        WrongState: the batch is rejected.
        TamperedBatch: the log, or decisions.jsonl, was edited.
    """
    with Audit(batch).writing() as log:
        log.expect(step)
        before = known_bytes(batch, log.entries)
        path = batch / FOLDER / NAME
        there = parse(before, path)
        fresh = _fresh(decisions, there)
        _check(batch, fresh, there)
        review = reviewed(batch, [*there, *fresh], () if fresh else log.entries)
        if fresh:
            after = before + b"".join(each.line() for each in fresh)
            _append(path, len(before), after[len(before) :])
            _log(log, step, by, at, facts, Seal.of(after), review, len(fresh))
    return Recorded(len(fresh), len(decisions) - len(fresh), review)


def _append(path: Path, length: int, data: bytes) -> None:
    """Append durably behind the first `length` bytes: what is there after them belongs to no step."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(length)
        file.seek(length)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def _log(
    log: Log, step: Step, by: str, at: datetime, facts: dict[str, JsonValue], seal: Seal, review: Review, added: int
) -> None:
    counts: dict[str, JsonValue] = {
        "added": added,
        "decisions": len(review.decisions),
        "open": len(review.open),
        "conflicts": len(review.conflicts),
    }
    log.append(step, by, at, **facts, **counts, **seal.facts())


def _fresh(decisions: Iterable[Decision], there: Iterable[Decision]) -> list[Decision]:
    known = {each.decision_id: each for each in there}
    fresh = []
    for each in decisions:
        if each.decision_id not in known:
            known[each.decision_id] = each
            fresh.append(each)
        elif known[each.decision_id] != each:
            raise InvalidDecision(
                f"{each.inference_id}: decision {each.decision_id} of {each.reviewer} is kept already and says "
                "something else. What changed is a new decision: give it an id of its own."
            )
    return fresh


def _check(batch: Path, fresh: Sequence[Decision], there: Sequence[Decision]) -> None:
    name = manifest.read(batch).window.name
    answers = _answers(batch)
    for each in fresh:
        if each.batch != name:
            raise InvalidDecision(f"{each.inference_id}: decided for {each.batch}, but this is {name}.")
        if each.inference_id not in answers:
            raise InvalidDecision(f"{each.inference_id} is no item of {name}: name the batch that has it.")
        if strange := sorted(set(each.ranking or ()) - answers[each.inference_id]):
            raise InvalidDecision(
                f"{each.inference_id}: the ranking names {strange[0]}, which is none of its answers "
                f"({', '.join(sorted(answers[each.inference_id]))})."
            )
    _check_adjudications(batch, fresh, there)


def _check_adjudications(batch: Path, fresh: Sequence[Decision], there: Sequence[Decision]) -> None:
    judging = [each for each in fresh if each.adjudicates]
    if not judging:
        return
    outcomes = reviewed(batch, [*there, *(each for each in fresh if not each.adjudicates)]).outcomes
    for each in judging:
        outcome = outcomes[each.inference_id]
        if outcome.standing is not Standing.CONFLICT or set(each.adjudicates) != set(outcome.decision_ids):
            raise InvalidDecision(
                f"{each.inference_id} is {outcome.standing}, and these decisions are not in conflict: `sluice batch "
                "conflicts` lists those that are."
            )
        if same(each.reviewer) in map(same, outcome.reviewers):
            raise InvalidDecision(
                f"{each.inference_id}: {each.reviewer} is one of those who disagree; a third person adjudicates."
            )


def _answers(batch: Path) -> dict[str, set[str]]:
    """Return what a ranking of each item may name: its own answer, as choice 0, and the others."""
    table = pq.read_table(batch / "items.parquet", columns=["inference_id", "alternatives"])
    return {
        item["inference_id"]: {
            f"{item['inference_id']}#0",
            *(f"{each['inference_id']}#{each['choice']}" for each in item["alternatives"] or ()),
        }
        for item in table.to_pylist()
    }
