"""What people have done with a batch, read from its decisions and its log: counts, agreement, time, and rates."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from sinks.review import manifest
from sinks.review.agreement import Acceptance, Agreement, of_prelabels, of_verdicts, seconds
from sinks.review.audit import FOLDER, Audit, Step, state
from sinks.review.decisions import same
from sinks.review.estimate import Estimate, Weighed, estimate
from sinks.review.outcomes import Outcome, Review, Standing, survey
from sinks.review.participation import Label
from sinks.review.report.funnel import Decided
from sinks.review.report.page import html
from sinks.review.report.visible import line
from sinks.review.report.write import PAGE, facts

ACCEPTED = ("accept", "correct", "rank")


@dataclass(frozen=True)
class Person:
    """A reviewer: how many decisions, and minutes of those that say how long they took; None where none does."""

    name: str
    decisions: int
    minutes: float | None


@dataclass(frozen=True)
class People:
    """The review as it stands. `rejected` is the share of eligible answers that people would reject, estimated from
    those of the control that people have decided."""

    state: str
    by_label: int
    conflicts: int
    open: int
    verdicts: list[tuple[str, int]]
    agreement: Agreement
    prelabels: list[Acceptance]
    persons: list[Person]
    rejected: Estimate
    signatures: list[tuple[str, str]]


def rewrite(batch: Path) -> Path:
    """Write review/report.html anew, with what people have done; nothing else of the batch is touched.

    Raises NotABatch, TamperedBatch.
    """
    known = facts(batch, manifest.verify(batch))
    outcomes = survey(batch).outcomes
    page = html(known, _decided(batch, outcomes), people(batch))
    path = batch / FOLDER / PAGE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(page)
    return path


def people(batch: Path) -> People:
    """Read the review of a batch. Raises NotABatch, TamperedBatch."""
    review = survey(batch)
    outcomes = list(review.outcomes.values())
    verdicts = Counter(each.verdict for each in outcomes if each.verdict)
    spent = seconds(review.decisions)
    said = Counter(each.reviewer for each in review.decisions)
    return People(
        state=str(state(batch)).replace("_", " "),
        by_label=sum(each.prelabel is not None for each in outcomes),
        conflicts=len(review.conflicts),
        open=len(review.open),
        verdicts=sorted(verdicts.items()),
        agreement=of_verdicts(review.decisions),
        prelabels=of_prelabels(batch, review.decisions),
        persons=[Person(line(name, 60), said[name], _minutes(spent, name)) for name in sorted(said)],
        rejected=rejected(batch, review),
        signatures=[
            (line(each.by, 60), each.at)
            for each in Audit(batch).steps()
            if each.step in (Step.SIGNED_OFF, Step.REJECTED)
        ],
    )


def _minutes(spent: dict[str, tuple[int, float]], name: str) -> float | None:
    return spent[same(name)][1] / 60 if same(name) in spent else None


def _decided(batch: Path, outcomes: dict[str, Outcome]) -> Decided:
    decided = [each for each in outcomes.values() if each.standing is Standing.DECIDED]
    released = [each.facts.get("items") for each in Audit(batch).steps() if each.step is Step.RELEASED]
    last = released[-1] if released else None
    return Decided(
        decided=len(decided),
        accepted=sum(each.verdict in ACCEPTED for each in decided),
        released=last if isinstance(last, int) else None,
    )


def rejected(batch: Path, review: Review) -> Estimate:
    """Estimate the share of eligible answers that people would reject, from those of the control that they decided.

    What a label decided is no person's word, and may be wrong as often as the policy bears. The items of the control
    with that label which people audit, drawn by chance, stand for those with it that people do not see.
    """
    columns = pq.read_table(batch / "items.parquet", columns=["inference_id", "control_weight"]).to_pylist()
    weights = {each["inference_id"]: each["control_weight"] for each in columns if each["control_weight"] is not None}
    by_people: dict[Label | None, dict[str, float]] = defaultdict(dict)
    all_of: Counter[Label | None] = Counter()
    for name, weight in weights.items():
        outcome, label = review.outcomes[name], review.plan.stands.get(name)
        if outcome.standing is Standing.DECIDED:
            all_of[label] += weight
            if outcome.prelabel is None:
                by_people[label][name] = weight
    weighed = [
        Weighed(weight * all_of[label] / sum(judged.values()), review.outcomes[name].verdict == "reject")
        for label, judged in by_people.items()
        for name, weight in judged.items()
    ]
    return estimate(weighed, unjudged=sum(weight for label, weight in all_of.items() if label not in by_people))
