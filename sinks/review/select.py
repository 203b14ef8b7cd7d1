"""Which inferences go before a person, and why: ids and reasons, picked in ClickHouse, never the content."""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b, sha256
from typing import Any

from sinks.review.eligible import Reader
from sinks.review.policy import Policy


class Reason(StrEnum):
    """Why an item was picked; the policy's quota of each has the same name."""

    CONTROL = "control"
    NEGATIVE_FEEDBACK = "negative_feedback"
    ANOMALY = "anomaly"
    FINDING = "finding"


@dataclass(frozen=True)
class Around:
    """A finding near which an item lies: `position` 0 is the finding's inference, -2 the second before it."""

    finding_id: str
    metric: str
    position: int


@dataclass
class Pick:
    """One item to be: its reasons, sorted, and what each knows about it."""

    inference_id: str
    reasons: list[Reason] = field(default_factory=list)
    inclusion_probability: float | None = None  # of the control, null for what is not in it
    findings: list[Around] = field(default_factory=list)


# Each of these queries stops where an order begins, and ORDER ends it: by a hash with the policy's key, then the id, so
# that no clock, no chance and no order of arrival decides. Each reason hashes with a key of its own, so that the
# control is drawn independently of what the others take.
ORDER = "sipHash64Keyed(({seed:UInt64}, {salt:UInt64}), inference_id), inference_id LIMIT {quota:UInt64}"

CONTROL = "SELECT inference_id FROM eligible ORDER BY"

# Raters of other kinds never enter here. Where a sender gives no range, 0 is a thumb down and nothing else is known.
# A week before the window covers clocks that differ; it keeps the set small when years of feedback are stored.
NEGATIVE_FEEDBACK = """
SELECT inference_id FROM eligible WHERE inference_id IN (
    SELECT assumeNotNull(inference_id)
    FROM feedback
    WHERE inference_id IS NOT NULL
      AND rater_kind = 'human'
      AND NOT synthetic
      AND time >= fromUnixTimestamp64Nano({begin:Int64}, 'UTC') - INTERVAL 7 DAY
      AND time < fromUnixTimestamp64Nano({closes:Int64}, 'UTC')
      AND (
          correction IS NOT NULL
          OR (score_low IS NULL AND score <= 0 AND (data_type = 'boolean' OR name = 'user.thumbs'))
          OR score <= score_low + (score_high - score_low) / 4
      )
)
ORDER BY
"""

ANOMALY = """
SELECT inference_id FROM eligible WHERE anomaly_score IS NOT NULL
ORDER BY anomaly_score DESC,
"""

# A finding belongs to the window that its inference belongs to; neighbours come from the same window, because those
# beyond its edge are for the batch beside it.
FINDING = """
, noticed AS (
    SELECT finding_id, metric, segment, inference_id
    FROM findings
    WHERE time >= fromUnixTimestamp64Nano({begin:Int64}, 'UTC') - INTERVAL 7 DAY
      AND time < fromUnixTimestamp64Nano({end:Int64}, 'UTC') + INTERVAL 7 DAY
), ranked AS (
    SELECT
        inference_id,
        segment,
        toInt64(row_number() OVER (PARTITION BY segment ORDER BY time, inference_id)) AS place
    FROM eligible
    WHERE segment IN (SELECT segment FROM noticed)
), around AS (
    SELECT finding_id, metric, ranked.segment AS segment, ranked.place + position AS place, position
    FROM noticed
    INNER JOIN ranked ON noticed.inference_id = ranked.inference_id
    ARRAY JOIN range(-{before:Int64}, {after:Int64} + 1) AS position
)
SELECT inference_id, arraySort(groupArray((finding_id, metric, position)))
FROM ranked
INNER JOIN around ON ranked.segment = around.segment AND ranked.place = around.place
GROUP BY inference_id
ORDER BY min(abs(position)),
"""


def select(reader: Reader, policy: Policy, eligible: int) -> list[Pick]:
    """Pick a batch's items.

    Args:
        reader: the window, of a database at rest: events that arrive meanwhile may enter one reason and not another.
        policy: quotas and key.
        eligible: how many inferences the control is drawn from.

    Returns:
        One pick an inference, in the order of a keyed hash: whoever reviews only the first half has reviewed a fair
        half of the control too.
    """
    picks: dict[str, Pick] = {}

    def picked(sql: str, reason: Reason, **parameters: int) -> list[tuple[Pick, list[Any]]]:
        quota: int = getattr(policy, reason)
        if quota == 0:
            return []
        rows = reader.select_eligible(f"{sql} {ORDER}", seed=policy.seed, salt=_salt(reason), quota=quota, **parameters)
        return [(_with(picks, inference_id, reason), known) for inference_id, *known in rows]

    control = picked(CONTROL, Reason.CONTROL)
    for pick, _ in control:
        pick.inclusion_probability = len(control) / eligible
    picked(NEGATIVE_FEEDBACK, Reason.NEGATIVE_FEEDBACK)
    picked(ANOMALY, Reason.ANOMALY)
    for pick, (near,) in picked(FINDING, Reason.FINDING, before=policy.finding_before, after=policy.finding_after):
        pick.findings = [Around(*finding) for finding in near]
    return sorted(picks.values(), key=lambda pick: _place(pick.inference_id, policy.seed))


def _with(picks: dict[str, Pick], inference_id: str, reason: Reason) -> Pick:
    pick = picks.setdefault(inference_id, Pick(inference_id))
    pick.reasons = sorted([*pick.reasons, reason])
    return pick


def _salt(reason: Reason) -> int:
    """Return the reason's half of the key, made of its name, so that a reason added later moves no other."""
    return int.from_bytes(sha256(reason.encode()).digest()[:8], "big")


def _place(inference_id: str, seed: int) -> bytes:
    return blake2b(inference_id.encode(), digest_size=16, key=seed.to_bytes(8, "big")).digest()
