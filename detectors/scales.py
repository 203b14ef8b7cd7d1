"""Values in their own units become what is watched, and come back, with how sure one may be of them."""

import math

import numpy as np
from numpy.typing import NDArray

from detectors.base import Estimate
from detectors.metrics import Kind, Metric

SURE = 1.96  # standard deviations, 95%
_LARGEST = 1e300  # what is larger would overflow; no metric comes near


def scaled(metric: Metric, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put values on the scale that is watched: rates and reals as they are, positive ones as log(1 + x / unit)."""
    if metric.kind is Kind.RATE:
        return np.where((values == 0) | (values == 1), values, np.nan)
    if metric.kind is Kind.REAL:
        return np.where(np.abs(values) <= _LARGEST, values, np.nan)
    known = (values >= 0) & (values <= _LARGEST)
    scale: NDArray[np.float64] = np.log1p(np.where(known, values, np.nan) / metric.unit)
    return scale


def natural(metric: Metric, level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what levels are in the metric's own unit: the inverse of `scaled`. A share of words is one of a rate."""
    if metric.kind is Kind.POSITIVE:
        return np.asarray(np.expm1(np.clip(level, 0.0, 709.0)) * metric.unit)
    return np.clip(level, 0.0, 1.0) if metric.kind in (Kind.RATE, Kind.CATEGORY) else level


def estimate(metric: Metric, level: float, uncertain: float, count: int) -> Estimate:
    """Return a level, on the scale that is watched, in the metric's own unit, with what is uncertain to either side."""
    mean, low, high = natural(metric, np.array([level, level - uncertain, level + uncertain])).tolist()
    return Estimate(mean, low, high, count)


def share_estimate(p: float, n: int) -> Estimate:
    """Return a share with its Wilson interval (E. B. Wilson. Probable inference. JASA 22, 1927)."""
    z2 = SURE**2
    middle, reach = (p + z2 / (2 * n)) / (1 + z2 / n), math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Estimate(p, max(middle - SURE * reach, 0.0), min(middle + SURE * reach, 1.0), n)


def log_odds(p: float, n: float) -> float:
    """Return log odds, of a share that may be 0 or 1 over so few."""
    least = max(0.5 / n, 1e-5)
    p = min(max(p, least), 1 - least)
    return math.log(p / (1 - p))
