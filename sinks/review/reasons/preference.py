"""Prompts with several answers of which people preferred one: one of N, another try, two models side by side.

Only who has seen both answers prefers one. So two calls are compared within a conversation, or of one user; those of
strangers, who happened to ask the same, only where both are tagged with the same `experiment` and other models answer:
then who gets which is drawn, and a preference is meant to be read from it.
"""

import orjson

from sinks.review.candidates import Alternative, Candidate, Draw, Reason
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.snapshot import ORDER, Snapshot
from sinks.sealed.opening import as_text

# An answer is liked where a person praised or used it, and disliked where a person rated it down or asked for another.
# What is said of all that a response answered is said of its first answer, which mostly is the only one.
_LIKING = """
, liking AS (
    SELECT inference_id, ifNull(choice, 0) AS answer,
           max(multiIf(
               name IN ('implicit.copy', 'implicit.accept', 'implicit.select'), score != 0,
               rater_kind != 'human', 0,
               score_low IS NOT NULL AND score_high > score_low, score >= score_high - (score_high - score_low) / 4,
               (data_type = 'boolean' OR name = 'user.thumbs') AND score > 0)) AS liked,
           max(multiIf(
               name = 'implicit.regenerate', score != 0,
               rater_kind != 'human', 0,
               score_low IS NOT NULL AND score_high > score_low, score <= score_low + (score_high - score_low) / 4,
               (data_type = 'boolean' OR name = 'user.thumbs') AND score <= 0)) AS disliked,
           max(choice IS NOT NULL) AS named,
           max(choice IS NOT NULL AND name = 'implicit.select' AND score != 0) AS picked
    FROM said
    WHERE rater_kind IN ('human', 'implicit')
    GROUP BY inference_id, answer
)
"""
# One of N: of the answers of one response one was picked, or liked where another was disliked. Where people picked
# different ones, none is preferred.
_CHOICES = f"""
{_LIKING}, choices AS (
    SELECT inference_id,
           groupArrayIf(answer, liked AND NOT ifNull(disliked, 0)) AS best,
           countIf(ifNull(disliked, 0) AND NOT ifNull(liked, 0)) AS worse,
           max(picked) AS picked
    FROM liking
    WHERE named
    GROUP BY inference_id
    HAVING length(best) = 1 AND (picked OR worse > 0)
)
SELECT inference_id, best[1], count() OVER () FROM choices
WHERE inference_id IN (SELECT inference_id FROM eligible WHERE status = 'ok')
ORDER BY {ORDER}
"""  # noqa: S608  our own text
# As the item's content is read: only of candidates, a few hundred rows of the wide table.
_ANSWERS = f"""
SELECT inference_id, JSONLength(ifNull(output_messages, '')), {as_text("sealed_response")}
FROM inference_parts FINAL
PREWHERE inference_id IN {{ids:Array(String)}}
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}}
  AND (output_messages IS NOT NULL OR sealed_response IS NOT NULL)
"""  # noqa: S608  names of our own columns
# Two calls: of a prompt, only answers within a day of one another are compared, as the same words a month later are
# another question. The item is the answer that was liked; the others are its alternatives.
_PAIRS = f"""
{_LIKING}, answers AS (
    SELECT inference_id, prompt_hash, time, response_model, user_id, conversation_id, experiment,
           ifNull(liked, 0) AND NOT ifNull(disliked, 0) AS chosen,
           ifNull(disliked, 0) AND NOT ifNull(liked, 0) AS passed
    FROM eligible LEFT JOIN (SELECT * FROM liking WHERE answer = 0) AS liking USING (inference_id)
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
      AND (other.user_id = chosen.user_id
           OR other.conversation_id = chosen.conversation_id
           OR other.experiment = chosen.experiment AND chosen.experiment != ''
              AND other.response_model != chosen.response_model)
    GROUP BY inference_id
)
SELECT inference_id, others, models, count() OVER () FROM pairs ORDER BY {ORDER}
"""  # noqa: S608  our own text


def preference(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Take liked answers with those that were passed over: of one response first, which one person has compared."""
    one_of_n = _one_of_n(snapshot, policy, limit)
    taken = {each.inference_id for each in one_of_n}
    rows = snapshot.select(_PAIRS, limit=limit, **key(policy, Reason.PREFERENCE))
    pairs = [
        Candidate(
            name,
            _why(len(others), models),
            Draw(place, of, "calls"),
            alternatives=tuple(Alternative(other, 0, False) for other in others),
        )
        for place, (name, others, models, of) in enumerate(rows, 1)
        if name not in taken
    ]
    return [*one_of_n, *pairs][:limit]


def _one_of_n(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Give responses of which one answer was preferred: the item's own is the first, the others are alternatives."""
    rows = snapshot.select(_CHOICES, limit=limit, **key(policy, Reason.PREFERENCE))
    counts = snapshot.read(_ANSWERS, ids=[name for name, *_ in rows]) if rows else ()
    opened = snapshot.opener.content("sealed_response", [row[0] for row in counts], [row[2] for row in counts])
    answers = {
        str(name): int(count) or len(orjson.loads(said.get("output_messages", "[]")))
        for (name, count, _), said in zip(counts, opened, strict=True)
    }
    return [
        Candidate(
            name,
            f"People preferred answer {chosen + 1} of {answers[name]}.",
            Draw(place, of, "answers"),
            alternatives=tuple(Alternative(name, n, n == chosen) for n in range(1, answers[name])),
        )
        for place, (name, chosen, of) in enumerate(rows, 1)
        if answers.get(name, 0) > max(chosen, 1)
    ]


def _why(others: int, models: bool) -> str:
    of = "another model's answer" if models else "another answer"
    return f"People preferred it to {of}." if others == 1 else f"People preferred it to {others} other answers."
