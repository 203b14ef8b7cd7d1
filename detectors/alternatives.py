"""Values and what is expected of them go in; how much likelier each alternative makes them comes out, in logs."""

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import Kind, Metric

ALTERNATIVES = 8
# Shifts of normal scores beyond the band, and factors of the odds of a rate. Beliefs favour what people call a change
# (a fifth of a latency, a doubled error rate) and the direction that is worse: that is worth a tenth of the delay.
SHIFTS = np.array([0.1, 0.2, 0.35, 0.8, -0.1, -0.2, -0.35, -0.8])
ODDS = np.array([1.3, 1.6, 2.0, 3.5, 12.0, 0.75, 0.5, 0.25])
_SHIFTS_BELIEVED = np.array([1.0, 3.0, 3.0, 0.7, 0.3, 0.7, 0.7, 0.2])
_ODDS_BELIEVED = np.array([1.0, 1.0, 5.0, 1.0, 0.3, 0.4, 0.5, 0.2])

# The band within which nothing is a change, in standard errors of the reference and in standard deviations of wobble,
# and the least shift beyond it, in the latter, too. Set on simulated streams; see docs/detection.md.
_ERRORS, _WOBBLES, _LEAST = 1.2, 2.3, 3.0
_LEAST_RATE = 1e-5
_RARE = 5e-3

# How many times rarer false alarms are, on null streams, than one in A events, which is what is proved: the null is
# mostly inside of its band, and the threshold is overshot. Measured; see docs/detection.md.
LOOSE = {Kind.RATE: 2.0, Kind.POSITIVE: 4.0, Kind.REAL: 4.0, Kind.CATEGORY: 4.0, Kind.TEXT: 1.0}


def believed(metric: Metric) -> NDArray[np.float64]:
    """Return how much each alternative of a metric is believed in, float64[8]."""
    if metric.kind is Kind.RATE:
        return _ODDS_BELIEVED
    if metric.worse == "up":
        return _SHIFTS_BELIEVED
    flipped = np.roll(_SHIFTS_BELIEVED, 4)
    return flipped if metric.worse == "down" else _SHIFTS_BELIEVED + flipped


def rate_spread(centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a standard deviation to put rates of about so much on one scale by.

    It is the same at all hours, and rare events stay below 15: one at an hour that seemed to have none, while little
    was known, would outweigh all that come after a change.
    """
    p = np.clip(centre, _RARE, 1 - _RARE)
    spread: NDArray[np.float64] = np.sqrt(p * (1 - p))
    return spread


def band(error: NDArray[np.float64], wobble: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half the width of the band, in the unit of what it is given."""
    width: NDArray[np.float64] = np.sqrt((_ERRORS * error) ** 2 + (_WOBBLES * wobble) ** 2)
    return width


def rate_ratios(
    values: NDArray[np.float64], expected: NDArray[np.float64], width: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return log-likelihood ratios, float64[n, S, 8], of rates with odds that are ODDS times those of the band's edge.

    For every rate inside of the band the expectation of the ratio is at most 1.
    """
    high = np.clip(expected + width, _LEAST_RATE, 1 - _LEAST_RATE)
    low = np.clip(expected - width, _LEAST_RATE, 1 - _LEAST_RATE)
    edge = np.where(ODDS > 1, high[..., None], low[..., None])
    return np.asarray(values[..., None] * np.log(ODDS) - np.log1p((ODDS - 1) * edge))


def score_ratios(
    scores: NDArray[np.float64], width: NDArray[np.float64], wobble: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return log-likelihood ratios, float64[n, S, 8], of normal scores (float64[n, S]) shifted beyond the band.

    Where hours differ much for no reason (`wobble`, float64[S]), no alternative is as small as they differ: an hour
    that is four deviations off is not a change.
    """
    sign = np.sign(SHIFTS)
    shifts = sign * np.sqrt(SHIFTS**2 + (_LEAST * wobble[:, None]) ** 2)
    return np.asarray(shifts * (scores[..., None] - sign * width[..., None]) - shifts**2 / 2)


def return_ratios(
    values: NDArray[np.float64], scores: NDArray[np.float64], expected: NDArray[np.float64], half: float, rate: bool
) -> NDArray[np.float64]:
    """Return log-likelihood ratios, float64[n], of being back at the level expected against half of a change.

    `half` is half of the shift of scores, or the logarithm of half of the factor of odds.
    """
    if rate:
        p = np.clip(expected, _LEAST_RATE, 1 - _LEAST_RATE)
        return np.asarray(np.log1p(np.expm1(half) * p) - values * half)
    return half**2 / 2 - half * scores
