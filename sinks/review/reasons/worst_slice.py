"""Defects of the parts of the traffic that fail most, found by a search over what inferences are known by."""

from itertools import combinations
from typing import NamedTuple

from scipy.special import ndtri

from sinks.review.candidates import Candidate, Draw, Reason
from sinks.review.estimate import wilson
from sinks.review.policy import Policy
from sinks.review.reasons.drawing import key
from sinks.review.reasons.negative_feedback import RATED_DOWN
from sinks.review.snapshot import ORDER, Snapshot

DIMENSIONS = ("service", "route", "environment", "request_model", "response_model", "operation")
SLICES = 5  # that are shown people at most
CONFIDENCE = 0.99  # for all slices that are looked at together

_DEFECT = f"(status IN ('error', 'partial', 'timeout_no_response') OR inference_id IN ({RATED_DOWN}))"
_SETS = [names for size in (0, 1, 2) for names in combinations(DIMENSIONS, size)]
# All are counted once, by all dimensions, and these few counts are then added up.
_COUNTS = f"""
, parts AS (
    SELECT {", ".join(DIMENSIONS)}, count() AS inferences, countIf({_DEFECT}) AS defects
    FROM eligible
    GROUP BY {", ".join(DIMENSIONS)}
)
SELECT {", ".join(DIMENSIONS)}, {", ".join(f"grouping({name})" for name in DIMENSIONS)},
       sum(inferences) AS n, sum(defects) AS bad
FROM parts
GROUP BY GROUPING SETS ({", ".join(f"({', '.join(names)})" for names in _SETS)})
HAVING n >= {{least:UInt64}}
"""  # noqa: S608  our own text
_ITEMS = f"""
, defects AS (SELECT * FROM eligible WHERE {_DEFECT} AND WHERE_IT_IS)
SELECT inference_id FROM defects ORDER BY {ORDER}
"""  # noqa: S608  our own text


class Slice(NamedTuple):
    """A part of the traffic, by one or two of its dimensions, with its defects."""

    where: dict[str, str]
    inferences: int
    defects: int
    least_rate: float  # the lower bound of its rate

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.where.items())


def worst_slice(snapshot: Snapshot, policy: Policy, limit: int) -> list[Candidate]:
    """Draw uniformly among the defects of each of the worst slices, in turn; a defect of two is of the worse one."""
    drawn = [_drawn(snapshot, policy, each, limit) for each in search(snapshot, policy.slices.least)]
    turns: dict[str, Candidate] = {}
    for turn in range(max((len(of_it) for of_it in drawn), default=0)):
        for of_it in drawn:
            if turn < len(of_it):
                turns.setdefault(of_it[turn].inference_id, of_it[turn])
    return list(turns.values())[:limit]


def search(snapshot: Snapshot, least: int) -> list[Slice]:
    """Return the slices whose defect rate is above that of all traffic for sure, worst first.

    For sure: the lower bound of Wilson's interval at 99%, shared by all slices that are looked at (Bonferroni), lies
    above the rate of all. Of slices that lie within one another the wider is kept, unless the narrower is worse for
    sure; then the narrower is, and the wider as well only if it is also bad without it.
    """
    counted = _counted(snapshot, least)
    looked = [each for each in counted if each[0]]
    if not looked:
        return []
    rate = next(bad / n for where, n, bad in counted if not where)
    z = float(ndtri(1 - (1 - CONFIDENCE) / len(looked)))
    bounded = [Slice(where, n, defects, wilson(defects, n, z)[0]) for where, n, defects in looked]
    worst = [each for each in bounded if each.least_rate > rate]
    kept: list[Slice] = []
    for each in sorted(worst, key=lambda each: (len(each.where), -each.least_rate, str(each))):
        if not any(_explains(wider, each, z) for wider in kept):
            kept.append(each)
    blamed = [each for each in kept if not any(_is_all_that_is_bad(other, each, rate, z) for other in kept)]
    return sorted(blamed, key=lambda each: (-each.least_rate, str(each)))[:SLICES]


def _counted(snapshot: Snapshot, least: int) -> list[tuple[dict[str, str], int, int]]:
    """Return each slice with its inferences and defects; all of the traffic is the one that is nowhere."""
    counted = []
    for *row, n, bad in snapshot.select(_COUNTS, least=least):
        values, apart = row[: len(DIMENSIONS)], row[len(DIMENSIONS) :]
        where = {name: value for name, value, is_one in zip(DIMENSIONS, values, apart, strict=True) if is_one == 0}
        if all(value not in (None, "") for value in where.values()):  # unknown is no part of the traffic
            counted.append((where, n, bad))
    return counted


def _explains(wider: Slice, narrower: Slice, z: float) -> bool:
    """Say whether a narrower slice is no worse than the wider one that it lies in."""
    within = wider.where.items() <= narrower.where.items()
    return within and narrower.least_rate <= wilson(wider.defects, wider.inferences, z)[1]


def _is_all_that_is_bad(narrower: Slice, wider: Slice, rate: float, z: float) -> bool:
    """Say whether a wider slice without the narrower one in it is no longer above the rate for sure."""
    rest = wider.inferences - narrower.inferences
    within = wider.where.items() < narrower.where.items()
    return within and (rest == 0 or wilson(wider.defects - narrower.defects, rest, z)[0] <= rate)


def _drawn(snapshot: Snapshot, policy: Policy, of: Slice, limit: int) -> list[Candidate]:
    """Return defects of a slice in the order of their hashes."""
    places = {f"value{number}": value for number, value in enumerate(of.where.values())}
    where = " AND ".join(f"{name} = {{value{number}:String}}" for number, name in enumerate(of.where))
    sql = _ITEMS.replace("WHERE_IT_IS", where)
    rows = snapshot.select(sql, limit=limit, **places, **key(policy, Reason.WORST_SLICE))
    why = f"A defect where they are most common: {100 * of.defects / of.inferences:.1f}% of {of}."
    return [Candidate(name, why, Draw(n, of.defects, str(of))) for n, (name,) in enumerate(rows, 1)]
