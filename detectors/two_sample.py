"""Scores of texts go in, one by one; out comes the evidence that a classifier tells them from the reference's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.style import Reference
from detectors.text_bets import SHAPES, TEXTS, Numbers, bets, normal_scores

BAND = 0.75  # standard errors, as in the style bank
BLOCK = 3  # texts between two lessons; a text is bet on before it is learned
COPIES = 1_000  # texts among which a text's exact copies are found
COMMON = 0.05  # of which a text has more copies that is one of a few: a category, watched as a word
_WARM = 15
_HALF_LIVES = np.array([12.0, 30.0, 80.0, 200.0])  # texts: how much of the past the live side of a classifier is
_DECAY = 0.5 ** (1 / _HALF_LIVES)
_SPANS = len(_HALF_LIVES)
_SPARSE = 1.5  # standard errors below which half of the classifiers take a difference for none
LEARNERS = 2 * _SPANS
# Its state, by the names of its attributes; `resume` computes the rest.
ARRAYS = ("evidence", "pay", "offset", "live", "weight", "keys", "differences", "lesson_weight", "lesson_offset")
NUMBERS = ("seen", "lesson_at", "lesson_texts")
_CEILING = 1e30
_NO_LESSON = np.zeros((LEARNERS, 0))  # as large as they will be, they are 30 KB of each segment that has hardly a text
_OFTEN = TEXTS / (TEXTS - 1)
_PAID = bets(normal_scores(np.linspace(0, TEXTS, TEXTS + 1)))  # by the number of reference texts that score lower
_AT_REST = bets(normal_scores(np.linspace(0.5, TEXTS - 0.5, TEXTS)))
_MEAN, _ERROR = _AT_REST.mean(axis=0), _AT_REST.std(axis=0) / _AT_REST.mean(axis=0)


class TwoSample:
    """Online classifiers that bet on telling live texts from reference texts: a sequential two-sample test.

    Each is a linear discriminant between the reference and the live texts, weighed down by age (four half-lives, each
    with all differences and with those beyond 1.5 standard errors alone). Every three texts its weights are frozen and
    all reference texts scored, each as if it had been left out, in closed form (the jackknife: without it they would
    score lower than new texts of the same kind). A new text's rank among them is bet on, with mixture e-detectors as
    in the style bank, and learned afterwards. An exact copy of a recent text is scored by what the classifiers would be
    without that text: repeated texts at rest are not a change. Nothing is bet on one that comes again and again, as the
    labels do that a model gives: it ties with hundreds of reference texts, among which it has no rank.

    What bets truly pay at rest is learned from texts that sat out quarantine, `pay`, and so is the reference's mean,
    by its `offset` from that of the 400 texts.

    References
    ----------
    D. Lopez-Paz, M. Oquab. Revisiting classifier two-sample tests. ICLR 2017. · S. Shekhar, A. Ramdas. Nonparametric
    two-sample testing by betting. 2021. · R. F. Barber et al. Predictive inference with the jackknife+. 2021.
    """

    def __init__(self, width: int) -> None:
        self.evidence = np.zeros((LEARNERS, SHAPES))
        self.pay = np.ones((LEARNERS, SHAPES))
        self.offset = np.zeros(width)
        self.live = np.zeros((_SPANS, width), np.float32)  # sums of scores, weighed down by age
        self.weight = np.zeros((2, _SPANS))  # sums of those weights, and of their squares
        self.keys = np.zeros(COPIES, np.uint32)  # of recent texts: text number t is at t modulo 1,000
        self.seen = 0
        # The last lesson: differences of the means, and what else copies are taken out with.
        self.lesson_at = 0
        self.lesson_texts = TEXTS
        self.lesson_weight = np.ones(_SPANS)
        self.lesson_offset = np.zeros(width)
        self.differences = np.zeros((LEARNERS, width), np.float32)
        self.directions, self.ranked = _NO_LESSON, _NO_LESSON

    def step(self, known: Reference, scores: Numbers, key: int, texts: int) -> tuple[float, Numbers]:
        """Bet on one text, then learn it; return the evidence, and what each bet paid (float64[LEARNERS, SHAPES]).

        `scores` (float64[width]) are less the reference's centre, `key` is the same for exact copies, and not 0. The
        reference is known from so many `texts`.
        """
        paid = np.ones((LEARNERS, SHAPES))
        if self.lesson_at:
            copies = np.flatnonzero(self.keys == key)
            if len(copies) <= COMMON * min(self.seen, COPIES):
                projected = self.directions @ scores
                if len(copies):
                    projected -= self._of_copies(known, scores, copies)
                below = (self.ranked < projected[:, None]).sum(axis=1)
                paid = _PAID[below] / _MEAN
            most = np.maximum(self.pay, 1) + BAND * _ERROR / np.sqrt(texts)
            self.evidence = np.minimum((self.evidence + 1) * (paid / most), _CEILING)
        self._learn(scores, key)
        if self.seen % BLOCK == 0 and self.seen >= _WARM:
            self._lesson(known, texts)
        return float(self.evidence.mean()), paid

    def learn(self, scores: Numbers, told: Numbers, share: float) -> None:
        """Learn from texts that sat out quarantine, a `share` of all that are known: their mean scores, and what the
        bets paid on them (float64[LEARNERS * SHAPES])."""
        self.offset = self.offset + share * (scores - self.offset)
        self.pay = self.pay + share * (told.reshape(LEARNERS, SHAPES) - self.pay)

    def resume(self, known: Reference) -> None:
        """Compute what follows from the last lesson."""
        leaned = known.leaned
        self.directions = self.differences @ known.inverse
        kept = (self.differences != 0).astype(float)
        leverage = (known.scores * leaned).sum(axis=1)
        own = kept @ (known.scores * leaned).T / (self.lesson_texts - 1)
        self.ranked = np.sort(_OFTEN * (self.differences @ leaned.T + own) / (1 - _OFTEN * leverage), axis=1)

    def subject(self, names: Sequence[str]) -> str:
        """Name the scores that carry most of what the best classifier tells by, and where they went."""
        best = int(self.evidence.sum(axis=1).argmax())
        carried = self.differences[best] * self.directions[best]
        leading = [int(at) for at in np.argsort(-carried)[:3] if carried[at] > 0]
        return ", ".join(f"{names[at]} {'up' if self.differences[best, at] > 0 else 'down'}" for at in leading)

    def _learn(self, scores: Numbers, key: int) -> None:
        self.live = (self.live * _DECAY[:, None] + scores).astype(np.float32)
        self.weight = self.weight * np.stack([_DECAY, _DECAY**2]) + 1
        self.keys[self.seen % COPIES] = key
        self.seen += 1

    def _lesson(self, known: Reference, texts: int) -> None:
        """Take new differences of the means; the sparse ones give half a threshold, so as not to trust what is left."""
        weight, squares = self.weight
        plain = self.live / weight[:, None] - self.offset
        variance = squares / weight**2 + 1 / texts
        edge = _SPARSE * known.deviation * np.sqrt(variance)[:, None]
        sparse = np.where(np.abs(plain) > edge, plain - np.sign(plain) * edge / 2, 0)
        self.differences = np.concatenate([plain, sparse]).astype(np.float32)
        self.lesson_at, self.lesson_texts = self.seen, texts
        self.lesson_weight, self.lesson_offset = weight, self.offset
        self.resume(known)

    def _of_copies(self, known: Reference, scores: Numbers, places: NDArray[np.intp]) -> Numbers:
        """Return what copies of a text, at these places of the ring, add to its score by each classifier."""
        number = self.seen - 1 - (self.seen - 1 - places) % COPIES  # of each copy, counted from the first text
        age = self.lesson_at - 1 - number[number < self.lesson_at]
        share = np.minimum((_DECAY[:, None] ** age).sum(axis=1) / self.lesson_weight, 0.9)
        pulled = (self.differences != 0) * (scores - self.differences - self.lesson_offset)
        added: Numbers = np.tile(share / (1 - share), 2) * (pulled @ (known.inverse @ scores))
        return added
