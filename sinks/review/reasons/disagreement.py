"""Where signals contradict one another: an answer that failed and was praised, or raters who are apart."""

from collections import Counter

from sinks.review.candidates import Candidate, Draw, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot

# Scores on a scale of their own are put on [0, 1]; a thumb is 0 or 1. People are apart only about the same question,
# and only where both are known: two unnamed thumbs may be one person's, who thought again. What one person said of it
# more than once counts as its mean.
_SQL = f"""
, placed AS (
    SELECT inference_id, name, ifNull(rater_id, '') AS rater,
           multiIf(score_low IS NOT NULL AND score_high > score_low, (score - score_low) / (score_high - score_low),
                   data_type = 'boolean' OR name = 'user.thumbs', if(score > 0, 1., 0.), NULL) AS place
    FROM said
    WHERE rater_kind = 'human'
), opinions AS (
    SELECT inference_id, name, rater, avg(place) AS opinion, max(place) AS praise
    FROM placed
    WHERE place IS NOT NULL
    GROUP BY inference_id, name, rater
), questions AS (
    SELECT inference_id, max(praise) AS highest, maxIf(opinion, rater != '') - minIf(opinion, rater != '') AS distance
    FROM opinions
    GROUP BY inference_id, name
), judged AS (
    SELECT inference_id, max(highest) AS praised, max(distance) AS furthest FROM questions GROUP BY inference_id
)
SELECT inference_id, ifNull(furthest >= 0.5, 0) AS apart, status, count() OVER (PARTITION BY apart) AS of
FROM eligible INNER JOIN judged USING (inference_id)
WHERE apart OR praised >= 0.75 AND (status IN ('error', 'partial', 'timeout_no_response') OR output_chars = 0)
ORDER BY apart DESC, {ORDER}
"""  # noqa: S608  our own text


def disagreement(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Draw among what raters are half a scale apart about; then among praise of what failed, broke off or is empty."""
    rows = snapshot.select(_SQL, limit=limit, **key(policy, Reason.DISAGREEMENT))
    counted: Counter[int] = Counter()
    found = []
    for name, apart, status, of in rows:
        counted[apart] += 1
        found.append(Candidate(name, _why(apart, status), Draw(counted[apart], of, "apart" if apart else "praised")))
    return found


def _why(apart: int, status: str | None) -> str:
    if apart:
        return "Two people judged it very differently."
    return "It was praised, though it is empty." if status == "ok" else f"It was praised, though it ended as {status}."
