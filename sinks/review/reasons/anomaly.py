"""The highest anomaly scores of the window."""

from sinks.review.candidates import Candidate, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot

_SQL = f"""
SELECT inference_id, anomaly_score FROM eligible
WHERE anomaly_score IS NOT NULL
ORDER BY anomaly_score DESC, {ORDER}
"""  # noqa: S608  our own text


def anomaly(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Rank by anomaly score: the share of recent inferences of the segment that were less unusual."""
    rows = snapshot.select(_SQL, limit=limit, **key(policy, Reason.ANOMALY))
    return [Candidate(name, f"Its numbers are unusual for its segment: score {score:.6g}.") for name, score in rows]
