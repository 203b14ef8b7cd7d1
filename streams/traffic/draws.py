"""A window, a count and a seed become draws: for each inference when, where, and the random numbers that shape it."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from streams.traffic.fleet import FLEET
from streams.traffic.season import Season

SLICE = 4000  # about the most inferences drawn at once, which bounds memory
HOUR_NS = 3_600_000_000_000
LATENCY_SIGMA = 0.5  # of log-normal durations
TOKENS_SIGMA = 0.9  # of log-normal lengths of answers
CORRELATION = 0.6  # between the logarithms of both: longer answers take longer


class Draw(NamedTuple):
    """One inference's chances: factors are on the route's medians, the rest is uniform on [0, 1)."""

    ordinal: int
    time_unix_nano: int
    gateway: int
    length_factor: float
    duration_factor: float
    error_factor: float
    error: float
    cause: float
    ending: float
    stream: float
    cache: float
    language: float
    topic: float
    user: float
    dialogue: float
    context: float  # standard normal


def draws(start: datetime, duration: timedelta, inferences: int, seed: int, season: Season) -> Iterator[Draw]:
    """Yield exactly `inferences` draws in order of time, `start` inclusive, `start + duration` exclusive."""
    rng = np.random.default_rng(seed)
    edges = _edges(start, duration, inferences)
    middles = (edges[:-1] + edges[1:]) / 2 / HOUR_NS
    weights = season.traffic(middles) * np.diff(edges)
    counts = rng.multinomial(inferences, weights / weights.sum())
    ordinal = 0
    for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
        yield from _slice(rng, low, high, count, ordinal, seed, season)
        ordinal += count


def _edges(start: datetime, duration: timedelta, inferences: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Cut the window into hours of the clock, and those into as many parts as keep a slice small."""
    first = round(start.timestamp() * 1e9)
    last = first + round(duration.total_seconds() * 1e9)
    parts = max(1, math.ceil(2 * inferences * HOUR_NS / (last - first) / SLICE))
    step = HOUR_NS // parts
    return np.unique(np.clip(np.arange(first // HOUR_NS * HOUR_NS, last + step, step, dtype=np.int64), first, last))


def _slice(
    rng: np.random.Generator, low: int, high: int, count: int, ordinal: int, seed: int, season: Season
) -> Iterator[Draw]:
    times = np.sort(rng.integers(low, high, count))
    hours = times / HOUR_NS
    wobble = season.draw_wobble(np.random.default_rng((seed, low // HOUR_NS)))  # the same in every part of an hour
    tokens, own, context = rng.standard_normal((3, count))
    latency = CORRELATION * tokens + math.sqrt(1 - CORRELATION**2) * own
    columns = [
        np.arange(ordinal, ordinal + count),
        times,
        rng.choice(len(FLEET), count, p=_shares()),
        season.tokens(hours, wobble) * np.exp(TOKENS_SIGMA * tokens),
        season.latency(hours, wobble) * np.exp(LATENCY_SIGMA * latency),
        season.errors(hours, wobble),
        *rng.random((9, count)),
        context,
    ]
    yield from map(Draw._make, zip(*(column.tolist() for column in columns), strict=True))


def _shares() -> list[float]:
    total = sum(gateway.share for gateway in FLEET)
    return [gateway.share / total for gateway in FLEET]
