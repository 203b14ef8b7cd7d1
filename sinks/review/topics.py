"""Words of questions go in, of a window and of the weeks before; out come new topics, and rare ones that return.

A word is new where its share of the questions is above that of the weeks before for sure: Dunning's log-likelihood
ratio (Computational Linguistics 19, 1993), at a level that is shared by all words that are looked at, and five times as
common. A rare word returns where it is in the window and in two or more of the weeks. Words that go together are a
topic; a question belongs to the topic of which it has most words, two at least.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import chdtri

from sinks.review.corpus import Corpus, Numbers

LEVEL = 0.001  # chance that a word of a week like those before is called new at all
TIMES = 5.0
RARE = 0.01  # share of questions that a rare word is in at most
RAREST = 0.0005  # of the questions are about a topic at least
WEEKS = 2  # before the window that it must be in
LEAST_USES = 3  # of a word that may tell of a topic
PHRASE = 0.6  # share of the questions with one of two words that have both, from which they are one phrase
SENSES = 4  # words that a topic is known by, besides phrases of them
TOGETHER = 0.2  # share of the questions with one of two words that have both, from which they are of one topic
SHOWN = 3  # words in a topic's name
TOPICS = 20


@dataclass(frozen=True)
class Topic:
    """Words that go together, the most telling first, and the inferences of the sample that are about them."""

    words: tuple[str, ...]
    inferences: tuple[str, ...]

    @property
    def name(self) -> str:
        return " · ".join(self.words[:SHOWN])


def discovered(read: Corpus, least: int) -> list[Topic]:
    """Return the topics that the reference weeks do not know, most telling first; without such weeks none."""
    if not read.questions_before:
        return []
    now, known = read.uses, read.before.sum(axis=0)
    n, m = read.questions, read.questions_before
    bound = float(chdtri(1, LEVEL / max(1, len(now))))
    more = np.flatnonzero((now >= least) & (now / n > TIMES * known / m))
    telling = {word: _likelihood(int(now[word]), n, int(known[word]), m) for word in more.tolist()}
    return _topics(read, {word: ratio for word, ratio in telling.items() if ratio > bound}, least)


def recurring(read: Corpus, least: int) -> list[Topic]:
    """Return the rare topics that return: of the window and of two or more weeks before, the richest in words first.

    Rare words are many, and most have nothing to do with each other. Those of which most uses fall into the same few
    questions are a topic, unless they are but one phrase: words that always come together say no more than one.
    """
    now, most = read.uses, RARE * read.questions
    rare = np.flatnonzero((now >= LEAST_USES) & (now <= most) & ((read.before > 1).sum(axis=0) >= WEEKS))
    words = _Words(read.said[:, rare])
    fewest = max(least, RAREST * read.questions)
    found: list[tuple[int, Topic]] = []
    taken = np.zeros(len(rare), np.bool_)
    for seed in words.by_uses(np.arange(len(rare))).tolist():
        if taken[seed]:
            continue
        alike = words.grown(words.grown(np.array([seed]), words.asked(np.array([seed]))))
        alike = alike[~taken[alike]]
        inferences = words.with_two(alike)
        if not fewest <= len(inferences) <= most:
            continue
        senses = words.senses(words.by_uses(alike))
        if len(senses) >= SENSES:
            taken[alike] = True
            named = tuple(read.words[rare[each]] for each in senses)
            found.append((len(senses), Topic(named, tuple(read.names[each] for each in inferences.tolist()))))
    found.sort(key=lambda each: (-each[0], each[1].words))
    return [topic for _, topic in found[:TOPICS]]


class _Words:
    """Words by question, of questions that have two of them at least.

    Args:
        said: 1 where a question has a word: int64[questions, words].
    """

    def __init__(self, said: csr_array) -> None:
        several = np.diff(said.indptr) > 1
        self._of_question = csr_array(said.multiply(several[:, None]))
        self._of_question.eliminate_zeros()
        self._of_word = csr_array(self._of_question.T)
        self.uses = np.diff(self._of_word.indptr)

    def by_uses(self, words: Numbers) -> Numbers:
        """Put words into order, those of most uses first, then by the alphabet."""
        return words[np.lexsort((words, -self.uses[words]))]

    def asked(self, words: Numbers) -> Numbers:
        """Return the questions with any of some words, with each as often as it has one."""
        return _rows(self._of_word, words)

    def with_two(self, words: Numbers) -> Numbers:
        """Return the questions with two of some words at least, ascending."""
        questions, counts = np.unique(self.asked(words), return_counts=True)
        return questions[counts > 1]

    def grown(self, words: Numbers, within: Numbers | None = None) -> Numbers:
        """Add the words of which half of all uses fall into some questions, those with two of the words by default."""
        within = self.with_two(words) if within is None else within
        uses = np.bincount(_rows(self._of_question, within), minlength=len(self.uses))
        return np.union1d(words, np.flatnonzero((uses > 0) & (2 * uses >= self.uses)))

    def senses(self, words: Numbers) -> list[int]:
        """Leave out each word that hardly ever comes without one that is left in."""
        together = _together(self._of_word[words])
        kept: list[int] = []
        for place in range(len(words)):
            if np.all(together[place, kept] < PHRASE):
                kept.append(place)
        return [int(words[place]) for place in kept]


def _topics(read: Corpus, telling: Mapping[int, float], least: int) -> list[Topic]:
    """Put words that go together into topics, and questions into the topics that they are about."""
    words = sorted(telling, key=lambda word: (-telling[word], word))
    about = csr_array(read.said[:, words].T)
    together = _together(about)
    groups: list[list[int]] = []
    left = list(range(len(words)))
    while left and len(groups) < TOPICS:
        first = left.pop(0)
        group = [first, *(word for word in left if together[first, word] >= TOGETHER)]
        left = [word for word in left if word not in group]
        groups.append(group)
    most, of = np.ones(read.questions, np.int64), np.full(read.questions, -1)
    for number, group in enumerate(groups):
        has = np.bincount(_rows(about, np.array(group)), minlength=read.questions)
        better = has > most
        most[better], of[better] = has[better], number
    found = [
        Topic(
            tuple(read.words[words[each]] for each in group),
            tuple(read.names[each] for each in np.flatnonzero(of == number).tolist()),
        )
        for number, group in enumerate(groups)
    ]
    return [topic for topic in found if len(topic.inferences) >= least]


def _rows(matrix: csr_array, rows: Numbers) -> Numbers:
    """Return the columns in which rows have something, one row after another."""
    starts, counts = matrix.indptr[rows].astype(np.int64), np.diff(matrix.indptr)[rows]
    places = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
    columns: Numbers = matrix.indices[places]
    return columns


def _together(rows: csr_array) -> NDArray[np.float64]:
    """Return of each two rows the share of the columns of either that both have."""
    both = (rows @ rows.T).toarray()
    own = both.diagonal()
    return np.asarray(both / np.maximum(own[:, None] + own - both, 1), np.float64)


def _likelihood(k: int, n: int, j: int, m: int) -> float:
    """Return twice the log-likelihood ratio of k in n and j in m being of two shares, not of one."""
    both = (k + j) / (n + m)
    return 2 * (_log(k, n, k / n) + _log(j, m, j / m) - _log(k, n, both) - _log(j, m, both))


def _log(k: int, n: int, share: float) -> float:
    return sum(count * log(chance) for count, chance in ((k, share), (n - k, 1 - share)) if count)


def in_turn(topics: Sequence[Topic], limit: int) -> list[tuple[Topic, str]]:
    """Take the topics' inferences by turns, one of each, at most `limit`."""
    longest = max((len(topic.inferences) for topic in topics), default=0)
    turns = [(topic, topic.inferences[n]) for n in range(longest) for topic in topics if n < len(topic.inferences)]
    return turns[:limit]
