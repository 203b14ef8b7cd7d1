"""Only people let a batch out: what is missing is listed, and a signature says what exactly was signed.

A signature holds as long as the decisions are those that were signed. One more, and it is void; the erasure of an item
takes something out of what was signed and adds nothing to it, so that the signature stands for what is left.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from sinks.review import agreement, manifest
from sinks.review.audit import Audit, Entry, Log, State, Step, vouched
from sinks.review.decisions import known_bytes, parse, same, seal_of, unknown_bytes
from sinks.review.outcomes import Review, reviewed
from sinks.review.refusals import CutRefused

STATEMENT = "I have seen what is in this batch and how it was decided, and agree that its decided items are released."
_VOIDS = (Step.IMPORTED, Step.DECIDED, Step.ADJUDICATED, Step.REJECTED)


class NotReady(CutRefused):
    """A batch cannot be signed; the message lists what is missing."""


@dataclass(frozen=True)
class Signatures:
    """Who has signed what the batch is now, how many it takes, and why earlier signatures are void, if they are."""

    valid: list[Entry]
    needed: int
    void: str | None

    @property
    def complete(self) -> bool:
        return len(self.valid) >= self.needed


def sign(batch: Path, by: str, role: str, at: datetime) -> Signatures:
    """Sign a batch off, for release.

    Args:
        batch: its folder.
        by: who signs.
        role: as what, such as "curator".
        at: when, aware.

    Raises:
        NotReady: lists what is missing.
        TamperedBatch: names the file, or the line of the log, that was changed.
        WrongState: it is not decided, signed already, or rejected.
    """
    with Audit(batch).writing() as log:
        held = vouched(batch, log.entries)
        if log.state in (State.SIGNED_OFF, State.RELEASED, State.REJECTED):
            log.expect(Step.SIGNED_OFF)
        review = _review(batch, log.entries)
        before = signatures_of(log.entries, review)
        lacking = _lacking(batch, log.entries, review)
        if any(same(entry.by) == same(by) for entry in before.valid):
            lacking.append(f"{by} has signed it already: another person has to")
        if lacking:
            raise NotReady(f"{batch} cannot be signed: " + "; ".join(lacking) + ".")
        complete = len(before.valid) + 1 >= before.needed
        _write(log, held, review, by, role, at, complete=complete)
        return signatures_of(log.entries, review)


def reject(batch: Path, by: str, why: str, at: datetime) -> None:
    """Reject a batch, for good. Raises WrongState, TamperedBatch."""
    Audit(batch).append(Step.REJECTED, by, at, why=why)


def missing(batch: Path) -> list[str]:
    """Return what has to be done before a batch can be signed, each in a clause; nothing, where it can.

    Raises TamperedBatch.
    """
    entries = Audit(batch).steps()
    vouched(batch, entries)
    return _lacking(batch, entries, _review(batch, entries))


def signatures(batch: Path) -> Signatures:
    """Return the signatures of a batch that hold now. Raises TamperedBatch."""
    entries = Audit(batch).steps()
    vouched(batch, entries)
    return signatures_of(entries, _review(batch, entries), longer=unknown_bytes(batch, entries))


def signatures_of(entries: list[Entry], review: Review, *, longer: int = 0) -> Signatures:
    """Return the signatures among the steps that are of what is decided now."""
    signed = list[Entry]()
    void = None
    for entry in entries:
        if entry.step is Step.SIGNED_OFF:
            signed.append(entry)
        elif signed and entry.step in _VOIDS:
            names = " and ".join(each.by for each in signed)
            said = "the batch was" if entry.step is Step.REJECTED else "decisions were"
            again = "" if entry.step is Step.REJECTED else " Sign again."
            void = f"What {names} signed is void: {said} {entry.step} by {entry.by} on {entry.at}.{again}"
            signed = []
    if signed and longer > 0:
        void = "What was signed is void: decisions.jsonl has lines that the audit log does not know. Take them out."
        signed = []
    return Signatures(signed, 2 if review.sensitive else 1, void if not signed else None)


def _review(batch: Path, entries: list[Entry]) -> Review:
    return reviewed(batch, parse(known_bytes(batch, entries), batch), entries)


def _lacking(batch: Path, entries: list[Entry], review: Review) -> list[str]:
    lacking = []
    if not review.outcomes:
        lacking.append("it has no items")
    if review.open:
        audits = sum(each.pending for each in review.trusts.values())
        waits = f", {audits} pre-labels whose audit is not done" if audits else ""
        lacking.append(
            f"{len(review.open)} of {len(review.outcomes)} items are open, {len(review.conflicts)} of them in conflict"
            f"{waits}: `sluice batch review` and `sluice batch conflicts` go through them"
        )
    if unknown_bytes(batch, entries) > 0:
        lacking.append("decisions.jsonl has lines that the audit log does not know: the next decision takes them out")
    least = manifest.read(batch).policy.participation.least_agreement
    alpha = agreement.of_verdicts(review.decisions).alpha
    if least is not None and (alpha.value is None or alpha.value < least):
        found = "cannot be told" if alpha.value is None else f"is {alpha.value:.2f}"
        lacking.append(f"agreement (alpha, {alpha.items} items) {found}, where the policy asks for {least:.2f}")
    return lacking


def _write(
    log: Log, held: manifest.Manifest, review: Review, by: str, role: str, at: datetime, *, complete: bool
) -> None:
    outcomes = review.outcomes.values()
    alpha = agreement.of_verdicts(review.decisions).alpha
    participation: dict[str, JsonValue] = {
        "mode": held.policy.participation.mode,
        "by_people": sum(each.prelabel is None for each in outcomes),
        "by_prelabel": dict(Counter(each.prelabel for each in outcomes if each.prelabel)),
        "audits": {
            str(label): {"checked": each.checked, "wrong": each.wrong, "bound": each.bound, "stands": each.stands}
            for label, each in review.trusts.items()
        },
    }
    log.append(
        Step.SIGNED_OFF,
        by,
        at,
        role=role,
        statement=STATEMENT,
        complete=complete,
        manifest_sha256=held.sha256,
        items=len(outcomes),
        verdicts=cast(JsonValue, dict(Counter(str(each.verdict) for each in outcomes))),
        two_people=sum(each > 1 for each in review.plan.people.values()),
        alpha=None if alpha.value is None else round(alpha.value, 4),
        participation=participation,
        signed_decisions=seal_of(log.entries).sha256,
    )
