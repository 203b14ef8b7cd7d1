"""Buckets of words go in, one text after another; out comes the evidence that some have become more common."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text_bets import COMPLETE, Quarantine
from detectors.text_words import GRAMS

SURGE = 0.1  # of all texts: how much more of them have a word, when a topic comes up
BAND = 2.5  # standard errors of the reference's share by which it may be higher
QUARANTINE = 1_024  # texts: a topic takes that long to be found
_CEILING = np.float32(1e30)
_NO_BET = np.ones(GRAMS, np.float32)


class Topics:
    """One e-detector for each bucket of words, averaged: for a topic that surges inside a mix of others.

    Each is a Shiryaev-Roberts e-detector on a Bernoulli likelihood ratio, from the share of reference texts that have a
    word of the bucket (its upper bound) to a tenth of all texts more. Slow where answers are long and share words
    anyway, sure where a topic has words of its own. Shares are learned on from texts that sat out quarantine.

    References
    ----------
    J. Shin, A. Ramdas, A. Rinaldo. E-detectors: a nonparametric framework for sequential change detection. 2022.
    """

    def __init__(self) -> None:
        self.evidence = np.zeros(GRAMS, np.float32)
        self.counts = np.zeros(GRAMS, np.float32)  # of the reference's texts, those with a word of the bucket
        self.texts = 0  # of the reference
        self.quarantine = Quarantine(GRAMS, QUARANTINE)
        self.present, self.absent = _NO_BET, _NO_BET

    def begin(self) -> None:
        """Set what is bet against."""
        share = (self.counts + 1) / (self.texts + 1)
        share = np.minimum(share + BAND * np.sqrt(share * (1 - share) / self.texts), 0.999)
        surged = np.maximum(np.minimum(share + SURGE, 0.99), share)  # what is in nearly all texts cannot surge
        self.present = (surged / share).astype(np.float32)
        self.absent = ((1 - surged) / (1 - share)).astype(np.float32)

    def learn(self, counts: NDArray[Any], texts: int) -> None:
        """Add texts to the reference: how many have words of each bucket, of how many."""
        self.counts += counts
        self.texts += texts

    def step(self, grams: NDArray[np.uint8]) -> float:
        """Take the words of one text (uint8[GRAMS]); return the evidence."""
        ratio = np.where(grams, self.present, self.absent)
        self.evidence = np.minimum((self.evidence + 1) * ratio, _CEILING)
        if self.texts < COMPLETE:
            released = self.quarantine.add((grams > 0).astype(np.float32))
            if released is not None:
                self.learn(released, QUARANTINE)
                self.begin()
        return float(self.evidence.mean())

    def start_anew(self) -> None:
        """Forget the evidence, and what waits to become reference."""
        self.evidence = np.zeros_like(self.evidence)
        self.quarantine.clear()

    def subject(self) -> str:
        """Name the bucket that surged, and how common it was; the words themselves are in the examples."""
        bucket = int(self.evidence.argmax())
        return f"words of bucket {bucket}, in {self.counts[bucket] / self.texts:.1%} of texts before"
