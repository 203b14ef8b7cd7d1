"""What was decided about each item: by people, by a pre-label that stands, in conflict, or open.

A person who decides an item again supersedes what they said before. What two people said differently is a conflict
until a third adjudicates it. How many have to decide an item, and which pre-labels stand, the policy says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
from pydantic import JsonValue

from sinks.review import manifest
from sinks.review.audit import Audit, Entry, Step
from sinks.review.decisions import Decision, Verdict, known_bytes, parse, same
from sinks.review.participation import Label, Plan, Reviewable, Trust, planned, trust
from sinks.review.refusals import TamperedBatch


class Standing(StrEnum):
    """Whether an item is decided."""

    OPEN = "open"
    CONFLICT = "conflict"
    DECIDED = "decided"


@dataclass(frozen=True)
class Outcome:
    """What was decided about an item; the verdict and what goes with it are None unless `standing` is decided.

    `reviewers` and `decision_ids` are those that count, sorted: who skipped, and what was superseded, is left out.
    `labels` are all that any of them gave. `prelabel` is the `name=value` that stands where no person decided.
    """

    inference_id: str
    standing: Standing
    verdict: Verdict | None = None
    correction: str | list[dict[str, JsonValue]] | None = None
    ranking: list[str] | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    decision_ids: tuple[str, ...] = ()
    adjudicated_by: str | None = None
    prelabel: str | None = None


def latest(decisions: Iterable[Decision]) -> list[Decision]:
    """Return what counts, sorted by item, then person: of each person and item the last review; all adjudications."""
    last: dict[tuple[str, str, str], Decision] = {}
    for each in decisions:
        key = (each.inference_id, same(each.reviewer), each.decision_id if each.adjudicates else "")
        if key not in last or last[key].order < each.order:
            last[key] = each
    return [last[key] for key in sorted(last)]


def settle(decisions: Iterable[Decision], people: Mapping[str, int]) -> dict[str, Outcome]:
    """Return the outcome of each item by what people said, in the order of `people`.

    Args:
        decisions: in any order.
        people: of each item, how many have to decide it; where it is 0, one who did counts all the same.
    """
    by_item = {name: list(said) for name, said in groupby(latest(decisions), key=lambda each: each.inference_id)}
    return {name: _outcome(name, by_item.get(name, []), needed) for name, needed in people.items()}


def _outcome(inference_id: str, said: list[Decision], needed: int) -> Outcome:
    reviews = [each for each in said if not each.adjudicates and each.verdict != "skip"]
    ids = {each.decision_id for each in reviews}
    reviewers = tuple(sorted({each.reviewer for each in reviews}))
    if len(reviews) < max(needed, 1):
        return Outcome(inference_id, Standing.OPEN, reviewers=reviewers, decision_ids=tuple(sorted(ids)))
    final, judge = min(reviews, key=lambda each: each.order), None
    if len({each.substance for each in reviews}) > 1:
        # Who changes their mind, or decides after the adjudication, was not heard by it: it does not settle that.
        judged = [each for each in said if each.adjudicates and ids <= set(each.adjudicates)]
        if not judged:
            return Outcome(inference_id, Standing.CONFLICT, reviewers=reviewers, decision_ids=tuple(sorted(ids)))
        final = max(judged, key=lambda each: each.order)
        judge = final.reviewer
        ids.add(final.decision_id)
    return Outcome(
        inference_id,
        Standing.DECIDED,
        verdict=final.verdict,
        correction=final.correction,
        ranking=final.ranking,
        labels=tuple(sorted({label for each in (*reviews, final) for label in each.labels})),
        reviewers=reviewers,
        decision_ids=tuple(sorted(ids)),
        adjudicated_by=judge,
    )


@dataclass(frozen=True)
class Review:
    """A batch's review as it stands.

    `trusts` are the pre-labels of the policy that are in the batch, and whether what they say stands.
    """

    plan: Plan
    decisions: list[Decision]
    outcomes: dict[str, Outcome]
    trusts: dict[Label, Trust]
    sensitive_labels: frozenset[str]

    @property
    def open(self) -> list[str]:
        """Items that are not decided, conflicts included, in the batch's order."""
        return [name for name, each in self.outcomes.items() if each.standing is not Standing.DECIDED]

    @property
    def conflicts(self) -> list[str]:
        return [name for name, each in self.outcomes.items() if each.standing is Standing.CONFLICT]

    @property
    def sensitive(self) -> list[str]:
        """Items that take two signatures: by the policy's reasons, segments or labels, also those that people gave."""
        named = self.sensitive_labels
        return [
            name
            for name, each in self.outcomes.items()
            if name in self.plan.sensitive or not named.isdisjoint(each.labels)
        ]

    def waiting_for(self, person: str) -> list[str]:
        """Return the items that this person could decide now: who decided or skipped one is not asked again. What a
        label may still decide is kept until the audit of the label is done.

        They are in the batch's order, and begin for each of those who decide at another place, so that two who sit at
        it at once do not decide the same.
        """
        seen = {each.inference_id for each in self.decisions if same(each.reviewer) == same(person)}
        waiting = [
            name
            for name, each in self.outcomes.items()
            if each.standing is Standing.OPEN and name not in seen and not self._label_may_decide(name)
        ]
        people = sorted({same(each.reviewer) for each in self.decisions} | {same(person)})
        begin = len(waiting) * people.index(same(person)) // len(people)
        return waiting[begin:] + waiting[:begin]

    def _label_may_decide(self, name: str) -> bool:
        label = self.plan.stands.get(name)
        return self.plan.people[name] == 0 and label is not None and self.trusts[label].pending


