"""How far people agree: with one another, by kappa and alpha, and with what services said before them.

Cohen, "A coefficient of agreement for nominal scales", 1960; Fleiss, "Measuring nominal scale agreement among many
raters", 1971; Krippendorff, "Content analysis", 2004, chapter 11. Only reviews count that are blind to the others: an
adjudication has seen them, and so may have who decides again once somebody else has decided.

statsmodels is imported where it is needed: it takes a second, for which no other command waits.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pyarrow.parquet as pq
from scipy.special import ndtri

from sinks.review import manifest
from sinks.review.decisions import Decision, same
from sinks.review.estimate import CONFIDENCE, wilson
from sinks.review.outcomes import latest
from sinks.review.participation import Label

Ratings = Mapping[str, Mapping[str, str]]  # of each item, what each person said; items that two or more have rated


@dataclass(frozen=True)
class Estimate:
    """A value with its 95% interval, where there is one, and the number of items that it rests on.

    `value` is None where it says nothing: no item was rated twice, or all ratings are the same, so that agreement by
    chance cannot be told from agreement.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int


@dataclass(frozen=True)
class Agreement:
    """About the verdicts, or about one label.

    `cohen` is of each pair of people, by their names; `fleiss` of the items that just as many have rated as most have;
    `alpha` of all ratings.
    """

    alpha: Estimate
    fleiss: Estimate
    cohen: dict[tuple[str, str], Estimate]


def of_verdicts(decisions: Iterable[Decision]) -> Agreement:
    """Return how far people agree about verdicts."""
    return _agreement(_ratings((each, each.verdict) for each in _blind(decisions)))


def of_labels(decisions: Iterable[Decision]) -> dict[str, Agreement]:
    """Return how far people agree about each label that any of them gave: given, or not."""
    reviews = _blind(decisions)
    labels = sorted({label for each in reviews for label in each.labels})
    return {
        label: _agreement(_ratings((each, "yes" if label in each.labels else "no") for each in reviews))
        for label in labels
    }


@dataclass(frozen=True)
class Acceptance:
    """How often people agreed with what a plug says: `accepted` of `asked`, with Wilson's 95% interval."""

    label: str
    by: str
    accepted: int
    asked: int
    low: float
    high: float


def of_prelabels(batch: Path, decisions: Iterable[Decision]) -> list[Acceptance]:
    """Return of each plug and label how often people agreed, sorted.

    A review that says of a label whether it agrees is taken at its word; for others a label that decides something by
    the policy is agreed with where the verdict is the same. Wilson, "Probable inference", 1927.
    """
    verdicts = manifest.read(batch).policy.participation.verdicts
    columns = pq.read_table(batch / "items.parquet", columns=["inference_id", "prelabels"]).to_pylist()
    said = {item["inference_id"]: item["prelabels"] or [] for item in columns}
    counts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for each in _reviews(decisions):
        for prelabel in said.get(each.inference_id, ()):
            label = str(Label(prelabel["name"], prelabel["value"]))
            agrees = each.agrees_with_prelabels.get(prelabel["name"])
            if agrees is None and label in verdicts:
                agrees = each.verdict == verdicts[label]
            if agrees is not None:
                counts[label, prelabel["by"]].append(agrees)
    return [_acceptance(label, by, answers) for (label, by), answers in sorted(counts.items())]


def seconds(decisions: Iterable[Decision]) -> dict[str, tuple[int, float]]:
    """Return of each person how many decisions say how long they took, and how long in all, in seconds. What was
    superseded took time as well."""
    spent: dict[str, list[float]] = defaultdict(list)
    for each in decisions:
        if each.seconds is not None:
            spent[same(each.reviewer)].append(each.seconds)
    return {person: (len(times), math.fsum(times)) for person, times in sorted(spent.items())}


def _acceptance(label: str, by: str, answers: list[bool]) -> Acceptance:
    low, high = wilson(sum(answers), len(answers), float(ndtri((1 + CONFIDENCE) / 2)))
    return Acceptance(label, by, sum(answers), len(answers), low, high)


