"""Times become the season of simulated traffic: how much there is of it, how slow, how long and how faulty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wobble:
    """One hour's own random effects, the same for all inferences of that hour (dimensionless, around 0)."""

    latency: float
    tokens: float
    errors: float


@dataclass(frozen=True, slots=True)
class Season:
    """Day and week in traffic; all `hours` are hours since 1970, UTC, and all swings are dimensionless.

    The wave of a day is s(t) = sin(2π(t - 8)/24) + 0.3 sin(4π(t - 3)/24), t in hours: highest in the afternoon.
    Real traces of model traffic that are longer than about an hour are not public, so the shape is an assumption.
    """

    traffic_swing: float = 0.6
    weekend_traffic: float = 0.55
    latency_swing: float = 0.20
    weekend_latency: float = 0.94
    tokens_swing: float = 0.10
    error_swing: float = 0.4
    wobble: float = 0.03

    def traffic(self, hours: Floats) -> Floats:
        """Return how much traffic there is, 1 on the average of a working day."""
        day = 1 + self.traffic_swing * np.sin(2 * np.pi * (hours - 9) / 24)
        return np.where(_weekend(hours), day * self.weekend_traffic, day)

    def latency(self, hours: Floats, wobble: Wobble) -> Floats:
        """Return the factor on durations."""
        factor = np.exp(self.latency_swing * _wave(hours) + wobble.latency)
        return np.where(_weekend(hours), factor * self.weekend_latency, factor)

    def tokens(self, hours: Floats, wobble: Wobble) -> Floats:
        """Return the factor on the number of tokens written."""
        factor: Floats = np.exp(self.tokens_swing * _wave(hours) + wobble.tokens)
        return factor

    def errors(self, hours: Floats, wobble: Wobble) -> Floats:
        """Return the factor on the probability of an error, never negative."""
        factor: Floats = np.maximum(0.0, (1 + self.error_swing * _wave(hours)) * (1 + 2 * wobble.errors))
        return factor

    def draw_wobble(self, rng: np.random.Generator) -> Wobble:
        return Wobble(*rng.normal(0.0, self.wobble, 3).tolist())


def _wave(hours: Floats) -> Floats:
    wave: Floats = np.sin(2 * np.pi * (hours - 8) / 24) + 0.3 * np.sin(4 * np.pi * (hours - 3) / 24)
    return wave


def _weekend(hours: Floats) -> NDArray[np.bool_]:
    days = np.floor(hours / 24)
    weekend: NDArray[np.bool_] = (days + 3) % 7 >= 5  # 1970 began on a Thursday
    return weekend
