"""Prompts with several answers of which people preferred one: another try, one of N, two models side by side."""

from sinks.review.candidates import Alternative, Candidate, Draw, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot

# An answer is liked where a person praised or used it, and disliked where a person rated it down or asked for another.
# Of a prompt, only answers within a day of one another are compared: the same words a month later are another question.
# The item is the answer that was liked; the others are its alternatives.
_SQL = f"""
, liking AS (
    SELECT inference_id,
           max(multiIf(
               name IN ('implicit.copy', 'implicit.accept', 'implicit.select'), score != 0,
               rater_kind != 'human', 0,
               score_low IS NOT NULL AND score_high > score_low, score >= score_high - (score_high - score_low) / 4,
               (data_type = 'boolean' OR name = 'user.thumbs') AND score > 0)) AS liked,
           max(multiIf(
               name = 'implicit.regenerate', score != 0,
               rater_kind != 'human', 0,
               score_low IS NOT NULL AND score_high > score_low, score <= score_low + (score_high - score_low) / 4,
               (data_type = 'boolean' OR name = 'user.thumbs') AND score <= 0)) AS disliked
    FROM said
    WHERE rater_kind IN ('human', 'implicit')
    GROUP BY inference_id
), answers AS (
    SELECT inference_id, prompt_hash, time, response_model,
           ifNull(liked, 0) AND NOT ifNull(disliked, 0) AS chosen,
           ifNull(disliked, 0) AND NOT ifNull(liked, 0) AS passed
    FROM eligible LEFT JOIN liking USING (inference_id)
    WHERE prompt_hash IS NOT NULL AND status = 'ok'
), pairs AS (
    SELECT chosen.inference_id AS inference_id,
           arraySort(groupUniqArray(20)(other.inference_id)) AS others,
           max(other.response_model != chosen.response_model) AS models
    FROM (SELECT * FROM answers WHERE chosen) AS chosen
    INNER JOIN (
        SELECT * FROM answers WHERE passed AND prompt_hash IN (SELECT prompt_hash FROM answers WHERE chosen)
    ) AS other ON chosen.prompt_hash = other.prompt_hash
    WHERE other.inference_id != chosen.inference_id AND abs(dateDiff('hour', chosen.time, other.time)) <= 24
    GROUP BY inference_id
)
SELECT inference_id, others, models, count() OVER () FROM pairs ORDER BY {ORDER}
"""  # noqa: S608  our own text


def preference(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Draw among liked answers to prompts of which another answer was not, with those others."""
    rows = snapshot.select(_SQL, limit=limit, **key(policy, Reason.PREFERENCE))
    return [
        Candidate(
            name, _why(len(others), models), Draw(n, of), alternatives=tuple(Alternative(o, 0, False) for o in others)
        )
        for n, (name, others, models, of) in enumerate(rows, 1)
    ]


def _why(others: int, models: bool) -> str:
    of = "another model's answer" if models else "another answer"
    return f"People preferred it to {of}." if others == 1 else f"People preferred it to {others} other answers."
