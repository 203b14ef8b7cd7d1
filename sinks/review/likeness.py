"""Candidates whose questions share what few others have get one topic, so that no topic fills a batch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log, sqrt

from sinks.review.chunks import chunks
from sinks.review.corpus import words
from sinks.review.snapshot import Snapshot
from sinks.sealed.opening import as_text

ALIKE = 0.35  # cosine of weighted terms from which a question is about the same
COMMON = 0.2  # share of the candidates from which a term tells nothing
LEAST = 3  # questions that make a topic
NAMED = 3  # terms in its name
CHUNK = 1000  # ids in one query: several of them often lie in one granule

_TERMS = f"""
SELECT inference_id, terms, {as_text("sealed")}
FROM prompt_vectors FINAL
PREWHERE draw IN (SELECT sipHash64(arrayJoin({{ids:Array(String)}}))) AND inference_id IN {{ids:Array(String)}}
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}}
"""  # noqa: S608  names of our own columns

Weights = Mapping[str, float]  # of a question's terms; of length 1


def alike(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, str]:
    """Return the topics of those inferences that have one, by their words: refund · invoice · vat.

    The first of a topic leads it, in the order of ids: who is like it follows (the leader algorithm: J. Hartigan,
    Clustering Algorithms, 1975). Terms weigh the more, the fewer candidates have them.
    """
    terms: dict[str, list[str]] = {}
    for some in chunks(ids, CHUNK):
        rows = snapshot.read(_TERMS, ids=some)
        opened = snapshot.opener.terms([name for name, _, _ in rows], [sealed for _, _, sealed in rows])
        terms |= {name: words(said or found) for (name, said, _), found in zip(rows, opened, strict=True)}
    weighted = _weighted({name: sorted(terms[name]) for name in sorted(terms)})
    followers: dict[str, list[str]] = {}
    leading: dict[str, list[str]] = {}  # term → the leaders that have it
    for name, weights in weighted.items():
        leader = _nearest(weights, leading, weighted)
        followers.setdefault(leader or name, []).append(name)
        if leader is None:
            for term in weights:
                leading.setdefault(term, []).append(name)
    return {
        name: _name([weighted[each] for each in its]) for its in followers.values() if len(its) >= LEAST for name in its
    }


def _weighted(terms: Mapping[str, Sequence[str]]) -> dict[str, Weights]:
    having = Counter(term for its in terms.values() for term in its)
    rarity = {term: log(len(terms) / count) for term, count in having.items() if 1 < count <= COMMON * len(terms)}
    weighted: dict[str, Weights] = {}
    for name, its in terms.items():
        length = sqrt(sum(rarity[term] ** 2 for term in its if term in rarity))
        if length:
            weighted[name] = {term: rarity[term] / length for term in its if term in rarity}
    return weighted


def _nearest(weights: Weights, leading: Mapping[str, list[str]], weighted: Mapping[str, Weights]) -> str | None:
    """Return the leader that a question is most like, the first of several; None where it is like none."""
    likeness: dict[str, float] = {}
    for term, weight in weights.items():
        for leader in leading.get(term, ()):
            likeness[leader] = likeness.get(leader, 0.0) + weight * weighted[leader][term]
    near = [(-round(value, 9), leader) for leader, value in likeness.items() if round(value, 9) >= ALIKE]
    return min(near)[1] if near else None


def _name(members: Sequence[Weights]) -> str:
    """Return the terms that weigh most in a topic's questions together."""
    sums: dict[str, float] = {}
    for weights in members:
        for term, weight in weights.items():
            sums[term] = sums.get(term, 0.0) + weight
    ranked = sorted(sums, key=lambda term: (-round(sums[term], 9), term))
    return " · ".join(ranked[:NAMED])
