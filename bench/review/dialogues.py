"""Topics and lengths go in, a column each; out come questions and answers as messages, put together a block at a time.

What `streams.traffic.text` composes one by one is composed here once a topic and language, and then drawn from by a
hash of a number, in Arrow: a microsecond or two a dialogue, and the same number asks and is answered the same.
"""

from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from streams.traffic.patterns import PATTERNS
from streams.traffic.text import Texts

LANGUAGES = ("en", "zh")
COMPOSED = 500  # questions of a topic in a language, and draws of its sentences
MOST = 60  # sentences of an answer

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class _Pool:
    """Texts of all topics and languages, one after another, as JSON without its quotation marks."""

    texts: pa.Array
    begin: Numbers  # of each topic and language
    size: Numbers

    def drawn(self, of: Numbers, by: NDArray[np.uint64]) -> pa.Array:
        """Return a text of each pool that is named, drawn by a hash."""
        return self.texts.take(pa.array(self.begin[of] + (by % self.size[of].astype(np.uint64)).astype(np.int64)))


class Dialogues:
    """Composes dialogues about topics; the same seed, topic, length and number give the same.

    Args:
        topics: names; those who ask for dialogues tell them by their place here.
        seed: of the questions and sentences that there are, and of what is drawn.
    """

    def __init__(self, topics: tuple[str, ...], seed: int) -> None:
        texts = Texts(seed, "planted")
        places = [(topic, language) for topic in topics for language in LANGUAGES]
        self._seed = np.uint64(seed)
        self._questions = _pool(
            [
                [texts.question(language, topic, follow_up=False, context_tokens=0) for _ in range(COMPOSED)]
                for topic, language in places
            ]
        )
        sentences = [[texts.sentence(language, topic) for _ in range(COMPOSED)] for topic, language in places]
        self._sentences = _pool(sentences)
        self._tokens = np.array(
            [
                np.mean([len(each) for each in its]) / PATTERNS[language].chars_per_token
                for its, (_, language) in zip(sentences, places, strict=True)
            ]
        )

    def composed(self, numbers: Numbers, topics: Numbers, chinese: NDArray[np.bool_], tokens: Numbers) -> pa.Table:
        """Return what is asked and answered, a row a number.

        Args:
            numbers: of the dialogues.
            topics: what each is about.
            chinese: whether it is in Chinese, else in English.
            tokens: of its answer, about; of none there is an empty one.

        Returns:
            input_messages and output_messages, as JSON; input_chars and output_chars, of their texts.
        """
        of = topics * len(LANGUAGES) + chinese
        asked = pc.binary_join_element_wise(
            self._questions.drawn(of, self._hashed(numbers, 0)),
            pc.binary_join_element_wise(
                self._sentences.drawn(of, self._hashed(numbers, 1)),
                self._sentences.drawn(of, self._hashed(numbers, 2)),
                " ",
            ),
            " ",
        )
        answered = self._answers(numbers, of, tokens)
        return pa.table(
            {
                "input_messages": _messages("user", asked),
                "output_messages": _messages("assistant", answered),
                "input_chars": pc.utf8_length(asked),
                "output_chars": pc.utf8_length(answered),
            }
        )

    def _answers(self, numbers: Numbers, of: Numbers, tokens: Numbers) -> pa.Array:
        counts = np.where(tokens > 0, np.clip(np.rint(tokens / self._tokens[of]), 1, MOST), 0).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(counts)])
        place = np.arange(ends[-1]) - np.repeat(ends[:-1], counts)
        said = self._sentences.drawn(np.repeat(of, counts), self._hashed(np.repeat(numbers, counts), 3 + place))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), said), " ")

    def _hashed(self, numbers: Numbers, place: Numbers | int) -> NDArray[np.uint64]:
        """Mix a number, a place and the seed (splitmix64: Steele, Lea and Flood, OOPSLA 2014)."""
        with np.errstate(over="ignore"):
            mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            mixed += np.asarray(place, np.uint64) * np.uint64(0xD1B54A32D192ED03) + self._seed
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _pool(texts: list[list[str]]) -> _Pool:
    distinct = [sorted(set(its)) for its in texts]
    sizes = np.array([len(its) for its in distinct])
    escaped = [orjson.dumps(each).decode()[1:-1] for its in distinct for each in its]
    return _Pool(pa.array(escaped), np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)


def _messages(role: str, texts: pa.Array) -> pa.Array:
    opening = f'[{{"role":"{role}","parts":[{{"type":"text","content":"'
    return pc.binary_join_element_wise(opening, texts, '"}]}]', "")
