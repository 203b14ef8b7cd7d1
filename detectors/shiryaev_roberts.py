"""Log-likelihood ratios of streams go in; how much each has said for a change that began at any time comes out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRETCH = 128  # rows after which sums begin anew: with ratios of at most e^5 nothing overflows
_MOST = 5.0


class ShiryaevRoberts:
    """Mixture Shiryaev-Roberts e-detectors of S streams, each with the same K alternatives.

    For each alternative k the evidence is M <- (M + 1) L, with L the likelihood ratio of the alternative to the null
    that is nearest to it: the sum, over all moments at which a change may have begun, of the evidence since then. The
    mean of the M, weighted, is an e-detector: under the null its expectation grows by at most 1 an event, so an alarm
    at A is false at most once in A events on average, whatever the dependence between events and between streams.

    The recursion runs as sums: with C the sum of log L and W the sum of e^-C before each row, M is e^C W. The sums
    are carried on row by row and begin anew every 128 rows, so that blocks of any size give the same bits.

    Parameters
    ----------
    alternatives
        K, of each stream; how much each is believed in is said when a stream is added.

    Jaehyeok Shin, Aaditya Ramdas, Alessandro Rinaldo. E-detectors: a nonparametric framework for sequential change
    detection. New England Journal of Statistics in Data Science, 2024.
    """

    def __init__(self, alternatives: int) -> None:
        self.weights = np.zeros((0, alternatives))
        self.sums = np.zeros((0, alternatives))
        self.begun = np.zeros((0, alternatives))
        self.row = 0

    def grow(self, weights: NDArray[np.float64]) -> None:
        """Add n streams of which nothing has been seen; `weights`, float64[n, K], are scaled to be 1 together."""
        empty = np.zeros(weights.shape)
        self.weights = np.concatenate([self.weights, weights / weights.sum(axis=1, keepdims=True)])
        self.sums, self.begun = np.concatenate([self.sums, empty]), np.concatenate([self.begun, empty])

    @property
    def room(self) -> int:
        """How many rows may come before the sums begin anew."""
        return STRETCH - self.row

    def weigh(self, ratios: NDArray[np.float64], known: NDArray[np.bool_]) -> "Weighed":
        """Weigh the next n rows, at most `room`: log-likelihood ratios float64[n, S, K], and where they are known.

        Nothing is taken over until `keep`.
        """
        ratios = np.where(known[:, :, None], np.clip(ratios, -_MOST, _MOST), 0.0)
        sums = np.add.accumulate(np.concatenate([self.sums[None], ratios]), axis=0)
        inverse = np.exp(-sums)
        starts = np.where(known[:, :, None], inverse[:-1], 0.0)
        begun = np.add.accumulate(np.concatenate([self.begun[None], starts]), axis=0)
        with np.errstate(divide="ignore"):
            evidence = np.log((begun[1:] / inverse[1:] * self.weights).sum(axis=2))
        return Weighed(sums, begun, evidence)

    def keep(self, weighed: "Weighed", rows: int) -> None:
        """Take over the first rows of what was weighed."""
        self.sums, self.begun = weighed.sums[rows].copy(), weighed.begun[rows].copy()
        self.skip(rows)

    def skip(self, rows: int) -> None:
        """Take rows of which no stream is known, at most `room`."""
        self.row += rows
        if self.row == STRETCH:
            self.begun *= np.exp(self.sums)
            self.sums[:] = 0.0
            self.row = 0

    def reset(self, stream: int) -> None:
        """Forget what a stream has said."""
        self.sums[stream] = self.begun[stream] = 0.0

    def state(self) -> dict[str, Any]:
        return {"weights": self.weights, "sums": self.sums, "begun": self.begun, "row": self.row}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.weights, self.sums, self.begun, self.row = (state[name] for name in ("weights", "sums", "begun", "row"))


class Weighed:
    """Rows that were weighed: the sums before the first and after each, and `evidence`, float64[n, S], in logs."""

    __slots__ = ("begun", "evidence", "sums")

    def __init__(self, sums: NDArray[np.float64], begun: NDArray[np.float64], evidence: NDArray[np.float64]) -> None:
        self.sums, self.begun, self.evidence = sums, begun, evidence
