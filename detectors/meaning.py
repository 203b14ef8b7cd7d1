"""Vectors of texts go in, one after another; out comes the evidence that what they are about is not as it was."""

import zlib
from collections.abc import Mapping
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.style import reference
from detectors.text_bets import COMPLETE, SHAPES, TEXTS, Numbers, Quarantine
from detectors.two_sample import ARRAYS, LEARNERS, NUMBERS, TwoSample

VERSION = 1
WIDTH = 384  # coordinates of a vector, each a whole number from 1 to 255; all 0 where a text has none
RIDGE = 3.0  # ten times that of style: a covariance of 384 coordinates is hardly known from 400 texts
QUARANTINE = 256  # texts
_COLUMNS = np.arange(WIDTH)
_ARRAYS = (*(f"two_sample.{name}" for name in ARRAYS), "quarantine.waiting", "quarantine.passed")
_NUMBERS = (*(f"two_sample.{name}" for name in NUMBERS), "quarantine.seen")


class Meaning:
    """The sequential two-sample test of `TwoSample` on what a model of language makes of texts.

    Its reference is the first 400 texts that have a vector, whenever these come; the bets and what is learned of them
    are the same as on style, so is the guarantee: each coordinate is a rank among the reference's, and a text is bet on
    before it is learned. On an exact copy of one of the last 1,000 nothing is bet: among 384 coordinates a classifier
    finds again what it has learned, and taking that out is not exact enough. What the coordinates mean is nothing to
    it, so any encoder will do that gives the same text the same vector.
    """

    def __init__(self) -> None:
        self.texts = 0  # from which the reference is known
        self._levels = b""
        self._bets: _Bets | None = None  # once it is: most segments have no vectors, and bets take 80 KB

    @property
    def watching(self) -> bool:
        """Whether the reference is complete: from then on it bets."""
        return self.texts >= TEXTS

    def step(self, vector: NDArray[np.uint8]) -> float:
        """Take one text's vector (uint8[WIDTH]) and return the evidence, which is 0 as long as it is not watching."""
        bets = self._bets
        if not vector.any():
            return float(bets.two_sample.evidence.mean()) if bets else 0.0
        if bets is None:
            self._levels += vector.tobytes()
            self.texts += 1
            self._bets = _Bets() if self.watching else None
            return 0.0
        key = zlib.crc32(vector.tobytes()) or 1
        held, repeated = bets.two_sample.evidence, bool((bets.two_sample.keys == key).any())
        known = reference(self._levels, WIDTH, RIDGE)
        scores = known.table[_COLUMNS, vector].astype(np.float64) - known.centre
        evidence, told = bets.two_sample.step(known, scores, key, self.texts)
        if repeated:
            bets.two_sample.evidence = held
            evidence = float(held.mean())
        if self.texts < COMPLETE:
            self._learn(bets, scores, told)
        return evidence

    def start_anew(self) -> None:
        """Forget the evidence, and what waits to be learned: an alarm was raised."""
        if self._bets:
            self._bets.two_sample.evidence = np.zeros_like(self._bets.two_sample.evidence)
            self._bets.quarantine.clear()

    def _learn(self, bets: "_Bets", scores: Numbers, told: Numbers) -> None:
        released = bets.quarantine.add(np.concatenate([scores, told.ravel()]).astype(np.float32))
        if released is not None:
            self.texts += QUARANTINE
            mean, told = np.split(released.astype(np.float64) / QUARANTINE, [WIDTH])
            bets.two_sample.learn(mean, told, QUARANTINE / self.texts)

    def state(self) -> dict[str, Any]:
        """Return all that it knows, as bytes and numbers: about 90 KB."""
        return {
            "version": VERSION,
            "texts": self.texts,
            "levels": zlib.compress(self._levels),
            **(self._bets.state() if self._bets else _no_bets()),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any] | None) -> "Meaning":
        """Return what gave the state; where there is none, or one of another version, a new one that learns anew."""
        meaning = cls()
        if state is None or state.get("version") != VERSION:
            return meaning
        meaning.texts, meaning._levels = state["texts"], zlib.decompress(state["levels"])
        if meaning.watching:
            meaning._bets = _Bets.restore(state)
            if meaning._bets.two_sample.lesson_at:
                meaning._bets.two_sample.resume(reference(meaning._levels, WIDTH, RIDGE))
        return meaning


class _Bets:
    """What is bet with once the reference is complete."""

    def __init__(self) -> None:
        self.two_sample = TwoSample(WIDTH)
        self.quarantine = Quarantine(WIDTH + LEARNERS * SHAPES, QUARANTINE)

    def state(self) -> dict[str, Any]:
        return {name: zlib.compress(attrgetter(name)(self).tobytes()) for name in _ARRAYS} | {
            name: int(attrgetter(name)(self)) for name in _NUMBERS
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "_Bets":
        bets = cls()
        for name in _ARRAYS:
            part, _, own = name.rpartition(".")
            owner, old = attrgetter(part)(bets), attrgetter(name)(bets)
            setattr(owner, own, np.frombuffer(zlib.decompress(state[name]), old.dtype).reshape(old.shape).copy())
        for name in _NUMBERS:
            part, _, own = name.rpartition(".")
            setattr(attrgetter(part)(bets), own, state[name])
        return bets


@cache
def _no_bets() -> dict[str, Any]:
    return _Bets().state()
