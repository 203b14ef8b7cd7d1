"""Feedback says one of the watched rates, or nothing: who judged what, and how, decides."""

from typing import Any

import pytest

from streams.events import Feedback
from streams.measure.judgements import NAMES, Judgements
from tests.streams.test_events import FEEDBACK

SCORE, LABEL, RANGE = "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label", "feedback.range"
NAME, TYPE, SOURCE = "gen_ai.evaluation.name", "feedback.data_type", "feedback.source"
BARE = {name: value for name, value in FEEDBACK.items() if name not in (SCORE, RANGE)}


def said(**change: Any) -> Feedback:
    return Feedback.model_validate(BARE | change)


@pytest.mark.parametrize(
    ("change", "down"),
    [
        ({SCORE: 0.0, RANGE: [0, 1]}, 1),
        ({SCORE: 1.0, RANGE: [0, 1]}, 0),
        ({SCORE: 2.0, RANGE: [1, 5]}, 1),
        ({SCORE: 3.0, RANGE: [1, 5]}, 0),
        ({SCORE: 0.0, TYPE: "boolean"}, 1),
        ({SCORE: -1.0}, 1),
        ({SCORE: 1.0}, 0),
        ({SCORE: 7.0}, None),
        ({LABEL: "down"}, 1),
        ({LABEL: "👍"}, 0),
        ({LABEL: "off_topic"}, None),
        ({SCORE: 0.0, SOURCE: "unknown"}, 1),
        ({SCORE: 0.0, SOURCE: "unknown", NAME: "hallucination"}, None),
        ({SCORE: 0.0, SOURCE: "human", NAME: "helpful"}, 1),
        ({LABEL: "good", SOURCE: "human", NAME: "review.label"}, None),
        ({SCORE: 0.0, SOURCE: "code"}, None),
        ({SCORE: 0.0, SOURCE: "llm"}, None),
        ({SCORE: 0.0, "synthetic": True}, None),
        ({SCORE: 0.0, "feedback.deleted": True}, None),
    ],
)
def test_thumbs_are_peoples_and_down_in_the_lowest_quarter(change: dict[str, Any], down: float | None) -> None:
    judgements, feedback = Judgements(), said(**change)
    assert judgements.wanted(feedback) == (down is not None)
    if down is not None:
        assert judgements.read(feedback) == {"thumbs_down": down} | ({"complaint": 1} if down else {})


def test_a_behaviour_is_a_rate_of_its_own_name() -> None:
    judgements = Judgements()
    assert judgements.read(said(**{NAME: "implicit.Regenerate", SOURCE: "implicit", SCORE: 1.0})) == {
        "implicit.regenerate": 1.0
    }
    assert judgements.read(said(**{NAME: "edit", SOURCE: "implicit", SCORE: 0.2})) == {"implicit.edit": 1.0}
    assert judgements.read(said(**{NAME: "implicit.copy", SOURCE: "implicit", SCORE: 0.0})) == {}, "it did not happen"


def test_the_first_behaviours_are_known_and_no_others() -> None:
    judgements = Judgements()
    for number in range(NAMES + 1):
        last = judgements.read(said(**{NAME: f"implicit.{number}", SOURCE: "implicit", SCORE: 1.0}))
        assert last == ({f"implicit.{number}": 1.0} if number < NAMES else {})


@pytest.mark.parametrize(
    ("change", "predicted", "incorrect"),
    [
        ({NAME: "correct", SCORE: 1.0, SOURCE: "code"}, None, 0),
        ({NAME: "accuracy", SCORE: 0.0, SOURCE: "human"}, None, 1),
        ({NAME: "ground_truth", LABEL: "Spam ", SOURCE: "code"}, "spam", 0),
        ({NAME: "ground_truth", LABEL: "ham", SOURCE: "code"}, "spam", 1),
        ({NAME: "label", SCORE: 2.0}, "2", 0),
        ({NAME: "label", SCORE: 2.0}, 2.0, 0),
        ({NAME: "label", SCORE: 3.0}, 2.0, 1),
        ({NAME: "label", LABEL: "ham"}, None, None),
        ({NAME: "label", LABEL: "ham"}, 2.0, None),
    ],
)
def test_late_labels_say_what_was_incorrect(change: dict[str, Any], predicted: Any, incorrect: float | None) -> None:
    judgements, feedback = Judgements(), said(**change)
    assert judgements.wanted(feedback)
    assert judgements.read(feedback, predicted) == ({} if incorrect is None else {"incorrect": incorrect})


def test_a_models_opinion_is_no_label() -> None:
    assert not Judgements().wanted(said(**{NAME: "correct", SCORE: 0.0, SOURCE: "llm"}))
