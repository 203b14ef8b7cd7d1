"""Seeded streams of one segment's metric come out, with the truth: a week of reference, then what may change."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Metric = Literal["error", "latency", "tokens", "mix"]
METRICS: tuple[Metric, ...] = ("error", "latency", "tokens", "mix")
DAY = 20_000  # events
HOUR_NS = 3_600_000_000_000
MONDAY_NS = 1_788_134_400_000_000_000  # 2026-08-31T00:00:00Z
MIX = np.array([0.35, 0.20, 0.15, 0.10, 0.08, 0.06, 0.04, 0.02])
SWAP = {"error": 2.0, "latency": 1.2, "tokens": 1.25, "mix": 0.08}  # the size of a change, by metric


@dataclass(frozen=True, slots=True)
class World:
    """What a segment's traffic is like when nothing changes.

    Args:
        season: strength of the daily season, 1 is the yardstick's.
        wobble: standard deviation of the random effect that all events of an hour share.
        weekend: factor of latency and tokens on Saturday and Sunday.
        day: events a day.
    """

    season: float = 1.0
    wobble: float = 0.03
    weekend: float = 1.0
    day: int = DAY


NULLS = {"iid": World(season=0.0, wobble=0.0), "season": World(wobble=0.0), "season+wobble": World()}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of `size` (see SWAP; the mix loses that share of class 0) that comes at once or over `ramp` events."""

    size: float
    ramp: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """One segment's metric: `values` (float64[n]; the mix: class numbers), `times` (int64[n], nanoseconds, rising),
    the first `reference` rows at rest, and where the change begins, None where nothing changes."""

    metric: Metric
    values: NDArray[np.float64]
    times: NDArray[np.int64]
    reference: int
    change_at: int | None = None


def stream(metric: Metric, world: World, rng: np.random.Generator, live: int, change: Change | None = None) -> Stream:
    """Draw a week of reference and `live` events after it; a change begins at a random hour's event of the day after.

    A stream with a change ends `live` events after it began.
    """
    reference = 7 * world.day
    change_at = None
    if change is not None:
        change_at = reference + int(rng.integers(world.day))
        live += change_at - reference
    times = _times(reference + live, world)
    values = _values(metric, world, times, rng, change, change_at)
    return Stream(metric, values, times, reference, change_at)


def sized(metric: Metric, **changes: int) -> Change:
    """Return the yardstick's change of a metric."""
    return replace(Change(SWAP[metric]), **changes)


def _times(n: int, world: World) -> NDArray[np.int64]:
    """Place events so that traffic over the hours h of a day follows 1 + 0.6 sin(2 pi (h - 9) / 24)."""
    grid = np.linspace(0.0, 24.0, 24 * 60 + 1)
    angle = 2 * np.pi / 24
    cumulated = grid + 0.6 / angle * (np.cos(-9 * angle) - np.cos((grid - 9) * angle))
    events = np.arange(n)
    within = np.interp((events % world.day + 0.5) / world.day * 24.0, cumulated, grid)
    hours = events // world.day * 24 + within
    times: NDArray[np.int64] = (hours * HOUR_NS).astype(np.int64) + MONDAY_NS
    return times


def _values(
    metric: Metric,
    world: World,
    times: NDArray[np.int64],
    rng: np.random.Generator,
    change: Change | None,
    change_at: int | None,
) -> NDArray[np.float64]:
    n = len(times)
    hours = (times - MONDAY_NS) / HOUR_NS
    season = world.season * (np.sin(2 * np.pi * (hours - 8) / 24) + 0.3 * np.sin(4 * np.pi * (hours - 3) / 24))
    whole_hour = hours.astype(np.int64)
    shared = rng.normal(0.0, 1.0, int(whole_hour[-1]) + 1)[whole_hour] * world.wobble
    free_day = np.where(whole_hour // 24 % 7 >= 5, np.log(world.weekend), 0.0)
    come = np.zeros(n)  # the share of the change that has come
    if change is not None and change_at is not None:
        come[change_at:] = np.clip((np.arange(n - change_at) + 1) / max(change.ramp, 1), 0.0, 1.0)
    size = 1.0 if change is None else change.size
    if metric == "error":
        p = 0.02 * (1 + 0.4 * season) * (1 + 2 * shared) * (1 + (size - 1) * come)
        return (rng.random(n) < p).astype(np.float64)
    if metric == "latency":
        return np.asarray(np.exp(rng.normal(0.0, 0.5, n) + 0.20 * season + shared + free_day + np.log(size) * come))
    if metric == "tokens":
        level = np.log(300.0) + 0.10 * season + shared + free_day + np.log(size) * come
        return np.asarray(np.round(np.exp(rng.normal(0.0, 0.9, n) + level)))
    swing = 0.05 * (season + 5 * shared)
    moved = (0.0 if change is None else size) * come
    p = np.tile(MIX, (n, 1))
    p[:, 0] += swing - moved
    p[:, 1] -= swing
    p[:, 5] += moved * 5 / 8
    p[:, 6] += moved * 3 / 8
    drawn: NDArray[np.float64] = (rng.random(n)[:, None] >= np.cumsum(np.clip(p, 0.0, 1.0), axis=1)[:, :-1]).sum(axis=1)
    return drawn.astype(np.float64)
