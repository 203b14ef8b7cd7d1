"""Features of texts go in, in order of event time; out come alarms when they are no longer as the reference was."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from river import base

from detectors.meaning import Meaning
from detectors.style import WIDTH, StyleBank, both_ways, reference
from detectors.text_bets import COMPLETE, SHAPES, TEXTS, Quarantine
from detectors.text_features import STYLE, VERSION
from detectors.topics import Topics
from detectors.two_sample import ARRAYS, LEARNERS, NUMBERS, TwoSample

STATE_VERSION = 1
QUARANTINE = 256  # texts
# A mean of e-detectors is one, whatever the weights. One that joins has no evidence yet, and others' weights fall.
_WEIGHTS = {"style": 0.4, "two_sample": 0.5, "topics": 0.1, "meaning": 0.0}
_WITH_VECTORS = {"style": 0.3, "two_sample": 0.35, "topics": 0.05, "meaning": 0.3}
_COLUMNS = np.arange(WIDTH)
_BETS = WIDTH * 2 * SHAPES
_CUTS = (_BETS, _BETS + WIDTH)  # of what sits out quarantine
# Where the state's numbers are: a part, and a name in it.
_ARRAYS = (
    *(("style", "evidence"), ("style", "pay")),
    *(("two_sample", name) for name in ARRAYS),
    *(("topics", "evidence"), ("topics", "counts"), ("topics.quarantine", "waiting"), ("topics.quarantine", "passed")),
    *(("quarantine", "waiting"), ("quarantine", "passed")),
)
_NUMBERS = (
    *(("two_sample", name) for name in NUMBERS),
    ("quarantine", "seen"),
    ("topics", "texts"),
    ("topics.quarantine", "seen"),
)


class StateUnknown(ValueError):
    """The state is of another version of the detector or of the features: learn anew, and say so."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Where it fired (an index into the texts given), on which evidence, and what moved, in plain words."""

    index: int
    log10_e: float
    part: Literal["style", "two_sample", "topics", "meaning"]
    subject: str


