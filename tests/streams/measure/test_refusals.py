"""Refusals are found, and what only sounds like one is not: in English, in Chinese, and in the simulator's words."""

from collections.abc import Sequence

import pytest

from streams.measure.refusals import GLANCE, refuses
from streams.traffic.text import Texts
from streams.traffic.words import WORDS
from tests.streams.measure import refusal_cases as cases


@pytest.mark.parametrize("text", [*cases.REFUSE_EN, *cases.REFUSE_ZH])
def test_a_refusal_is_found(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", [*cases.COMPLY_EN, *cases.COMPLY_ZH])
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not refuses(text)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (cases.UNSEEN_REFUSE_EN, (0.7, 1.0)),
        (cases.UNSEEN_REFUSE_ZH, (0.7, 1.0)),
        (cases.UNSEEN_COMPLY_EN, (0.0, 0.02)),
        (cases.UNSEEN_COMPLY_ZH, (0.0, 0.02)),
    ],
    ids=["refusals en", "refusals zh", "answers en", "answers zh"],
)
def test_what_nobody_looked_at_while_writing_the_patterns(texts: Sequence[str], found: tuple[float, float]) -> None:
    low, high = found
    assert low <= sum(map(refuses, texts)) / len(texts) <= high


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_simulators_refusals_are_found_and_its_answers_are_none(language: str) -> None:
    texts = Texts(5, "answers")
    for topic in WORDS:
        assert all(refuses(texts.refusal(language, topic)) for _ in range(50))
        assert not any(refuses(texts.answer(language, topic, 150, listed=False)) for _ in range(50))


def test_who_refuses_late_has_answered() -> None:
    assert not refuses("Mix the two powders. " * (GLANCE // 20) + "I can't help with the third.")
    assert not refuses("")
