"""From a snapshot to a batch's picks: every reason names its candidates, and the policy chooses among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sinks.review.candidates import Candidate, Draw, Reason
from sinks.review.choose import MORE, Choice, Known, Pick
from sinks.review.chunks import chunks
from sinks.review.likeness import alike
from sinks.review.policy import Policy
from sinks.review.reasons import REASONS
from sinks.review.reasons.drawing import key
from sinks.review.reasons.topical import topical
from sinks.review.snapshot import ORDER, Snapshot
from sinks.review.texts import texts

_CONTROL = f"SELECT inference_id FROM eligible ORDER BY {ORDER}"  # noqa: S608  our own text
_KNOWN = "SELECT inference_id, user_id, late FROM eligible WHERE inference_id IN {ids:Array(String)}"
CHUNK = 1000  # ids in one query


@dataclass(frozen=True)
class Selection:
    """What was picked, and how many candidates each reason named for it."""

    picks: Sequence[Pick]
    candidates: Mapping[Reason, int]


def select(snapshot: Snapshot, policy: Policy) -> Selection:
    """Pick a batch's items. What arrives meanwhile is not in the snapshot, and is for another cut."""
    control = _control(snapshot, policy)
    wanted = {
        reason: named(snapshot, policy, quota * MORE)
        for reason, named in REASONS.items()
        if (quota := getattr(policy.quotas, reason)) > 0
    } | topical(snapshot, policy, MORE)
    choice = Choice(policy, snapshot.funnel.eligible, _known(snapshot, [control, *wanted.values()]))
    choice.draw(control)
    choice.serve(wanted)
    counts = {Reason.CONTROL: len(control)} | {reason: len(named) for reason, named in wanted.items()}
    return Selection(choice.picks(), counts)


def _control(snapshot: Snapshot, policy: Policy) -> list[Candidate]:
    quota = policy.control
    if quota == 0:
        return []
    rows, of = snapshot.select(_CONTROL, limit=quota, **key(policy, Reason.CONTROL)), snapshot.funnel.eligible
    why = "Drawn by chance from all, to measure the whole."
    return [Candidate(name, why, Draw(n, of)) for n, (name,) in enumerate(rows, 1)]


def _known(snapshot: Snapshot, named: Sequence[Sequence[Candidate]]) -> dict[str, Known]:
    ids = sorted({each.inference_id for candidates in named for each in candidates})
    found = {each.inference_id: each.topic for candidates in named for each in candidates if each.topic}
    topics = alike(snapshot, ids) | found
    said = texts(snapshot, ids)
    rows = [row for some in chunks(ids, CHUNK) for row in snapshot.select(_KNOWN, ids=some)]
    return {name: Known(user, topics.get(name), said[name], bool(late)) for name, user, late in rows}
