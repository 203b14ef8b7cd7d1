"""Inferences get vectors through a plug: the projection that ClickHouse stores, or a packaged model."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sinks.review.chunks import chunks
from sinks.review.snapshot import Snapshot

Matrix = NDArray[np.float64]

CHUNK = 1000  # ids in one query: several of them often lie in one granule
_STORED = """
SELECT inference_id, vector FROM prompt_vectors FINAL
PREWHERE draw IN (SELECT sipHash64(arrayJoin({ids:Array(String)}))) AND inference_id IN {ids:Array(String)}
WHERE week BETWEEN {first_week:Date} AND {last_week:Date}
"""


class Vectors(Protocol):
    """Gives each inference of a snapshot a vector, such that like questions lie near one another.

    Called once a cut, with a batch's ids. The same rows give the same vectors.
    """

    name: str
    dimensions: int

    def of(self, snapshot: Snapshot, ids: Sequence[str]) -> Matrix:
        """Return a row of length 1 for each id, in order; zeros where nothing was asked: float64[ids, dimensions]."""
        ...


class Hashed:
    """The random projection of hashed terms that is stored with each question."""

    name = "hashed"
    dimensions = 64

    def of(self, snapshot: Snapshot, ids: Sequence[str]) -> Matrix:
        """See `Vectors`."""
        stored: dict[str, Any] = {}
        for some in chunks(ids, CHUNK):
            stored.update(map(tuple, snapshot.read(_STORED, ids=some)))
        rows = np.zeros((len(ids), self.dimensions))
        for at, name in enumerate(ids):
            rows[at] = stored.get(name, 0.0)
        return unit(rows)


def unit(rows: Matrix) -> Matrix:
    """Scale rows to length 1; what is zero stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
