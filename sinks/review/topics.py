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
from sinks.review.snapshot import ORDER, Snapshot
from sinks.review.texts import question
from sinks.review.windows import WEEK, monday_of
from sinks.review.words import words

LEVEL = 0.001  # chance that a word of a week like those before is called new at all
TIMES = 5.0
RARE = 0.01  # share of questions that a rare word is in at most
TOGETHER = 0.2  # share of the questions with one of two words that have both, from which they are of one topic
SHOWN = 3  # words in a topic's name
TOPICS = 20

_WINDOW = f"""
, drawn AS (SELECT inference_id FROM eligible WHERE prompt_hash IS NOT NULL ORDER BY {ORDER})
SELECT inference_id, any(substring(ifNull(input_messages, ''), -8000))
FROM inference_parts
PREWHERE inference_id IN (SELECT inference_id FROM drawn)
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}} AND input_messages IS NOT NULL
GROUP BY inference_id
ORDER BY inference_id
"""  # noqa: S608  our own text
_COUNT = """
SELECT count() FROM inference_parts
WHERE week >= {since:Date} AND week < {until:Date} AND input_messages IS NOT NULL
"""
_BEFORE = """
SELECT week, substring(assumeNotNull(input_messages), -8000) FROM inference_parts
PREWHERE sipHash64Keyed(({seed:UInt64}, {salt:UInt64}), inference_id) % {one_in:UInt64} = 0
WHERE week >= {since:Date} AND week < {until:Date} AND input_messages IS NOT NULL AND NOT synthetic
"""
_SALT = 0x746F70696373


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
    """Read a sample of the window's questions, and one of those of the reference weeks, by keyed hashes."""
    key = {"seed": policy.seed, "salt": _SALT}
    window = {
        name: words(question(messages))
        for name, messages in snapshot.select(_WINDOW, limit=policy.discovery.sample, **key)
    }
    monday = monday_of(snapshot.window.begin)
    weeks = {
        "since": (monday - policy.discovery.reference_weeks * WEEK).date(),
        "until": (
            monday_of(snapshot.window.end - timedelta(seconds=1)) if monday < snapshot.window.begin else monday
        ).date(),
    }
    ((stored,),) = snapshot.read(_COUNT, **weeks)
    before: dict[date, Counter[str]] = {}
    questions = 0
    if stored:
        one_in = max(1, stored // policy.discovery.sample)
        for week, messages in snapshot.read(_BEFORE, one_in=one_in, **weeks, **key):
            before.setdefault(week, Counter()).update(words(question(messages)))
            questions += 1
    return Corpus(window, before, questions)


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
    """Return the rare topics that return: of the window and of two or more weeks before, in few questions of each."""
    now = _counted(read.window.values())
    most = RARE * len(read.window)
    back = {
        word: float(sum(word in counts for counts in read.before.values()))
        for word, count in now.items()
        if least <= count <= most and sum(counts[word] > 1 for counts in read.before.values()) >= 2
    }
    return _topics(read.window, back, least)


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
