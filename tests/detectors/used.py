"""Seeded usage of a shard: users by Zipf's law, a day's season, and whatever is planted."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.base import Measurements, Words
from detectors.held import select

START = 1_790_035_200 - 1_790_035_200 % 28_800  # seconds since 1970, the beginning of a shift
HOUR = 3600 * 10**9
Columns = dict[str, NDArray[np.float64]]
COLUMNS = ("tokens", "cost_usd", "errors", "feedback")


def calls(rng: np.random.Generator, hours: NDArray[np.float64], user: NDArray[np.int64], errors: float) -> Columns:
    """Return calls at some hours: tokens around 300, `errors` of them failed."""
    tokens = np.round(300 * rng.lognormal(0, 0.9, len(hours)))
    failed = (rng.random(len(hours)) < errors).astype(float)
    columns = {"hour": hours, "user": user.astype(float), "tokens": tokens, "cost_usd": tokens * 2e-6, "errors": failed}
    return columns | {"feedback": np.full(len(hours), np.nan)}


def thumbs(hours: NDArray[np.float64], user: NDArray[np.int64]) -> Columns:
    """Return pieces of feedback."""
    unknown = np.full(len(hours), np.nan)
    feedback = np.ones(len(hours))
    columns = {"tokens": unknown, "cost_usd": unknown, "errors": unknown, "feedback": feedback}
    return {"hour": hours, "user": user.astype(float), **columns}


def usual(seed: int, days: float, a_day: int = 4000, users: int = 3000) -> list[Columns]:
    """Return what users do of whom the k-th is k^-1.1 as busy as the first: calls, 2% errors, 2% thumbs."""
    rng = np.random.default_rng(seed)
    busy = np.arange(1, users + 1) ** -1.1
    hours = rng.random(int(1.6 * a_day * days)) * days * 24
    hours = hours[rng.random(len(hours)) * 1.6 < 1 + 0.6 * np.sin(2 * np.pi * (hours - 9) / 24)]
    user = rng.choice(users, len(hours), p=busy / busy.sum())
    rated = rng.random(len(hours)) < 0.02
    return [calls(rng, hours, user, errors=0.02), thumbs(hours[rated] + 0.02, user[rated])]


def block(parts: list[Columns], kind: str = "user") -> Measurements:
    """Return all parts in order of time."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(columns["hour"], kind="stable")
    n = len(order)
    user = columns["user"][order].astype(np.int32)
    return Measurements(
        source=np.zeros(n, np.int64),
        position=np.arange(n),
        time_unix_nano=START * 10**9 + (columns["hour"][order] * HOUR).astype(np.int64),
        inference_id=[f"inference-{row}" for row in range(n)],
        values={name: columns[name][order] for name in COLUMNS},
        words={kind: Words(user, tuple(map(named, range(int(user.max()) + 1))))},
    )


def named(user: int) -> str:
    """Return a user's pseudonym."""
    return f"u_{user:032x}"


def pieces(whole: Measurements, size: int = 1000) -> Iterator[Measurements]:
    """Cut measurements into blocks."""
    for start in range(0, len(whole.inference_id), size):
        yield select(whole, np.arange(start, min(start + size, len(whole.inference_id))))
