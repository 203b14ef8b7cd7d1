"""An inference's id goes in; out come those whose questions are most like its own, nearest first."""

from dataclasses import dataclass
from datetime import date, datetime

from clickhouse_connect.driver.client import Client

from sinks.review.refusals import CutRefused
from sinks.review.texts import question
from sinks.sealed.opening import PLAIN, Opener, as_text

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
_QUESTIONS = f"""
SELECT inference_id, time, substringUTF8(ifNull(input_messages, ifNull(input, '')), 1, 40000),
       {as_text("sealed_request")}
FROM inference_parts FINAL
PREWHERE inference_id IN {{ids:Array(String)}}
WHERE week IN {{weeks:Array(Date)}}
"""  # noqa: S608  names of our own columns
# Of what is sealed the server knows neither vectors nor terms: all of it is opened here.
_SEALED_ONE = f"""
SELECT {as_text("sealed")} FROM prompt_vectors FINAL
WHERE draw = sipHash64({{id:String}}) AND inference_id = {{id:String}}
"""  # noqa: S608
_SEALED = f"SELECT inference_id, week, {as_text('sealed')} FROM prompt_vectors FINAL WHERE sealed != ''"  # noqa: S608


class NothingAsked(CutRefused):
    """No question is stored of an inference; the message says why that may be."""


Near = tuple[str, date, float]  # an inference, its week, and how alike


@dataclass(frozen=True)
class Similar:
    """An inference with a question like the one that was asked for.

    `alike` is the share of both questions' terms that both have, from 0 to 1; `question` is a stranger's text.
    """

    inference_id: str
    time: datetime
    alike: float
    question: str


def similar(client: Client, inference_id: str, limit: int, opener: Opener = PLAIN) -> list[Similar]:
    """Return the inferences whose questions are most like that of another, at most `limit`.

    The nearest vectors of all weeks that are kept come first; the terms that questions share put them in order. A
    question that is sealed is compared with all sealed ones, about 300,000 in a second, by terms alone.

    Raises NothingAsked, and ContentSealed where it cannot be opened.
    """
    ((stored,),) = client.query(_HAS, {"id": inference_id}).result_rows
    if not stored:
        raise NothingAsked(
            f"No question of {inference_id} is stored: there is no such inference, or its content was not kept, or has "
            "been erased."
        )
    ((value,),) = client.query(_SEALED_ONE, {"id": inference_id}).result_rows
    near = _among_sealed(client, opener, inference_id, value, limit) if value else _near(client, inference_id, limit)
    if not near:
        return []
    named = {"ids": [name for name, _, _ in near], "weeks": sorted({week for _, week, _ in near})}
    rows = client.query(_QUESTIONS, named).result_rows
    opened = opener.content("sealed_request", [row[0] for row in rows], [row[3] for row in rows])
    asked = {
        name: (time, said or own.get("input_messages", own.get("input", "")))
        for (name, time, said, _), own in zip(rows, opened, strict=True)
    }
    return [Similar(name, asked[name][0], alike, question(asked[name][1])) for name, _, alike in near if name in asked]


def _near(client: Client, inference_id: str, limit: int) -> list[Near]:
    rows = client.query(_NEAREST, {"id": inference_id, "nearest": NEAREST, "limit": limit}).result_rows
    return [(name, week, alike) for name, week, _, alike in rows]


def _among_sealed(client: Client, opener: Opener, inference_id: str, value: str, limit: int) -> list[Near]:
    """Return the sealed questions that share most terms with one, by the share of both's terms that both have."""
    (asked,) = map(frozenset, opener.terms([inference_id], [value]))
    nearest: list[Near] = []
    with client.query_column_block_stream(_SEALED) as blocks:
        for names, weeks, values in blocks:
            for name, week, terms in zip(names, weeks, opener.terms(names, values), strict=True):
                both = len(asked.intersection(terms))
                if both and name != inference_id:
                    nearest.append((name, week, round(both / (len(asked) + len(terms) - both), 4)))
            nearest = sorted(nearest, key=lambda each: (-each[2], each[0]))[:limit]
    return nearest
