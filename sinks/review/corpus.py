"""A sample of a window's questions and of the weeks before becomes words by question: a sparse matrix, and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sinks.review.policy import Policy
from sinks.review.snapshot import Snapshot
from sinks.review.windows import WEEK, monday_of

Numbers = NDArray[np.int64]

# A sample is what lies below a hash of the id, the order in which the table lies: reading it costs what the sample is,
# however many were asked. What is eligible is looked up for the sample alone.
_WINDOW = """
SELECT inference_id, arrayFilter(WORD, terms) AS words FROM prompt_vectors FINAL
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
  AND inference_id IN (SELECT inference_id FROM eligible WHERE sipHash64(inference_id) <= {below:UInt64})
ORDER BY inference_id
"""
_STORED = "SELECT count() FROM prompt_vectors WHERE week BETWEEN {since:Date} AND {until:Date}"
_BEFORE = """
SELECT week, '' AS word, count() AS uses FROM prompt_vectors FINAL
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
GROUP BY week
UNION ALL
SELECT week, word, count() AS uses FROM prompt_vectors FINAL ARRAY JOIN arrayFilter(WORD, terms) AS word
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
GROUP BY week, word
"""
# What has digits names a thing and no topic; what is longer is no word.
_WORD = "term -> NOT match(term, '[0-9]') AND lengthUTF8(term) <= 30"


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
    read = snapshot.columns(_WINDOW.replace("WORD", _WORD), below=_below(sample, snapshot.funnel.eligible), **now)
    ((stored,),) = snapshot.read(_STORED, **earlier)
    counted = snapshot.columns(_BEFORE.replace("WORD", _WORD), below=_below(sample, stored), **earlier)
    asked = read["words"].combine_chunks()
    found = asked.flatten().dictionary_encode()
    order = pc.sort_indices(found.dictionary).to_numpy()
    words, place = found.dictionary.take(pa.array(order)), np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    indices = place[found.indices.to_numpy(zero_copy_only=False)]
    ends = np.concatenate([[0], np.cumsum(pc.list_value_length(asked).to_numpy(zero_copy_only=False))])
    said = csr_array((np.ones(len(indices), np.int64), indices, ends), shape=(len(asked), len(words)))
    before, questions = _before(counted, words)
    return Corpus(read["inference_id"].to_pylist(), words.to_pylist(), said, before, questions)


def _before(counted: pa.Table, words: pa.Array) -> tuple[Numbers, int]:
    """Return the uses of words in each week, and how many questions there were in all."""
    weeks, uses = counted["week"].to_numpy(), counted["uses"].to_numpy().astype(np.int64)
    known, week = np.unique(weeks, return_inverse=True)
    before = np.zeros((len(known), len(words)), np.int64)
    at = pc.index_in(counted["word"].combine_chunks(), words).to_numpy(zero_copy_only=False)
    here = ~np.isnan(at)
    before[week[here], at[here].astype(np.int64)] = uses[here]
    return before, int(uses[pc.equal(counted["word"], "").to_numpy()].sum())


def _below(sample: int, of: int) -> int:
    """Return the greatest hash of a sample of so many."""
    return (2**64 - 1) * min(sample, of) // max(of, 1)