def resolved(batch: Path) -> dict[str, Outcome]:
    """Return the outcome of every item, in the batch's order. Raises NotABatch, TamperedBatch."""
    return survey(batch).outcomes


def survey(batch: Path) -> Review:
    """Return a batch's review as it stands. Raises NotABatch, TamperedBatch."""
    entries = Audit(batch).steps()
    return reviewed(batch, parse(known_bytes(batch, entries), batch), entries)


def reviewed(batch: Path, decisions: Sequence[Decision], entries: Iterable[Entry] = ()) -> Review:
    """Return the review that comes of these decisions, and of what was signed about them, if these are all steps.

    A label that stood when the batch was signed stands for as long as the signature does: an erasure of an audited item
    takes it out of the audit, and asks for no other in its place.
    """
    signed = _signed_labels(batch, entries)
    policy = manifest.read(batch).policy
    plan = planned(reviewables(batch), policy.participation, policy.seed)
    outcomes = settle(decisions, plan.people)
    verdicts = {name: each.verdict for name, each in outcomes.items()}
    trusts = {label: trust(label, plan, verdicts, policy.participation) for label in plan.audited}
    for label, found in trusts.items():
        if str(label) in signed:
            trusts[label] = replace(found, needed=found.checked, stands=True)
    for name, label in plan.stands.items():
        # Where people have said something, what they say counts, also while they contradict one another.
        free = not plan.people[name] or str(label) in signed
        if free and not outcomes[name].decision_ids and trusts[label].stands:
            verdict = policy.participation.verdicts[str(label)]
            outcomes[name] = Outcome(name, Standing.DECIDED, verdict=verdict, prelabel=str(label))
    return Review(plan, list(decisions), outcomes, trusts, frozenset(policy.participation.sensitive_labels))


def _signed_labels(batch: Path, entries: Iterable[Entry]) -> frozenset[str]:
    """Return the labels of which a signature says that they stand, unless something was decided since.

    Raises TamperedBatch: a signature does not say which.
    """
    signed: frozenset[str] = frozenset()
    for entry in entries:
        if entry.step is Step.SIGNED_OFF:
            try:
                audits = cast(Any, entry.facts["participation"])["audits"]
                signed = frozenset(label for label, audit in audits.items() if audit["stands"])
            except (LookupError, TypeError, AttributeError):
                raise TamperedBatch(
                    f"{batch}: line {entry.number} of the audit log is a signature as Sluice writes none. Restore the "
                    "log from a copy; do not release this batch."
                ) from None
        elif entry.step in (Step.IMPORTED, Step.DECIDED, Step.ADJUDICATED):
            signed = frozenset()
    return signed


def reviewables(batch: Path) -> list[Reviewable]:
    """Return what matters of each item for who decides it, in the batch's order."""
    columns = ["inference_id", "reasons", "segment", "prelabels"]
    return [
        Reviewable(
            inference_id=item["inference_id"],
            reasons=tuple(item["reasons"] or ()),
            segment=item["segment"] or "",
            labels=tuple((Label(each["name"], each["value"]), each["score"]) for each in item["prelabels"] or ()),
        )
        for item in pq.read_table(batch / "items.parquet", columns=columns).to_pylist()
    ]
