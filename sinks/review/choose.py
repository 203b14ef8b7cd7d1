"""Candidates of all reasons become a batch: under quotas, a budget, and caps, with near-duplicates folded.

The control comes first and is never moved by what else is picked. Where a cap or a near-duplicate keeps one of its
draws out of the batch, those that stay weigh more: of a group over its cap those with the lowest hashes stay and carry
the weight of all of it (a second phase of sampling, uniform within the group), and a draw that is folded adds its
weight to the item that it folds into. So the weights still add up to all eligible inferences, and estimates stay
without bias (Horvitz and Thompson, JASA 47, 1952), as far as a near-duplicate is judged as its twin is.

Then the other reasons are served in turn, one candidate each, so that a short budget is shared equally. An item that
several reasons want counts in the quota of each, and in the budget once; a near-duplicate of what a reason has already
counts in neither, so that an incident of a thousand equal errors does not use up a quota.

How far a reason came is known only then: where it draws, an item's inclusion probability is the share of those it draws
from that it went through, down to the last that it took.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from sinks.review.candidates import Alternative, Around, Candidate, Draw, Reason
from sinks.review.folding import Folds
from sinks.review.policy import Policy

MORE = 4  # candidates for each item of a quota: some are capped, folded, or wanted by other reasons


@dataclass(frozen=True)
class Known:
    """What caps and folding have to know of a candidate: `text` is what near-duplicates are told by."""

    user_id: str | None
    topic: str | None
    text: str
    late: bool


@dataclass
class Pick:
    """One item to be: its reasons in the order of Reason, and what each knows about it."""

    inference_id: str
    late: bool = False
    topic: str | None = None
    control_weight: float | None = None
    why: dict[Reason, str] = field(default_factory=dict)
    draws: dict[Reason, Draw | None] = field(default_factory=dict)
    probabilities: dict[Reason, float] = field(default_factory=dict)
    findings: list[Around] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)
    folded: list[str] = field(default_factory=list)

    @property
    def reasons(self) -> list[Reason]:
        return sorted(self.why)


class Choice:
    """A batch while it is put together.

    Args:
        policy: the limits.
        eligible: N, how many inferences the control is drawn from.
        known: of each candidate.
    """

    def __init__(self, policy: Policy, eligible: int, known: Mapping[str, Known]) -> None:
        self._policy, self._eligible, self._known = policy, eligible, known
        self._folds = Folds(policy.folding.jaccard)
        self._picks: dict[str, Pick] = {}
        self._of_user: Counter[str] = Counter()
        self._of_topic: Counter[str] = Counter()
        self._of_reason: Counter[Reason] = Counter()
        self._reached: Counter[tuple[Reason, str]] = Counter()

    def draw(self, control: Sequence[Candidate]) -> None:
        """Take the control: its draws, in the order of their hashes; at most as many as the policy has room for."""
        drawn = control[: self._policy.control]
        if not drawn:
            return
        self._reached[Reason.CONTROL, ""] = len(drawn)  # also those that a cap then leaves out: others stand for them
        weights = dict.fromkeys((each.inference_id for each in drawn), self._eligible / len(drawn))
        for name_of, cap in ((self._user, self._policy.caps.per_user), (self._topic, self._policy.caps.per_topic)):
            weights = _capped(weights, name_of, cap)
        for candidate in drawn:
            if (weight := weights.get(candidate.inference_id)) is None:
                continue
            pick = self._take(Reason.CONTROL, candidate)
            if pick is not None:
                pick.control_weight = (pick.control_weight or 0.0) + weight

    def serve(self, wanted: Mapping[Reason, Sequence[Candidate]]) -> None:
        """Serve the other reasons, one candidate each in turn, until quotas, candidates or the budget are used up."""
        queues = {reason: iter(candidates) for reason, candidates in wanted.items()}
        while queues:
            for reason in list(queues):
                if self._of_reason[reason] >= self._quota(reason) or not self._next(reason, queues[reason]):
                    del queues[reason]

    def picks(self) -> list[Pick]:
        """Return the batch in the order of a keyed hash: whoever reviews half of it has reviewed a fair half."""
        for pick in self._picks.values():
            pick.probabilities = {reason: self._chance(reason, draw) for reason, draw in pick.draws.items()}
        return sorted(self._picks.values(), key=lambda pick: _place(pick.inference_id, self._policy.seed))

    def _chance(self, reason: Reason, draw: Draw | None) -> float:
        return 1.0 if draw is None else round(min(1.0, self._reached[reason, draw.group] / draw.of), 12)

    def _next(self, reason: Reason, queue: Iterator[Candidate]) -> bool:
        """Take candidates of a queue until the reason has one item more; False where none gives it one."""
        before = self._of_reason[reason]
        return any(self._take(reason, each) is not None and self._of_reason[reason] > before for each in queue)

    def _take(self, reason: Reason, candidate: Candidate) -> Pick | None:
        """Put a candidate into the batch, as an item of its own or folded into one; None where it has no room."""
        name = candidate.inference_id
        pick = self._picks.get(name)
        if pick is None:
            twin = self._folds.place_if(name, self._known[name].text, lambda: self._has_room(name))
            if twin is not None:
                return self._fold(reason, candidate, self._picks[twin])
            if not self._has_room(name):
                return None
            pick = self._add(name)
        self._credit(reason, candidate, pick, candidate.why)
        pick.findings = sorted({*pick.findings, *candidate.findings}, key=lambda f: (f.finding_id, f.position))
        pick.alternatives = pick.alternatives or list(candidate.alternatives)
        return pick

    def _fold(self, reason: Reason, candidate: Candidate, twin: Pick) -> Pick:
        """Fold a candidate into the item that it is like.

        What lies around it, and what it was preferred to, is true of the candidate alone: the one that people passed
        over may be the very twin.
        """
        twin.folded = sorted({*twin.folded, candidate.inference_id})
        if not candidate.alternatives:
            self._credit(reason, candidate, twin, f"Of a near-duplicate that it stands for: {candidate.why}")
        return twin

    def _credit(self, reason: Reason, candidate: Candidate, pick: Pick, why: str) -> None:
        self._of_reason[reason] += reason not in pick.why
        pick.why.setdefault(reason, why)
        pick.draws.setdefault(reason, candidate.draw)
        if candidate.draw is not None:
            reached = reason, candidate.draw.group
            self._reached[reached] = max(self._reached[reached], candidate.draw.place)

    def _add(self, name: str) -> Pick:
        known = self._known[name]
        self._picks[name] = pick = Pick(name, known.late, known.topic)
        if known.user_id is not None:
            self._of_user[known.user_id] += 1
        if known.topic is not None:
            self._of_topic[known.topic] += 1
        return pick

    def _has_room(self, name: str) -> bool:
        user, topic = self._user(name), self._topic(name)
        return (
            len(self._picks) < self._policy.budget.size
            and (user is None or self._of_user[user] < self._policy.caps.per_user)
            and (topic is None or self._of_topic[topic] < self._policy.caps.per_topic)
        )

    def _quota(self, reason: Reason) -> int:
        quota: int = getattr(self._policy.quotas, reason)
        return quota

    def _user(self, name: str) -> str | None:
        return self._known[name].user_id

    def _topic(self, name: str) -> str | None:
        return self._known[name].topic


def _capped(weights: dict[str, float], name_of: Callable[[str], str | None], cap: int) -> dict[str, float]:
    """Leave the first `cap` of each group, which then carry the weight of all of it."""
    groups: dict[str, list[str]] = {}
    for name in weights:
        if (group := name_of(name)) is not None:
            groups.setdefault(group, []).append(name)
    capped = dict(weights)
    for names in groups.values():
        if len(names) > cap:
            share = sum(weights[name] for name in names) / sum(weights[name] for name in names[:cap])
            capped |= {name: weights[name] * share for name in names[:cap]}
            for name in names[cap:]:
                del capped[name]
    return capped


def _place(inference_id: str, seed: int) -> bytes:
    return blake2b(inference_id.encode(), digest_size=16, key=seed.to_bytes(8, "big")).digest()
