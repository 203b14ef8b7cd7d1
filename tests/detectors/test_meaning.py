"""Vectors that come to point elsewhere fire; vectors at rest, copies, cuts and restarts change nothing."""

import msgpack
import numpy as np
from numpy.typing import NDArray

from detectors.meaning import WIDTH, Meaning
from detectors.text import Alarm, TextDrift
from tests.detectors.test_text import drawn

Vectors = NDArray[np.uint8]
TOPICS = np.random.default_rng(0).normal(size=(2, WIDTH))


def about(n: int, seed: int, other: float = 0.0) -> Vectors:
    """Draw n vectors about one topic; a share of them about the other."""
    rng = np.random.default_rng(seed)
    topic = (rng.random(n) < other).astype(int)
    levels: Vectors = np.rint(128 + 5 * (rng.normal(size=(n, WIDTH)) + 0.6 * TOPICS[topic])).astype(np.uint8)
    return levels


CHANGE = 520
CHANGED = np.concatenate([about(CHANGE, 1), about(130, 2, other=0.5)])
STYLE, WORDS = drawn(len(CHANGED), 3)  # which do not change


def highest(vectors: Vectors) -> float:
    meaning = Meaning()
    return max(meaning.step(vector) for vector in vectors)


def test_what_style_and_words_do_not_show_is_found_by_vectors() -> None:
    assert TextDrift().update_many(STYLE, WORDS) == []
    first = TextDrift().update_many(STYLE, WORDS, CHANGED)[0]
    assert CHANGE < first.index < CHANGE + 100
    assert (first.part, first.subject) == ("meaning", "what texts are about")


def test_vectors_at_rest_and_their_copies_are_silent() -> None:
    fresh = about(900, 4)
    again = np.random.default_rng(5).integers(400, 480, 300)
    assert highest(fresh) < 1e5
    assert highest(np.concatenate([fresh[:480], fresh[again]])) < 1e5


def test_a_text_without_a_vector_is_passed_over() -> None:
    meaning = Meaning()
    for vector in about(400, 6):
        assert meaning.step(np.zeros(WIDTH, np.uint8)) == 0
        meaning.step(vector)
    assert meaning.texts == 400
    assert meaning.watching


def test_cuts_and_restarts_change_nothing() -> None:
    whole = TextDrift().update_many(STYLE, WORDS, CHANGED)
    detector, found, begin = TextDrift(), list[Alarm](), 0
    for end in (150, 400, 401, CHANGE + 7, len(CHANGED)):
        part = slice(begin, end)
        for alarm in detector.update_many(STYLE[part], WORDS[part], CHANGED[part]):
            found.append(Alarm(begin + alarm.index, alarm.log10_e, alarm.part, alarm.subject))
        packed = msgpack.packb(detector.state())
        assert len(packed) <= 192 * 1024
        detector, begin = TextDrift.restore(msgpack.unpackb(packed)), end
    assert found == whole


def test_a_state_from_before_vectors_goes_on_and_learns_them() -> None:
    detector = TextDrift()
    detector.update_many(STYLE[:500], WORDS[:500])
    old = {name: value for name, value in detector.state().items() if name != "meaning"}
    restored = TextDrift.restore(old)
    assert not restored.learning
    restored.update_many(STYLE[500:600], WORDS[500:600], CHANGED[500:600])
    assert restored.meaning.texts == 100
