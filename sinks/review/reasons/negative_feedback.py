"""Answers that a person rated down, drawn uniformly among them."""

from sinks.review.candidates import Candidate, Draw, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot

# Raters of other kinds never enter here. Where a sender gives no range, 0 is a thumb down and nothing else is known.
RATED_DOWN = """
    SELECT inference_id FROM said
    WHERE rater_kind = 'human'
      AND (
          (score_low IS NULL AND score <= 0 AND (data_type = 'boolean' OR name = 'user.thumbs'))
          OR score <= score_low + (score_high - score_low) / 4
      )
"""
_SQL = f"""
SELECT inference_id, count() OVER () FROM eligible WHERE inference_id IN ({RATED_DOWN}) ORDER BY {ORDER}
"""  # noqa: S608  our own text


def negative_feedback(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Draw among what people rated down: a thumb down, or the lowest quarter of a scale."""
    rows = snapshot.select(_SQL, limit=limit, **key(policy, Reason.NEGATIVE_FEEDBACK))
    return [Candidate(name, "A person rated it down.", Draw(n, of)) for n, (name, of) in enumerate(rows, 1)]