def _reviews(decisions: Iterable[Decision]) -> list[Decision]:
    return [each for each in latest(decisions) if not each.adjudicates and each.verdict != "skip"]


def _blind(decisions: Iterable[Decision]) -> list[Decision]:
    """Return of each item what each person said of it last while nobody else had decided it; of others the first."""
    said: dict[str, dict[str, Decision]] = defaultdict(dict)
    met: dict[str, datetime] = {}  # of each item, when a second person had decided it
    for each in sorted(decisions, key=lambda each: each.order):
        of_item, person, at = said[each.inference_id], same(each.reviewer), each.order[0]
        if each.adjudicates or (person in of_item and at > met.get(each.inference_id, at)):
            continue
        if each.verdict == "skip":
            of_item.pop(person, None)
            continue
        of_item[person] = each
        if len(of_item) > 1:
            met.setdefault(each.inference_id, at)
    return [each for of_item in said.values() for each in of_item.values()]


def _ratings(said: Iterable[tuple[Decision, str]]) -> Ratings:
    by_item: dict[str, dict[str, str]] = defaultdict(dict)
    for decision, rating in said:
        by_item[decision.inference_id][same(decision.reviewer)] = rating
    return {name: ratings for name, ratings in sorted(by_item.items()) if len(ratings) > 1}


def _agreement(ratings: Ratings) -> Agreement:
    people = sorted({person for each in ratings.values() for person in each})
    values = sorted({value for each in ratings.values() for value in each.values()})
    cohen = {(one, two): _cohen(ratings, one, two, values) for one, two in combinations(people, 2)}
    return Agreement(
        alpha=_alpha(ratings, people, values),
        fleiss=_fleiss(ratings, values),
        cohen={pair: each for pair, each in cohen.items() if each.items},
    )


def _alpha(ratings: Ratings, people: list[str], values: list[str]) -> Estimate:
    if len(values) < 2:
        return Estimate(None, None, None, len(ratings))
    table = np.full((len(people), len(ratings)), np.nan)
    for column, each in enumerate(ratings.values()):
        for person, value in each.items():
            table[people.index(person), column] = values.index(value)
    alpha = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal", value_domain=range(len(values)))
    return Estimate(float(alpha), None, None, len(ratings))


def _fleiss(ratings: Ratings, values: list[str]) -> Estimate:
    from statsmodels.stats.inter_rater import fleiss_kappa

    sizes = Counter(map(len, ratings.values()))
    if not sizes:
        return Estimate(None, None, None, 0)
    usual = max(sizes, key=lambda size: (sizes[size], size))
    table = [[list(each.values()).count(value) for value in values] for each in ratings.values() if len(each) == usual]
    if sum(any(column) for column in zip(*table, strict=True)) < 2:
        return Estimate(None, None, None, len(table))
    return Estimate(float(fleiss_kappa(np.array(table))), None, None, len(table))


def _cohen(ratings: Ratings, one: str, two: str, values: list[str]) -> Estimate:
    from statsmodels.stats.inter_rater import cohens_kappa

    pairs = [(each[one], each[two]) for each in ratings.values() if one in each and two in each]
    if len({value for pair in pairs for value in pair}) < 2:
        return Estimate(None, None, None, len(pairs))
    table = np.zeros((len(values), len(values)))
    for first, second in pairs:
        table[values.index(first), values.index(second)] += 1
    with np.errstate(divide="ignore", invalid="ignore"):  # its test against zero, which nobody reads
        found = cohens_kappa(table)
    if not found.std_kappa > 0:  # all agree, or none does: the formula for large samples would say that it is certain
        return Estimate(float(found.kappa), None, None, len(pairs))
    return Estimate(float(found.kappa), max(-1.0, found.kappa_low), min(1.0, found.kappa_upp), len(pairs))
