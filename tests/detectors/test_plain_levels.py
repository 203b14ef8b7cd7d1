"""Streams that are weighed together, many rows at once, are each weighed as they would be alone and row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.budget import Budget
from detectors.drift import Drift
from detectors.packed import pack, unpack
from tests.detectors.plain_levels import plainly

HOUR_NS = 3_600_000_000_000
RATES, NUMBERS = ("error", "refusal", "incorrect"), ("duration_s", "output_tokens", "prediction")
LATE = "truncated"  # of which less is known than makes a reference
A_DAY = 480


def drawn(first: int, n: int, seed: int, changed: float) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Return rows of a segment with a season, slow drift and gaps; a third of it is `changed` by a factor."""
    rng = np.random.default_rng(seed)
    at = (first + np.arange(n)) * (24 * HOUR_NS // A_DAY)
    season = 1 + 0.3 * np.sin(at / (24 * HOUR_NS) * 2 * np.pi) + at / (900 * 24 * HOUR_NS)
    values = {name: (rng.random(n) < 0.05 * season).astype(float) for name in RATES}
    values |= {name: 2 * season * rng.lognormal(0, 0.4, n) for name in NUMBERS}
    values["error"] = (rng.random(n) < 0.05 * changed**2).astype(float)
    values["duration_s"] = values["duration_s"] * changed
    for column in values.values():
        column[rng.random(n) < 0.2] = np.nan
    return at, values


def learned(days: int) -> Drift:
    drift = Drift(Budget(segments=100, false_alarms=1.0))
    for _ in drift.walk(*drawn(0, days * A_DAY, 1, 1.0), {}):
        pass
    return drift


@pytest.fixture(scope="module", params=[2, 9], ids=["young", "a week"])
def states(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """Return a segment at rest, and the same with two metrics that are open."""
    drift = learned(request.param)
    rest = pack(drift.state())
    for _ in drift.walk(*drawn(request.param * A_DAY, 150, 2, 2.5), {}):
        pass
    assert np.count_nonzero(drift.levels.open) >= 2
    return {"at rest": rest, "open": pack(drift.state())}


@pytest.mark.parametrize("how", ["at rest", "open"])
@given(seed=st.integers(0, 2**16), n=st.integers(1, 128), none=st.sampled_from(["", "duration_s", "refusal"]))
@settings(max_examples=12, deadline=None)
def test_all_streams_at_once_are_each_stream_alone(
    states: dict[str, bytes], how: str, seed: int, n: int, none: str
) -> None:
    drift = Drift.restore(Budget(segments=100, false_alarms=1.0), unpack(states[how]))
    levels, n = drift.levels, min(n, drift.levels.room)
    _, values = drawn(drift.rows, n, seed, 1.0 + seed % 3 / 2)
    values[LATE] = (np.arange(n) % 3 == 0).astype(float)
    if none:
        values[none] = np.full(n, np.nan)
    times = np.full(n, drift._latest) + np.arange(n)
    table = levels.columns(values, n)
    span = levels.weigh(times, table)
    for told, expected in zip((span.scores, span.excess, span.back), plainly(levels, times, table), strict=True):
        np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-9)
    assert np.isfinite(span.back).any() == (~np.isnan(table[:, levels.open != 0])).any()