class TextDrift(base.DriftDetector):
    """Drift detector for the texts of one side of a segment, with no model of its own.

    The first 400 texts are the reference. From then on three kinds of e-detectors bet that texts have changed: on each
    style feature apart, on a classifier that learns to tell live texts from the reference, and on words that become
    more common; where texts have vectors, a fourth bets on what they are about. Their weighted mean is an e-detector:
    when it reaches exp(log_threshold) it fires, and at rest it does so at most once in exp(log_threshold) texts, as far
    as the reference is known. It is, with a band for what 400 texts cannot tell, and learns on from texts that raised
    no alarm within 256 to 512 later ones, until 4,000 are known: then the reference is fixed. After an alarm it starts
    anew against the same reference, until someone accepts the new normal.

    Parameters
    ----------
    log_threshold
        Natural logarithm of the evidence at which it fires; may be changed between texts.

    >>> from detectors.text_features import features
    >>> short, long = features(["Yes."] * 30 + ["No, it is."] * 30), features(["Yes, it is so, I am sure of it."] * 60)
    >>> detector = TextDrift()
    >>> detector.update_many(np.tile(short[0], (10, 1)), np.tile(short[1], (10, 1)))
    []
    >>> alarm = detector.update_many(*long)[0]
    >>> alarm.index < 30, alarm.log10_e > 6, "up" in alarm.subject
    (True, True, True)

    References
    ----------
    J. Shin, A. Ramdas, A. Rinaldo. E-detectors: a nonparametric framework for sequential change detection. 2022.
    """

    def __init__(self, log_threshold: float = 6 * float(np.log(10))) -> None:
        super().__init__()
        self.log_threshold = log_threshold
        self.accept()

    @property
    def learning(self) -> bool:
        """Whether the reference is not yet complete enough to watch."""
        return self.wanted > 0

    @property
    def wanted(self) -> int:
        """How many of the next texts become the reference, and are not watched."""
        return max(TEXTS - self.texts, 0)

    def accept(self) -> None:
        """Take what comes from now on for the new normal: learn the reference anew."""
        self.texts = 0  # from which the reference is known
        self._levels = bytearray()
        self._packed = b""
        self._drift_detected = False
        self.style, self.two_sample, self.topics = StyleBank(), TwoSample(WIDTH), Topics()
        self.meaning = Meaning()
        self.quarantine = Quarantine(_CUTS[-1] + LEARNERS * SHAPES, QUARANTINE)

    def update(self, x: Any) -> None:
        """Take one text: its style (float32[WIDTH]), its words (uint8[GRAMS]) and, where it has one, its vector."""
        self.update_many(*(each[None] for each in x))

    def update_many(
        self, style: NDArray[np.float32], grams: NDArray[np.uint8], vectors: NDArray[np.uint8] | None = None
    ) -> list[Alarm]:
        """Take k texts (float32[k, WIDTH], uint8[k, GRAMS] and, where there are any, uint8[k, detectors.meaning.WIDTH])
        and return where it fires; any cut gives the same."""
        alarms = []
        levels, begun = style.astype(np.uint8), min(len(style), self.wanted)
        if begun:
            self._begin_with(levels[:begun], grams[:begun])
        for index in range(0 if vectors is not None else begun, len(style)):
            meaning = 0.0 if vectors is None else self.meaning.step(vectors[index])
            if index < begun:
                continue
            evidence = self._step(levels[index], grams[index], meaning)
            total = sum(evidence.values())
            self._drift_detected = bool(total > 0 and np.log(total) >= self.log_threshold)
            if self._drift_detected:
                alarms.append(self._alarm(index, total, evidence))
        return alarms

    def _begin_with(self, levels: NDArray[np.uint8], words: NDArray[np.uint8]) -> None:
        self._drift_detected = False
        self._levels += levels.tobytes()
        self.topics.learn((words > 0).sum(axis=0), len(words))
        self.texts += len(words)
        if not self.learning:
            self.topics.begin()
            self._packed = bytes(self._levels)
            self._levels.clear()
            self._known(self.texts, reference(self._packed).pay)

    def _known(self, texts: int, pay: NDArray[np.float64]) -> None:
        self.texts = texts
        self.style.begin(reference(self._packed), texts, pay)

    def _step(self, levels: NDArray[np.uint8], words: NDArray[np.uint8], meaning: float) -> dict[str, float]:
        known = reference(self._packed)
        scores = known.table[_COLUMNS, levels].astype(np.float64)
        paid = both_ways(scores)
        key = zlib.crc32(words.tobytes(), zlib.crc32(levels.tobytes())) or 1
        style = self.style.step(paid)
        two_sample, told = self.two_sample.step(known, scores - known.centre, key, self.texts)
        topics = self.topics.step(words)
        if self.texts < COMPLETE:
            self._learn(np.concatenate([paid.ravel(), scores - known.centre, told.ravel()]).astype(np.float32))
        weights = _WITH_VECTORS if self.meaning.watching else _WEIGHTS
        each = {"style": style, "two_sample": two_sample, "topics": topics, "meaning": meaning}
        return {part: weights[part] * evidence for part, evidence in each.items()}

    def _learn(self, numbers: NDArray[np.float32]) -> None:
        released = self.quarantine.add(numbers)
        if released is None:
            return
        paid, scores, told = np.split(released.astype(np.float64) / QUARANTINE, _CUTS)
        texts = self.texts + QUARANTINE
        share = QUARANTINE / texts
        self.two_sample.learn(scores, told, share)
        self._known(texts, self.style.pay + share * (paid.reshape(WIDTH, 2, SHAPES) - self.style.pay))

    def _alarm(self, index: int, total: float, evidence: dict[str, float]) -> Alarm:
        subjects: dict[str, Callable[[], str]] = {
            "style": self.style.subject,
            "two_sample": lambda: self.two_sample.subject(STYLE),
            "topics": self.topics.subject,
            "meaning": lambda: "what texts are about",
        }
        part: Any = max(evidence, key=lambda name: evidence[name])
        alarm = Alarm(index, float(np.log10(total)), part, subjects[part]())
        self.style.evidence = np.zeros_like(self.style.evidence)
        self.two_sample.evidence = np.zeros_like(self.two_sample.evidence)
        self.topics.start_anew()
        self.meaning.start_anew()
        self.quarantine.clear()
        return alarm

    def state(self) -> dict[str, Any]:
        """Return all that it knows, as bytes and numbers: about 40 KB, and 90 more where there are vectors."""
        arrays = {f"{part}.{name}": attrgetter(f"{part}.{name}")(self) for part, name in _ARRAYS}
        numbers = {f"{part}.{name}": int(attrgetter(f"{part}.{name}")(self)) for part, name in _NUMBERS}
        return {
            "version": STATE_VERSION,
            "features": VERSION,
            "log_threshold": self.log_threshold,
            "texts": self.texts,
            "levels": zlib.compress(self._packed or bytes(self._levels)),
            "meaning": self.meaning.state(),
            **{name: _compressed(array) for name, array in arrays.items()},
            **numbers,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "TextDrift":
        """Return the detector that gave the state. Raises StateUnknown where another version did."""
        if (state.get("version"), state.get("features")) != (STATE_VERSION, VERSION):
            raise StateUnknown(
                f"text state {state.get('version')} of features {state.get('features')} is not read here"
            )
        detector = cls(state["log_threshold"])
        for part, name in _ARRAYS:
            owner = attrgetter(part)(detector)
            old = getattr(owner, name)
            bytes_ = zlib.decompress(state[f"{part}.{name}"])
            setattr(owner, name, np.frombuffer(bytes_, old.dtype).reshape(old.shape).copy())
        for part, name in _NUMBERS:
            setattr(attrgetter(part)(detector), name, state[f"{part}.{name}"])
        levels = zlib.decompress(state["levels"])
        detector.texts = state["texts"]
        detector.meaning = Meaning.restore(state.get("meaning"))  # older states have none: vectors are learned anew
        if detector.learning:
            detector._levels = bytearray(levels)
            return detector
        detector._packed = levels
        detector.topics.begin()
        detector._known(detector.texts, detector.style.pay)
        if detector.two_sample.lesson_at:
            detector.two_sample.resume(reference(levels))
        return detector


def _compressed(array: NDArray[Any]) -> bytes:
    return zlib.compress(array.tobytes()) if array.any() else _zeros(array.nbytes)


@cache
def _zeros(size: int) -> bytes:
    """Return so many zeros compressed: what nothing is known of yet, which is most of a young segment's state."""
    return zlib.compress(bytes(size))
