"""The trail knows where a change began, exact means, and ids from both sides, in bounded memory."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.trail import Change, Trail


def walked(levels: NDArray[np.float64], cuts: list[int] | None = None) -> Trail:
    """Return the trail of one metric's levels, given in pieces."""
    trail = Trail(metrics=1)
    for start, stop in zip([0, *(cuts or [])], [*(cuts or []), len(levels)], strict=True):
        ids = [f"inference-{row}" for row in range(start, stop)]
        trail.extend(levels[start:stop, None], np.arange(start, stop), ids)
    return trail


def changed(trail: Trail) -> Change:
    change = trail.change(0)
    assert change is not None
    return change


def step(before: int, after: int, seed: int = 0, noise: float = 0.3) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.repeat([0.0, 1.0], [before, after]) + noise * rng.normal(size=before + after)


@pytest.mark.parametrize("after", [8, 40, 300, 2000, 30_000])
def test_the_place_of_a_change_is_known_to_a_quarter_of_its_age(after: int) -> None:
    change = changed(walked(step(50_000, after)))
    assert abs(change.since_event - 50_000) <= max(3, after / 4)
    assert change.since_unix_nano == change.since_event  # one a nanosecond
    assert change.mean_before == pytest.approx(0, abs=0.2)
    assert change.mean_after == pytest.approx(1, abs=0.25)


def test_a_recent_change_is_known_exactly() -> None:
    change = changed(walked(step(5000, 12, noise=0.01)))
    assert change.since_event == 5000
    assert change.count_before == 5000
    assert change.count_after == 12
    assert change.examples_before == tuple(f"inference-{row}" for row in range(4995, 5000))


@given(
    seed=st.integers(0, 1000),
    n=st.integers(20, 5000),
    cuts=st.lists(st.integers(0, 5000), max_size=8).map(sorted),
)
@settings(max_examples=50, deadline=None)
def test_sums_are_exact_and_pieces_change_nothing(seed: int, n: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    levels = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
    whole, pieces = walked(levels), walked(levels, [cut for cut in cuts if cut <= n])
    assert whole.change(0) == pieces.change(0)
    change = whole.change(0)
    if change is not None:
        assert change.count_before + change.count_after == np.count_nonzero(~np.isnan(levels))
        assert change.mean_before == pytest.approx(np.nanmean(levels[: change.since_event]), rel=1e-9, abs=1e-12)
        assert change.mean_after == pytest.approx(np.nanmean(levels[change.since_event :]), rel=1e-9, abs=1e-12)


def test_a_change_is_measured_from_the_one_before() -> None:
    trail = walked(step(1000, 500))
    trail.forget(0)
    trail.extend(np.full((200, 1), 5.0), np.arange(1500, 1700), [f"inference-{row}" for row in range(1500, 1700)])
    change = changed(trail)
    assert (change.mean_before, change.mean_after) == (5.0, 5.0)
    assert change.count_before + change.count_after == 200


def test_metrics_are_forgotten_apart() -> None:
    trail = Trail(metrics=2)
    trail.extend(np.ones((100, 2)), np.arange(100), [str(row) for row in range(100)])
    trail.forget(1)
    assert trail.change(0) is not None
    assert trail.change(1) is None


def test_examples_of_more_errors_are_errors() -> None:
    levels = np.zeros(1000)
    levels[[985, 988, 991, 994, 999]] = 1
    change = changed(walked(levels))
    assert change.examples_after == tuple(f"inference-{row}" for row in (985, 988, 991, 994, 999))


@pytest.mark.parametrize("levels", [[], [1.0], [np.nan] * 100])
def test_too_little_to_split(levels: list[float]) -> None:
    assert walked(np.array(levels)).change(0) is None


def test_sparse_values_are_split_all_the_same() -> None:
    levels = np.full(40_000, np.nan)
    levels[[10, 20, 30, 39_999]] = 0, 0, 0, 9
    change = changed(walked(levels))
    assert (change.count_before, change.count_after, change.mean_after) == (3, 1, 9.0)
    assert change.since_event == 39_999


def test_memory_is_bounded() -> None:
    small, large = (len(pickle.dumps(walked(np.zeros(n)))) for n in (100_000, 1_000_000))
    assert large < 1.1 * small < 6000
