"""An inference's id goes in; out come those whose questions are most like its own, nearest first."""

from dataclasses import dataclass
from datetime import date, datetime

from clickhouse_connect.driver.client import Client

from sinks.review.refusals import CutRefused
from sinks.review.texts import question

NEAREST = 200  # by vector, of which the terms then decide

# In two steps: a vector is 64 bytes and never wrong by much, terms are exact.
_NEAREST = """
WITH
    (SELECT vector FROM prompt_vectors FINAL
     WHERE draw = sipHash64({id:String}) AND inference_id = {id:String}) AS asked,
    (SELECT terms FROM prompt_vectors FINAL
     WHERE draw = sipHash64({id:String}) AND inference_id = {id:String}) AS words,
    near AS (
        SELECT inference_id, week FROM prompt_vectors
        WHERE inference_id != {id:String}
        ORDER BY round(arraySum((one, other) -> toInt16(one) * other, vector, asked)
                       / sqrt(1 + arraySum(one -> toInt16(one) * one, vector)), 6) DESC, draw, inference_id
        LIMIT {nearest:UInt64}
    )
SELECT inference_id, any(week),
       length(arrayIntersect(any(terms), words)) AS both,
       round(both / (length(any(terms)) + length(words) - both), 4) AS alike
FROM prompt_vectors
WHERE draw IN (SELECT sipHash64(inference_id) FROM near) AND inference_id IN (SELECT inference_id FROM near)
GROUP BY inference_id
ORDER BY alike DESC, inference_id
LIMIT {limit:UInt64}
"""
_HAS = """
SELECT count() FROM prompt_vectors WHERE draw = sipHash64({id:String}) AND inference_id = {id:String}
"""
_QUESTIONS = """
SELECT inference_id, time, substringUTF8(ifNull(input_messages, ifNull(input, '')), 1, 40000)
FROM inference_parts FINAL
PREWHERE inference_id IN {ids:Array(String)}
WHERE week IN {weeks:Array(Date)}
"""


class NothingAsked(CutRefused):
    """No question is stored of an inference; the message says why that may be."""


@dataclass(frozen=True)
class Similar:
    """An inference with a question like the one that was asked for.

    `alike` is the share of both questions' terms that both have, from 0 to 1; `question` is a stranger's text.
    """

    inference_id: str
    time: datetime
    alike: float
    question: str


def similar(client: Client, inference_id: str, limit: int) -> list[Similar]:
    """Return the inferences whose questions are most like that of another, at most `limit`. Raises NothingAsked.

    The nearest vectors of all weeks that are kept come first; the terms that questions share put them in order.
    """
    ((stored,),) = client.query(_HAS, {"id": inference_id}).result_rows
    if not stored:
        raise NothingAsked(
            f"No question of {inference_id} is stored: there is no such inference, or its content was not kept, or has "
            "been erased."
        )
    near: list[tuple[str, date, float]] = [
        (name, week, alike)
        for name, week, _, alike in client.query(
            _NEAREST, {"id": inference_id, "nearest": NEAREST, "limit": limit}
        ).result_rows
    ]
    if not near:
        return []
    named = {"ids": [name for name, _, _ in near], "weeks": sorted({week for _, week, _ in near})}
    asked = {name: (time, said) for name, time, said in client.query(_QUESTIONS, named).result_rows}
    return [Similar(name, asked[name][0], alike, question(asked[name][1])) for name, _, alike in near if name in asked]
