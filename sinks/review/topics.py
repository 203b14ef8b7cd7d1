"""Questions of a window and of the weeks before go in, a sample of each; out come new topics, and rare that return.

A word is new where its share of the questions is above that of the weeks before for sure: Dunning's log-likelihood
ratio (Computational Linguistics 19, 1993), at a level that is shared by all words that are looked at, and five times as
common. A rare word returns where it is in the window and in two or more of the weeks. Words that go together are a
topic; a question belongs to the topic of which it has most words, two at least.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log

from scipy.stats import chi2

from sinks.review.policy import Policy
from sinks.review.snapshot import Snapshot
from sinks.review.windows import WEEK, monday_of

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

# A sample is what lies below a hash of the id, the order in which the table lies: reading it costs what the sample is,
# however many were asked.
_WINDOW = """
SELECT inference_id, arrayFilter(WORD, terms) FROM prompt_vectors FINAL
WHERE week BETWEEN {since:Date} AND {until:Date} AND draw <= {below:UInt64}
  AND inference_id IN (SELECT inference_id FROM eligible)
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
ORDER BY week, word
"""
# What has digits names a thing and no topic; what is longer is no word.
_WORD = "term -> NOT match(term, '[0-9]') AND lengthUTF8(term) <= 30"


@dataclass(frozen=True)
class Corpus:
    """The words of the questions: of the window by inference, in the order of ids; of each week before as counts."""

    window: Mapping[str, frozenset[str]]
    before: Mapping[date, Counter[str]]
    questions_before: int


@dataclass(frozen=True)
class Topic:
    """Words that go together, the most telling first, and the inferences of the sample that are about them."""

    words: tuple[str, ...]
    inferences: tuple[str, ...]

    @property
    def name(self) -> str:
        return " · ".join(self.words[:SHOWN])


def corpus(snapshot: Snapshot, policy: Policy) -> Corpus:
    """Read a sample of the window's questions, and count one of those of the reference weeks."""
    sample, window = policy.discovery.sample, snapshot.window
    monday, last = monday_of(window.begin), monday_of(window.end - timedelta(seconds=1))
    now = {"since": monday.date(), "until": last.date()}
    earlier = {"since": (monday - policy.discovery.reference_weeks * WEEK).date(), "until": (monday - WEEK).date()}
    read = snapshot.select(_WINDOW.replace("WORD", _WORD), below=_below(sample, snapshot.funnel.eligible), **now)
    ((stored,),) = snapshot.read(_STORED, **earlier)
    counted = snapshot.read(_BEFORE.replace("WORD", _WORD), below=_below(sample, stored), **earlier)
    before: dict[date, Counter[str]] = {}
    for week, word, count in counted:
        before.setdefault(week, Counter())[word] = count
    questions = sum(counts.pop("") for counts in before.values())
    return Corpus({name: frozenset(terms) for name, terms in read}, before, questions)


def _below(sample: int, of: int) -> int:
    """Return the greatest hash of a sample of so many."""
    return (2**64 - 1) * min(sample, of) // max(of, 1)


def discovered(read: Corpus, least: int) -> list[Topic]:
    """Return the topics that the reference weeks do not know, most telling first; without such weeks none."""
    if not read.questions_before:
        return []
    known: Counter[str] = Counter()
    for counts in read.before.values():
        known.update(counts)
    now = _counted(read.window.values())
    n, m = len(read.window), read.questions_before
    bound = float(chi2.isf(LEVEL / max(1, len(now)), 1))
    new = {
        word: ratio
        for word, count in now.items()
        if count >= least
        and count / n > TIMES * known[word] / m
        and (ratio := _likelihood(count, n, known[word], m)) > bound
    }
    return _topics(read.window, new, least)


def recurring(read: Corpus, least: int) -> list[Topic]:
    """Return the rare topics that return: of the window and of two or more weeks before, the richest in words first.

    Rare words are many, and most have nothing to do with each other. Those of which most uses fall into the same few
    questions are a topic, unless they are but one phrase: words that always come together say no more than one.
    """
    now, most = _counted(read.window.values()), RARE * len(read.window)
    rare = {
        word
        for word, count in now.items()
        if LEAST_USES <= count <= most and sum(counts[word] > 1 for counts in read.before.values()) >= WEEKS
    }
    said = {name: words & rare for name, words in read.window.items() if len(words & rare) > 1}
    about: dict[str, set[str]] = {word: set() for word in rare}
    for name, its in said.items():
        for word in its:
            about[word].add(name)
    found: list[tuple[int, Topic]] = []
    taken: set[str] = set()
    for seed in sorted(rare, key=lambda word: (-len(about[word]), word)):
        if seed in taken:
            continue
        words = _grown(_grown({seed}, about[seed], about, said), None, about, said) - taken
        inferences = _with_two(words, about)
        senses = _senses(sorted(words, key=lambda word: (-len(about[word]), word)), about)
        if len(senses) >= SENSES and max(least, RAREST * len(read.window)) <= len(inferences) <= most:
            taken |= words
            found.append((len(senses), Topic(tuple(senses), tuple(sorted(inferences)))))
    found.sort(key=lambda each: (-each[0], each[1].words))
    return [topic for _, topic in found[:TOPICS]]


def _grown(
    words: set[str], within: set[str] | None, about: Mapping[str, set[str]], said: Mapping[str, frozenset[str]]
) -> set[str]:
    """Add the words of which half of all uses fall into the questions of these."""
    within = _with_two(words, about) if within is None else within
    uses = Counter(word for name in within for word in said[name])
    return words | {word for word, count in uses.items() if 2 * count >= len(about[word])}


def _with_two(words: Iterable[str], about: Mapping[str, set[str]]) -> set[str]:
    return {name for name, count in Counter(name for word in words for name in about[word]).items() if count > 1}


def _senses(words: Sequence[str], about: Mapping[str, set[str]]) -> list[str]:
    """Leave out each word that hardly ever comes without one that is left in."""
    kept: list[str] = []
    for word in words:
        if all(_together(about[word], about[other]) < PHRASE for other in kept):
            kept.append(word)
    return kept


def _topics(window: Mapping[str, frozenset[str]], telling: Mapping[str, float], least: int) -> list[Topic]:
    """Put words that go together into topics, and questions into the topics that they are about."""
    about: dict[str, set[str]] = {word: set() for word in telling}
    for name, said in window.items():
        for word in said & telling.keys():
            about[word].add(name)
    groups: list[list[str]] = []
    left = sorted(telling, key=lambda word: (-telling[word], word))
    while left and len(groups) < TOPICS:
        first = left.pop(0)
        group = [first, *(word for word in left if _together(about[first], about[word]) >= TOGETHER)]
        left = [word for word in left if word not in group]
        groups.append(group)
    chosen: dict[str, tuple[int, int]] = {}  # question → its words of a topic, and the topic
    for number, group in enumerate(groups):
        for name, count in Counter(name for word in group for name in about[word]).items():
            if count >= 2 and count > chosen.get(name, (1, 0))[0]:
                chosen[name] = (count, number)
    found = [
        Topic(tuple(group), tuple(sorted(name for name, (_, of) in chosen.items() if of == number)))
        for number, group in enumerate(groups)
    ]
    return [topic for topic in found if len(topic.inferences) >= least]


def _together(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _counted(texts: Iterable[frozenset[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in texts:
        counts.update(each)
    return counts


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
