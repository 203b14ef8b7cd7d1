"""Drift detectors: one contract for all, then where ADWIN fires, when it does not, and that blocks change nothing."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from river.drift import ADWIN

from detectors.base import METRICS, DriftWatch, levels
from detectors.drift import DELTA, Adwin
from detectors.silent import Silent

WATCHES: list[Callable[[], DriftWatch]] = [Adwin, Silent]


def steps(seed: int, n: int = 3000) -> NDArray[np.float64]:
    """Return levels that jump twice, one in eight of them not known."""
    rng = np.random.default_rng(seed)
    level = np.repeat([0.0, 1.5, -0.5], n // 3)
    return np.where(rng.random(n) < 1 / 8, np.nan, level + rng.normal(size=n))


def in_pieces(watch: DriftWatch, stream: NDArray[np.float64], cuts: list[int]) -> list[int]:
    """Feed a watch in pieces, through a pickle after each, and return where it fired in the whole."""
    fired: list[int] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        fired += [start + index for index in watch.watch(stream[start:stop])]
        watch = pickle.loads(pickle.dumps(watch))  # noqa: S301  # made one line above
    return fired


@pytest.mark.parametrize("make", WATCHES)
@pytest.mark.parametrize(
    "still", [[], [3.0], [np.nan] * 500, [0.0] * 5000, [1e9] * 5000], ids=["empty", "one", "unknown", "zeros", "huge"]
)
def test_still_levels_never_fire(make: Callable[[], DriftWatch], still: list[float]) -> None:
    assert make().watch(np.array(still)) == []


@pytest.mark.parametrize("make", WATCHES)
@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, 3000), max_size=12).map(sorted))
@settings(max_examples=30, deadline=None)
def test_cutting_into_pieces_and_restarting_changes_nothing(
    make: Callable[[], DriftWatch], seed: int, cuts: list[int]
) -> None:
    stream = steps(seed)
    assert in_pieces(make(), stream, cuts) == make().watch(stream)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_adwin_fires_where_rivers_own_fires(seed: int) -> None:
    river, fired = ADWIN(delta=DELTA), []  # type: ignore[no-untyped-call]  # River gives no types
    for index, level in enumerate(steps(seed).tolist()):
        if not np.isnan(level):
            river.update(level)  # type: ignore[no-untyped-call]  # River gives no types
            if river.drift_detected:
                fired.append(index)
    assert len(fired) >= 2
    assert Adwin().watch(steps(seed)) == fired


def errors(rng: np.random.Generator, n: int, change: float) -> NDArray[np.float64]:
    return (rng.random(n) < 0.02 * change).astype(float)


def latency(rng: np.random.Generator, n: int, change: float) -> NDArray[np.float64]:
    seconds = change * rng.lognormal(0, 0.5, n)
    return levels({"duration_s": seconds}, n)[:, METRICS.index("duration_s")]


def tokens(rng: np.random.Generator, n: int, change: float) -> NDArray[np.float64]:
    count = np.round(change * 300 * rng.lognormal(0, 0.9, n))
    return levels({"output_tokens": count}, n)[:, METRICS.index("output_tokens")]


@pytest.mark.parametrize(
    ("metric", "change", "median_delay", "longest_delay"),
    [(errors, 2.0, 4000, 7000), (latency, 1.2, 450, 800), (tokens, 1.25, 850, 1600)],
)
def test_adwin_fires_soon_after_a_change(
    metric: Callable[[np.random.Generator, int, float], NDArray[np.float64]],
    change: float,
    median_delay: int,
    longest_delay: int,
) -> None:
    delays = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        watch = Adwin()
        assert watch.watch(metric(rng, 20_000, 1.0)) == []
        delays.append(watch.watch(metric(rng, 10_000, change))[0])
    assert np.median(delays) <= median_delay
    assert max(delays) <= longest_delay


@pytest.mark.parametrize("metric", [errors, latency, tokens])
def test_adwin_is_silent_for_half_a_million_still_values(
    metric: Callable[[np.random.Generator, int, float], NDArray[np.float64]],
) -> None:
    assert Adwin().watch(metric(np.random.default_rng(11), 500_000, 1.0)) == []


def test_a_smaller_delta_waits_longer() -> None:
    stream = steps(seed=1)
    eager, careful = Adwin(0.002).watch(stream)[0], Adwin(1e-12).watch(stream)[0]
    assert eager < careful
