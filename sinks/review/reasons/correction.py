"""Answers that people corrected or edited, drawn uniformly among them."""

from sinks.review.candidates import Candidate, Draw, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot

_SQL = f"""
, corrected AS (
    SELECT inference_id, max(rater_kind = 'human') AS by_a_person FROM said
    WHERE corrected AND rater_kind IN ('human', 'implicit')
    GROUP BY inference_id
)
SELECT inference_id, by_a_person, count() OVER ()
FROM eligible INNER JOIN corrected USING (inference_id)
ORDER BY {ORDER}
"""  # noqa: S608  our own text


def correction(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Draw among what came back with another text: a person's correction, or an edit before use."""
    rows = snapshot.select(_SQL, limit=limit, **key(policy, Reason.CORRECTION))
    return [
        Candidate(name, "A person corrected it." if by_a_person else "A person edited it before using it.", Draw(n, of))
        for n, (name, by_a_person, of) in enumerate(rows, 1)
    ]
