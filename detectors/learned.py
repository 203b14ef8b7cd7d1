"""A reference and a stream of it go in; what people are shown of it, and what a young segment leans on, comes out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import alternatives
from detectors.metrics import Metric
from detectors.reference import SeasonalReference
from detectors.scales import natural

HOURS = 168
Shapes = Mapping[str, NDArray[np.float32]]  # by metric; see `SeasonalReference.shape`


@dataclass(frozen=True, slots=True)
class Learned:
    """What a stream is expected to be, in its own unit, for each of the 168 hours of the week from Monday 00:00 UTC on:
    the level, and the band within which nothing is a change (float64[168] each); how much of the week has been seen,
    from how many events, and whether it is pinned."""

    metric: str
    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    share_seen: float
    weeks: float
    events: int
    pinned: bool


def learned(metric: Metric, name: str, reference: SeasonalReference, stream: int, pinned: bool) -> Learned | None:
    """Return what a reference has learned of a stream, under a name; None where there is nothing yet."""
    if not reference.spread[stream]:
        return None
    hours = HOURS // reference.bins
    level, error = (np.repeat(each, hours).astype(np.float64) for each in reference.week(stream))
    width = alternatives.band(error, reference.wobble[stream])
    low, expected, high = natural(metric, np.stack([level - width, level, level + width]))
    share, weeks = float(reference.share_seen()[stream]), reference.weeks(stream)
    return Learned(name, expected, low, high, share, weeks, int(reference.learned(stream)), pinned)
