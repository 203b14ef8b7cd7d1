"""Texts become vectors of whole numbers, by a packaged model and one at a time: the same text, the same vector."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sinks.minilm import Encoder

TOKENS = 64  # of a text that are read: half the cost of the 128 that the map of a batch is made of
_MIDDLE, _STEPS = 128, 96  # a coordinate lies between -1 and 1, and mostly within 0.1 of 0

Embed = Callable[[Sequence[str]], NDArray[np.uint8]]


class Meanings:
    """MiniLM's vectors, uint8[texts, 384], each coordinate from 1 to 255; all 0 for an empty text.

    A text takes tens of milliseconds of one core. Raises sinks.minilm.ModelMissing.
    """

    def __init__(self) -> None:
        self._encoder = Encoder(TOKENS)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.uint8]:
        rows = self._encoder.embedded(texts)
        levels = np.clip(np.rint(_MIDDLE + _STEPS * rows), 1, 255).astype(np.uint8)
        levels[~rows.any(axis=1)] = 0
        return levels
