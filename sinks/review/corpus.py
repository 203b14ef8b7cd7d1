"""A sample of a window's questions and of the weeks before becomes words by question: a sparse matrix, and counts."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sinks.review.policy import Policy
from sinks.review.snapshot import Snapshot
from sinks.review.windows import WEEK, monday_of
from sinks.sealed.opening import as_text

Numbers = NDArray[np.int64]

# A sample is what lies below a hash of the id, the order in which the table lies: reading it costs what the sample is,
# however many were asked. What is eligible is looked up for the sample alone.
_WINDOW = """
SELECT inference_id, arrayFilter(WORD, terms)::Array(LowCardinality(String)), SEALED FROM prompt_vectors FINAL
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
  AND inference_id IN (SELECT inference_id FROM eligible WHERE sipHash64(inference_id) <= {below:UInt64})
ORDER BY inference_id
"""
_STORED = "SELECT count() FROM prompt_vectors WHERE week BETWEEN {since:Date} AND {until:Date}"
_BEFORE = """
SELECT week, '' AS word, count() FROM prompt_vectors FINAL
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
GROUP BY week
UNION ALL
SELECT week, word, count() FROM prompt_vectors FINAL ARRAY JOIN arrayFilter(WORD, terms) AS word
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
GROUP BY week, word
"""
# What is sealed only a key can count.
_SEALED_BEFORE = """
SELECT week, inference_id, SEALED FROM prompt_vectors FINAL
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64} AND sealed != ''
"""
# What has digits names a thing and no topic; what is longer is no word.
_WORD = "term -> NOT match(term, '[0-9]') AND lengthUTF8(term) <= 30"
_DIGIT, LONGEST = re.compile("[0-9]"), 30


@dataclass(frozen=True)
class Corpus:
    """Which words are in which questions of a window, and in how many of each week before.

    Args:
        names: of the questions' inferences, ascending.
        words: all that are in any of them, ascending.
        said: 1 where a question has a word: int64[questions, words].
        before: int64[weeks, words].
        questions_before: in all those weeks.
    """

    names: Sequence[str]
    words: Sequence[str]
    said: csr_array
    before: Numbers
    questions_before: int

    @property
    def questions(self) -> int:
        return len(self.names)

    @property
    def uses(self) -> Numbers:
        """In how many questions each word is."""
        return np.bincount(self.said.indices, minlength=len(self.words))


def corpus(snapshot: Snapshot, policy: Policy) -> Corpus:
    """Read a sample of the window's questions, and count one of those of the reference weeks."""
    sample, window = policy.discovery.sample, snapshot.window
    monday, last = monday_of(window.begin), monday_of(window.end - timedelta(seconds=1))
    now = {"since": monday.date(), "until": last.date()}
    earlier = {"since": (monday - policy.discovery.reference_weeks * WEEK).date(), "until": (monday - WEEK).date()}
    names, found, said = _asked(snapshot, below=_below(sample, snapshot.funnel.eligible), **now)
    ((stored,),) = snapshot.read(_STORED, **earlier)
    bounds = earlier | {"below": _below(sample, stored)}
    counted = [*snapshot.read(_BEFORE.replace("WORD", _WORD), **bounds), *_counted_sealed(snapshot, **bounds)]
    before, questions = _counted(counted, found)
    return Corpus(names, found, said, before, questions)


def words(terms: Sequence[str]) -> list[str]:
    """Return those of a question's terms that are words: as the queries here have it."""
    return [term for term in terms if not _DIGIT.search(term) and len(term) <= LONGEST]


def _counted_sealed(snapshot: Snapshot, **bounds: object) -> list[tuple[date, str, int]]:
    """Return in how many sealed questions of each week each word is."""
    uses: Counter[tuple[date, str]] = Counter()
    for weeks, ids, values in snapshot.blocks(_SEALED_BEFORE.replace("SEALED", as_text("sealed")), **bounds):
        for week, found in zip(weeks, snapshot.opener.terms(ids, values), strict=True):
            uses.update((week, word) for word in words(found))
    return [(week, word, count) for (week, word), count in uses.items()]


def _asked(snapshot: Snapshot, **sample: object) -> tuple[list[str], list[str], csr_array]:
    """Return the ids of a sample's questions, their words, and which has which."""
    place: defaultdict[str, int] = defaultdict()
    place.default_factory = place.__len__  # a word's place is how many came before it
    names: list[str] = []
    lengths, places = [np.zeros(1, np.int64)], []
    for ids, plain, sealed in snapshot.blocks(
        _WINDOW.replace("WORD", _WORD).replace("SEALED", as_text("sealed")), **sample
    ):
        names += ids
        asked = [one or words(other) for one, other in zip(plain, snapshot.opener.terms(ids, sealed), strict=True)]
        lengths.append(np.fromiter(map(len, asked), np.int64, len(asked)))
        places.append(np.fromiter(map(place.__getitem__, chain.from_iterable(asked)), np.int64))
    found = sorted(place)
    order = np.empty(len(found), np.int64)
    order[[place[word] for word in found]] = np.arange(len(found))
    indices = order[np.concatenate(places)] if places else np.zeros(0, np.int64)
    ends = np.cumsum(np.concatenate(lengths))
    return names, found, csr_array((np.ones(len(indices), np.int64), indices, ends), shape=(len(names), len(found)))


def _counted(rows: Sequence[Sequence[Any]], words: Sequence[str]) -> tuple[Numbers, int]:
    """Return the uses of words in each week, and how many questions there were in all."""
    place = {word: number for number, word in enumerate(words)}
    weeks = sorted({week for week, _, _ in rows})
    row = {week: number for number, week in enumerate(weeks)}
    before = np.zeros((len(weeks), len(words)), np.int64)
    for week, word, uses in rows:
        if word in place:
            before[row[week], place[word]] += uses
    return before, sum(uses for _, word, uses in rows if word == "")


def _below(sample: int, of: int) -> int:
    """Return the greatest hash of a sample of so many."""
    return (2**64 - 1) * min(sample, of) // max(of, 1)
