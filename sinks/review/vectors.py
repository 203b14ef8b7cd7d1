"""Inferences get vectors through a plug: the projection that ClickHouse stores, or a packaged model."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sinks.review.chunks import chunks
from sinks.review.snapshot import Snapshot
from sinks.sealed.opening import as_text

Matrix = NDArray[np.float64]

CHUNK = 1000  # ids in one query: several of them often lie in one granule
_STORED = f"""
SELECT inference_id, vector, {as_text("sealed")} FROM prompt_vectors FINAL
PREWHERE draw IN (SELECT sipHash64(arrayJoin({{ids:Array(String)}}))) AND inference_id IN {{ids:Array(String)}}
WHERE week BETWEEN {{first_week:Date}} AND {{last_week:Date}}
"""  # noqa: S608  names of our own columns


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
    """The random projection of hashed terms that is stored with each question; of a sealed one, made of its terms."""

    name = "hashed"
    dimensions = 64

    def of(self, snapshot: Snapshot, ids: Sequence[str]) -> Matrix:
        """See `Vectors`."""
        stored: dict[str, Any] = {}
        for some in chunks(ids, CHUNK):
            read = snapshot.read(_STORED, ids=some)
            opened = snapshot.opener.terms([name for name, _, _ in read], [sealed for _, _, sealed in read])
            for (name, vector, _), terms in zip(read, opened, strict=True):
                stored[name] = vector or projected(terms)
        rows = np.zeros((len(ids), self.dimensions))
        for at, name in enumerate(ids):
            rows[at] = stored.get(name, 0.0)
        return unit(rows)


def projected(terms: Sequence[str]) -> Matrix:
    """Return the sum of the terms' coins, 1 or -1 for each coordinate, as bits of a hash: float64[dimensions]."""
    hashes = b"".join(blake2b(term.encode(), digest_size=Hashed.dimensions // 8).digest() for term in terms)
    coins = np.unpackbits(np.frombuffer(hashes, np.uint8)).reshape(len(terms), Hashed.dimensions)
    return np.asarray(2.0 * coins.sum(axis=0) - len(terms), np.float64)


def unit(rows: Matrix) -> Matrix:
    """Scale rows to length 1; what is zero stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
