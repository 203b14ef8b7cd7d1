"""Levels of style features go in, one text after another; out comes the evidence that one of them has moved."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.text_bets import SHAPES, TEXTS, Numbers, bets, normal_scores
from detectors.text_features import LEVELS, STYLE

WIDTH = len(STYLE)
BAND = 1.25  # standard errors of the reference by which a bet's pay at rest may be higher than measured
_CONSTANT = 0.05  # deviation of normal scores below which a feature is all but constant in the reference
RIDGE = 0.3  # for which a difference between means is trusted less where the reference hardly varies
_CEILING = np.float32(1e30)
_WEIGHT = np.full((WIDTH, 2, SHAPES), 0.3 / (WIDTH - 1) / 2 / SHAPES)
_WEIGHT[STYLE.index("length")] = 0.7 / 2 / SHAPES  # length apart: what changes most often, and tells most


@dataclass(frozen=True, slots=True)
class Reference:
    """What follows from the levels of 400 reference texts.

    `table` (float32[WIDTH, 256]) turns a level into its normal score among them, 0 where the feature is constant.
    `scores` (float64[400, WIDTH]) are their own, less their `centre`, and `deviation` is that of each feature. `pay`
    and `error` (float64[WIDTH, 2, SHAPES]) are what bets on rising and falling features pay on them, and its standard
    deviation. `inverse` is that of their scatter matrix, with a ridge, and `leaned` (float64[400, WIDTH]) is `scores`
    times it.
    """

    table: NDArray[np.float32]
    centre: Numbers
    scores: Numbers
    deviation: Numbers
    pay: Numbers
    error: Numbers
    inverse: Numbers
    leaned: Numbers


@lru_cache(maxsize=64)  # a pure function: what it is forgotten for costs a few milliseconds, not another answer
def reference(levels: bytes, width: int = WIDTH, ridge: float = RIDGE) -> Reference:
    """Return what follows from reference texts, given the bytes of their levels, uint8[400, width]."""
    texts = np.frombuffer(levels, np.uint8).reshape(TEXTS, width)
    counts = np.stack([np.bincount(column, minlength=LEVELS) for column in texts.T])
    table = normal_scores(np.cumsum(counts, axis=1) - counts / 2)
    columns = np.arange(width)
    constant = table[columns, texts].std(axis=0) <= _CONSTANT
    table[constant] = 0
    scores = table[columns, texts]
    paid = both_ways(scores)
    centre = scores.mean(axis=0)
    scores = scores - centre
    inverse = np.linalg.inv(scores.T @ scores + TEXTS * ridge * np.eye(width))
    return Reference(
        table=table.astype(np.float32),
        centre=centre,
        scores=scores,
        deviation=scores.std(axis=0),
        pay=paid.mean(axis=0),
        error=paid.std(axis=0),
        inverse=inverse,
        leaned=scores @ inverse,
    )


def both_ways(scores: Numbers) -> Numbers:
    """Return what bets pay on rising and on falling scores: two axes are added, (2, SHAPES)."""
    return bets(np.stack([scores, -scores], axis=-1))


class StyleBank:
    """One mixture e-detector for each style feature and direction, averaged.

    Each is a Shiryaev-Roberts e-detector, M ← (M + 1) L: L is what a bet on the feature's normal score pays, over the
    most that it may pay at rest, by its mean over the reference and a band of standard errors. So ties, and features
    that are mostly 0, do no harm. `pay` is drawn towards what bets paid on texts that sat out quarantine, and the band
    narrows as these grow from 400 to 4,000: then it is complete, and stays.

    References
    ----------
    J. Shin, A. Ramdas, A. Rinaldo. E-detectors: a nonparametric framework for sequential change detection. 2022.
    """

    def __init__(self) -> None:
        self.evidence = np.zeros((WIDTH, 2, SHAPES), np.float32)
        self.pay = np.zeros((WIDTH, 2, SHAPES))
        self.most = np.ones((WIDTH, 2, SHAPES))

    def begin(self, known: Reference, texts: int, pay: Numbers | None = None) -> None:
        """Set what bets pay at rest, known from so many texts."""
        self.pay = known.pay if pay is None else pay
        self.most = self.pay + BAND * known.error / np.sqrt(texts)

    def step(self, paid: Numbers) -> float:
        """Take what the bets paid on one text; return the evidence."""
        self.evidence = np.minimum((self.evidence + 1) * (paid / self.most), _CEILING).astype(np.float32)
        return float(np.vdot(self.evidence, _WEIGHT))

    def subject(self) -> str:
        """Name the features that moved most, and where to."""
        carried = (self.evidence * _WEIGHT).sum(axis=2)
        leading = [divmod(int(at), 2) for at in np.argsort(-carried, axis=None)[:3]]
        kept = [(row, down) for row, down in leading if carried[row, down] >= carried.max() / 100]
        return ", ".join(f"{STYLE[row]} {'down' if down else 'up'}" for row, down in kept)
