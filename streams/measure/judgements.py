"""Feedback goes in; what it says as one of the watched rates comes out: thumbs, behaviours, labels that came late."""

import re

from streams.events import Feedback
from streams.measure.tabular import Said

IMPLICIT = "implicit."
NAMES = 32  # of behaviours that a worker watches: whoever sends them chooses the names
_LOWEST_QUARTER = 0.25
_DOWN = frozenset({"down", "thumbs_down", "thumbsdown", "thumb_down", "negative", "bad", "dislike", "👎", "no"})
_UP = frozenset({"up", "thumbs_up", "thumbsup", "thumb_up", "positive", "good", "like", "👍", "yes"})
_OF_PEOPLE = re.compile(r"thumb|rating|stars|feedback|(^|[._-])(user|like|csat)([._-]|$)", re.IGNORECASE)
_TRUTHS = frozenset({"ground_truth", "label", "actual", "target", "expected", "true_label", "true_class"})
_RIGHTS = frozenset({"correct", "accuracy", "label_correct", "is_correct", "exact_match"})


class Judgements:
    """Reads feedback; of behaviours the first NAMES names are known, others left out."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def wanted(self, feedback: Feedback) -> bool:
        """Tell whether feedback may say something that is watched: about real traffic, and not taken back."""
        if feedback.synthetic or feedback.deleted or feedback.rater_kind == "llm":
            return False
        return is_truth(feedback) or self.read(feedback) != {}

    def read(self, feedback: Feedback, predicted: Said | None = None) -> dict[str, float]:
        """Return the rates that feedback speaks of, 0 or 1; `predicted` is what a late label is compared to."""
        name = feedback.name
        if name.lower() in _RIGHTS:
            return {} if feedback.score is None else {"incorrect": float(feedback.score < 0.5)}
        if is_truth(feedback):
            return _compared(feedback, predicted)
        if feedback.rater_kind == "implicit":
            return self._behaviour(feedback)
        thumbs = _OF_PEOPLE.search(name) is not None
        if feedback.rater_kind == "human" or (thumbs and feedback.rater_kind == "unknown"):
            down = _down(feedback, thumbs=thumbs)
            return {} if down is None else {"thumbs_down": down} | ({"complaint": 1.0} if down else {})
        return {}

    def _behaviour(self, feedback: Feedback) -> dict[str, float]:
        name = feedback.name.removeprefix(IMPLICIT).lower()
        if feedback.score == 0 or not (name in self._names or len(self._names) < NAMES):
            return {}
        self._names.add(name)
        return {f"{IMPLICIT}{name}": 1.0}


def is_truth(feedback: Feedback) -> bool:
    """Tell whether feedback is a label that came late, to be compared to what was predicted."""
    return feedback.name.lower() in _TRUTHS and (feedback.label is not None or feedback.score is not None)


def _compared(feedback: Feedback, predicted: Said | None) -> dict[str, float]:
    if predicted is None:
        return {}
    if isinstance(predicted, str):
        truth = feedback.label if feedback.label is not None else f"{feedback.score:g}"
        return {"incorrect": float(truth.strip().lower() != predicted.strip().lower())}
    return {} if feedback.score is None else {"incorrect": float(feedback.score != predicted)}


def _down(feedback: Feedback, *, thumbs: bool) -> float | None:
    """Return whether a judgement is a bad one: the lowest quarter of its range, or of thumbs a word that says so."""
    score = feedback.score
    if score is not None:
        if feedback.score_range is not None:
            low, high = feedback.score_range
            return float((score - low) / (high - low) <= _LOWEST_QUARTER)
        if feedback.data_type == "boolean" or score in (-1, 0, 1):
            return float(score <= 0)
        return None
    label = (feedback.label or "").strip().lower() if thumbs else ""
    return 1.0 if label in _DOWN else 0.0 if label in _UP else None
