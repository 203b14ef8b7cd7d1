"""Levels go in and nothing comes out: the detector that never fires, for tests and as the null of a comparison."""

import numpy as np
from numpy.typing import NDArray


class Silent:
    """A DriftWatch that never fires.

    >>> Silent().watch(np.array([0.0, 1e9]))
    []
    """

    name = "silent"

    def watch(self, levels: NDArray[np.float64]) -> list[int]:  # noqa: ARG002  # the interface is DriftWatch's
        return []
