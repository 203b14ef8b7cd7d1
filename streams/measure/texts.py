"""A sample of the texts, the same whoever draws it, becomes features."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.base import Texts
from detectors.text_features import features
from streams.measure.meanings import Embed


def sampled(inference_id: str, share: float) -> bool:
    """Tell whether an inference's texts are watched: by a hash of its id, so that question and answer both are."""
    return zlib.crc32(inference_id.encode(errors="replace")) < share * 2**32


class Described:
    """The features of a block's texts, and their vectors where something embeds; `rows` (rising) is where in the block
    each stands."""

    def __init__(self, rows: NDArray[np.int64], texts: Sequence[str], embed: Embed | None) -> None:
        order = np.argsort(rows)
        self.rows = rows[order]
        ordered = [texts[place] for place in order.tolist()]
        self.style, self.grams = features(ordered)
        self.vectors = None if embed is None else embed(ordered)

    def between(self, start: int, stop: int) -> Texts | None:
        """Return those of the rows start to stop, which then count from 0; None where there are none."""
        first, last = np.searchsorted(self.rows, (start, stop)).tolist()
        if first == last:
            return None
        rows = (self.rows[first:last] - start).astype(np.int32)
        vectors = None if self.vectors is None else self.vectors[first:last]
        return Texts(rows, self.style[first:last], self.grams[first:last], vectors)
