"""Ranks among reference texts go in; out come normal scores, bets on them, and what was learned in quarantine."""

from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

TEXTS = 400  # of which a reference consists
COMPLETE = 4_000  # texts after which what bets pay at rest is known well enough, and is learned no further

Numbers = NDArray[np.float64]

# A bet is a density ratio on the normal score of a rank: this share of the texts moves up by so many deviations.
_SHARE, _SHIFT = np.array([(1.0, 0.7), (0.5, 1.2), (0.3, 2.0)]).T
_NORMAL = np.array([NormalDist().inv_cdf((halves / 2 + 0.5) / (TEXTS + 1)) for halves in range(2 * TEXTS + 1)])
SHAPES = len(_SHARE)


def bets(scores: Numbers) -> Numbers:
    """Return what each bet pays on normal scores: a last axis of SHAPES is added; the mean over a normal is 1."""
    raised = np.exp(_SHIFT * scores[..., None] - _SHIFT**2 / 2)
    paid: Numbers = 1 - _SHARE + _SHARE * raised
    return paid


def normal_scores(below: Numbers) -> Numbers:
    """Turn how many reference texts are below, in [0, TEXTS], a tie counting half, into normal scores."""
    return _NORMAL[np.rint(2 * below).astype(np.intp)]


@dataclass(slots=True)
class Quarantine:
    """Sums over texts that wait, and over those before them, which are handed on when enough have passed.

    What is learned from them is what bets pay at rest, so a change must not come in before it is found: with a length
    of 256, a text counts when 256 to 512 later ones raised no alarm. After an alarm all that waits is thrown away.
    """

    size: int
    length: int
    waiting: NDArray[np.float32] = field(init=False)
    passed: NDArray[np.float32] = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        self.waiting = np.zeros(self.size, np.float32)
        self.passed = np.zeros(self.size, np.float32)

    def add(self, numbers: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Count one more text; return the sums over `length` texts where these have passed."""
        self.waiting += numbers
        self.seen += 1
        if self.seen % self.length:
            return None
        released = self.passed if self.seen > self.length else None
        self.passed, self.waiting = self.waiting, np.zeros(self.size, np.float32)
        return released

    def clear(self) -> None:
        """Throw away what waits."""
        self.__post_init__()
        self.seen = 0
