"""Answers that people corrected or edited, drawn uniformly among them."""

from sinks.review.candidates import Candidate, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import chance, key
from sinks.review.snapshot import ORDER, Snapshot

_SQL = f"""
, corrected AS (
    SELECT assumeNotNull(inference_id) AS inference_id, max(rater_kind = 'human') AS said
    FROM feedback
    WHERE inference_id IS NOT NULL
      AND correction IS NOT NULL
      AND rater_kind IN ('human', 'implicit')
      AND NOT synthetic
      AND time >= fromUnixTimestamp64Nano({{begin:Int64}}, 'UTC') - INTERVAL 7 DAY
      AND time < fromUnixTimestamp64Nano({{closes:Int64}}, 'UTC')
    GROUP BY inference_id
)
SELECT inference_id, said, count() OVER ()
FROM eligible INNER JOIN corrected USING (inference_id)
ORDER BY {ORDER}
"""  # noqa: S608  our own text


def correction(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Draw among what came back with another text: a person's correction, or an edit before use."""
    rows = snapshot.select(_SQL, limit=limit, **key(policy, Reason.CORRECTION))
    share = chance(policy.quotas.correction, rows[0][2]) if rows else 0.0
    return [
        Candidate(name, "A person corrected it." if said else "A person edited it before using it.", share)
        for name, said, _ in rows
    ]
