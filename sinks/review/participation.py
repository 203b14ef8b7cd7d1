"""How much of a batch people decide themselves: chosen by the policy, and recorded with the signature."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from scipy.special import betaincinv

Share = Annotated[float, Field(ge=0, le=1)]


class Participation(BaseModel):
    """Whatever the mode, nothing leaves without a person's signature; what is sensitive takes two.

    full: a person decides every item. partial: a pre-label stands where people's audit of a sample shows that no more
    than `max_error_rate` of such labels are wrong, at `confidence`. minimal: it stands unless the audit shows that more
    are; people see exceptions only: items without such a label, with labels that contradict one another or are less
    sure than `least_score`, sensitive ones, and the audit's sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    mode: Literal["full", "partial", "minimal"] = Field("full", description="full, partial or minimal.")
    verdicts: dict[str, Literal["accept", "reject"]] = Field(
        default_factory=dict,
        description='What a pre-label decides where it stands: `name=value`, as in "quality=good", and a verdict.',
    )
    audit_share: Share = Field(
        0.2,
        description="Share of the items with such a label that people decide all the same; in partial mode at least as "
        "many as can show the rate.",
    )
    max_error_rate: Share = Field(0.05, description="Share of wrong labels that is borne.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="How sure that must be (one-sided, Clopper and Pearson).")
    least_score: Share = Field(0.8, description="In minimal mode: a label that is less sure is an exception.")
    double_review_share: Share = Field(0.1, description="Share of items that two people decide, blind to each other.")
    least_agreement: float | None = Field(
        None,
        ge=-1,
        le=1,
        description="Krippendorff's alpha of the verdicts, below which nobody can sign; none: no limit.",
    )
    sensitive_reasons: tuple[str, ...] = Field((), strict=False, description="Items of these reasons are sensitive.")
    sensitive_segments: tuple[str, ...] = Field(
        (), strict=False, description="Items whose segment contains one of these words are sensitive."
    )
    sensitive_labels: tuple[str, ...] = Field(
        (), strict=False, description="Items with a label of one of these names are sensitive."
    )

    @property
    def least_audit(self) -> int:
        """How many labels, all of them right, show that no more than `max_error_rate` are wrong."""
        if not self.max_error_rate:
            return 2**31  # no sample shows that none is wrong: people decide all
        return (
            1
            if self.max_error_rate == 1
            else math.ceil(math.log(1 - self.confidence) / math.log1p(-self.max_error_rate))
        )


class Label(NamedTuple):
    """What a service said of an item, written `name=value`."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True)
class Reviewable:
    """An item, as far as it matters for who decides it; `labels` with their scores."""

    inference_id: str
    reasons: tuple[str, ...]
    segment: str
    labels: tuple[tuple[Label, float | None], ...]


@dataclass(frozen=True)
class Plan:
    """Who decides what.

    `people`: of each item, how many have to decide it; 0 where its label in `stands` may. `audited`: of each label, the
    items by which people check it, which need a person like any other. `sensitive`: items that take two signatures.
    """

    people: dict[str, int]
    stands: dict[str, Label]
    audited: dict[Label, frozenset[str]]
    sensitive: frozenset[str]


@dataclass(frozen=True)
class Trust:
    """What the audit of a label has shown.

    Args:
        needed: items of the audit.
        checked: of them, decided by people.
        wrong: of those, with another verdict than the label's.
        bound: of the rate of wrong ones, one-sided: the upper in partial mode, the lower in minimal mode.
        stands: whether what the label says stands where no person decided. Never before the audit is done: to stop as
            soon as it looks well would make the bound too low.
    """

    needed: int
    checked: int
    wrong: int
    bound: float
    stands: bool

    @property
    def pending(self) -> bool:
        return self.checked < self.needed


def planned(items: Sequence[Reviewable], policy: Participation, seed: int) -> Plan:
    """Return who decides what; the same items, policy and seed give the same plan, in whatever order they come."""
    sensitive = frozenset(item.inference_id for item in items if _is_sensitive(item, policy))
    double = {each.inference_id for each in items if _draw(each.inference_id, seed, "two") < policy.double_review_share}
    people = {item.inference_id: 2 if item.inference_id in double else 1 for item in items}
    stands: dict[str, Label] = {}
    if policy.mode != "full":
        for item in items:
            label = _standing_label(item, policy)
            if label and item.inference_id not in sensitive:
                stands[item.inference_id] = label
    audited = _audited(stands, policy, seed)
    checked = frozenset[str]().union(*audited.values())
    people |= {name: 0 for name in stands if name not in checked}
    return Plan(people, stands, audited, sensitive)


def trust(label: Label, plan: Plan, verdicts: Mapping[str, str | None], policy: Participation) -> Trust:
    """Return what the audit of a label has shown, by the verdicts that people have reached (None: not yet).

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934.
    """
    sample = plan.audited[label]
    found = [verdict for name in sample if (verdict := verdicts.get(name)) is not None]
    wrong = sum(verdict != policy.verdicts[str(label)] for verdict in found)
    bound = _bound(wrong, len(found), policy)
    done = bool(sample) and len(found) == len(sample)
    holds = bound <= policy.max_error_rate
    return Trust(len(sample), len(found), wrong, round(bound, 6), done and holds)


def _bound(wrong: int, checked: int, policy: Participation) -> float:
    """Return the one-sided bound as a quantile of a beta distribution."""
    if policy.mode == "partial":
        return 1.0 if wrong == checked else float(betaincinv(wrong + 1, checked - wrong, policy.confidence))
    return 0.0 if not wrong else float(betaincinv(wrong, checked - wrong + 1, 1 - policy.confidence))


def _is_sensitive(item: Reviewable, policy: Participation) -> bool:
    names = {each for label, _ in item.labels for each in (label.name, str(label))}
    return (
        not names.isdisjoint(policy.sensitive_labels)
        or not set(item.reasons).isdisjoint(policy.sensitive_reasons)
        or any(word in item.segment for word in policy.sensitive_segments)
    )


def _standing_label(item: Reviewable, policy: Participation) -> Label | None:
    """Return the label that may decide an item: the first of those that have a verdict, unless they contradict."""
    said = [(label, score) for label, score in item.labels if str(label) in policy.verdicts]
    if len({policy.verdicts[str(label)] for label, _ in said}) != 1:
        return None
    if policy.mode == "minimal" and any(score is not None and score < policy.least_score for _, score in said):
        return None
    return min(label for label, _ in said)


def _audited(stands: Mapping[str, Label], policy: Participation, seed: int) -> dict[Label, frozenset[str]]:
    by_label: dict[Label, list[str]] = defaultdict(list)
    for name, label in stands.items():
        by_label[label].append(name)
    found = {}
    for label, names in sorted(by_label.items()):
        size = max(1, math.ceil(policy.audit_share * len(names)))
        if policy.mode == "partial":
            size = max(size, policy.least_audit)
        drawn = sorted(names, key=lambda name: (_draw(name, seed, f"audit {label}"), name))
        found[label] = frozenset(drawn[:size])
    return found


def _draw(inference_id: str, seed: int, what: str) -> float:
    """Return a number in [0, 1) that looks random to whoever does not know the seed, and is always the same."""
    key = blake2b(what.encode(), key=seed.to_bytes(8, "big"), digest_size=32).digest()
    drawn = blake2b(inference_id.encode(), key=key, digest_size=8).digest()
    return int.from_bytes(drawn, "big") / 2**64
