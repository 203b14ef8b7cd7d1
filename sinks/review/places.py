"""Vectors of a batch's items become places on a map, on which like questions lie near one another."""

from collections.abc import Sequence

import numpy as np

from sinks.review.vectors import Matrix

DIGITS = 3  # of a place: what a page shows, and the same on every machine
Place = tuple[float | None, float | None]


def places(vectors: Matrix) -> list[Place]:
    """Project rows on the two directions in which they differ most, each scaled to -1 … 1.

    Principal components (K. Pearson, Phil. Mag. 2, 1901) have no sign of their own: the one is taken with which the row
    farthest out, the first of several, lies on the positive side. A row of zeros has no place; fewer than three rows
    with a vector have none.

    Args:
        vectors: of the items, float64[items, dimensions].
    """
    has = np.any(vectors != 0, axis=1)
    if has.sum() < 3:
        return [(None, None)] * len(vectors)
    known = vectors[has]
    centred = known - known.mean(axis=0)
    _, turned = np.linalg.eigh(centred.T @ centred)
    x, y = (_scaled(centred @ turned[:, axis]) for axis in (-1, -2))
    found = iter(zip(x, y, strict=True))
    return [next(found) if each else (None, None) for each in has]


def _scaled(along: Matrix) -> Sequence[float]:
    """Scale to -1 … 1, with a sign that does not depend on how the axis was found."""
    farthest = np.abs(along).max()
    if farthest < 1e-9:  # all lie at one place
        return [0.0] * len(along)
    scaled = along / farthest
    first = scaled[np.flatnonzero(np.abs(scaled) > 1 - 1e-6)[0]]
    return [float(each) + 0.0 for each in np.round(scaled * np.sign(first), DIGITS)]
