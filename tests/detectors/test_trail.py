"""The trail knows sums since any row, exactly for recent ones, in bounded memory, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.packed import pack
from detectors.trail import COUNT, EXPECTED, SCORE, VALUE, Trail

REMEMBERED = 4 * 16 * 2**10  # rows; what is older is one bucket


def rows(n: int, seed: int = 0, streams: int = 1) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    known = rng.random((n, streams)) < 0.8
    score, value = rng.normal(size=(2, n, streams))
    return np.stack([known, *(np.where(known, each, 0.0) for each in (score, score**2, value, value / 2))], axis=2)


def walked(told: NDArray[np.float64], cuts: list[int] | None = None) -> Trail:
    trail = Trail()
    for _ in range(told.shape[1]):
        trail.grow(1)
    for start, stop in zip([0, *(cuts or [])], [*(cuts or []), len(told)], strict=True):
        trail.extend(told[start:stop])
    return trail


def counting(n: int) -> NDArray[np.float64]:
    """Return rows that are all known, with their number as score: sums tell which were counted."""
    told = np.zeros((n, 1, 5))
    told[:, 0, COUNT], told[:, 0, SCORE] = 1.0, np.arange(n)
    return told


@pytest.mark.parametrize("back", [5, 10, 16])
def test_sums_since_a_recent_row_are_exact(back: int) -> None:
    told = rows(10_007)
    told[-back:, 0, COUNT] = 1.0
    np.testing.assert_allclose(walked(told).since(0, 10_007 - back), told[-back:, 0].sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("n", [100, 5000, 200_000])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.99])
def test_a_row_of_long_ago_is_known_to_a_third_of_its_age(n: int, share: float) -> None:
    age = int(n * share)
    counted = walked(counting(n)).since(0, n - age)[COUNT]
    assert 2 / 3 * min(age, REMEMBERED) - 16 <= counted <= age + 4, "four, so that five are known"


@given(seed=st.integers(0, 1000), n=st.integers(1, 5000), back=st.integers(0, 5000))
@settings(max_examples=50, deadline=None)
def test_sums_are_those_of_the_last_rows(seed: int, n: int, back: int) -> None:
    told = rows(n, seed)
    found = walked(told).since(0, n - back)
    from_end = np.cumsum(told[::-1, 0], axis=0)
    near = np.abs(from_end[:, COUNT] - found[COUNT]) < 0.5
    assert any(np.allclose(found, each, rtol=1e-5, atol=1e-4) for each in from_end[near])


@given(seed=st.integers(0, 1000), n=st.integers(1, 5000), cuts=st.lists(st.integers(0, 5000), max_size=8).map(sorted))
@settings(max_examples=40, deadline=None)
def test_pieces_and_restarts_change_no_bit(seed: int, n: int, cuts: list[int]) -> None:
    told = rows(n, seed, streams=2)
    whole = walked(told)
    trail = Trail()
    trail.grow(1)
    trail.grow(1)
    inside = [cut for cut in cuts if cut <= n]
    for start, stop in zip([0, *inside], [*inside, n], strict=True):
        trail.extend(told[start:stop])
        trail = Trail.restore(trail.state())
    assert pack(trail.state()) == pack(whole.state())


def test_few_known_values_are_looked_for_further_back() -> None:
    told = np.zeros((40_000, 1, 5))
    told[[10, 20, 30, 100, 39_999], 0, COUNT] = 1.0
    told[39_999, 0, VALUE] = 9.0
    found = walked(told).since(0, 39_990)
    assert (found[COUNT], found[VALUE]) == (5, 9)


def test_what_began_anew_keeps_what_it_is_told_to() -> None:
    trail = walked(rows(1000))
    trail.begin(0, np.array([10.0, 5.0, 3.0, 20.0, 8.0]))
    assert trail.sums(0).tolist() == [10.0, 5.0, 3.0, 20.0, 8.0]
    trail.extend(counting(3))
    assert trail.sums(0)[[COUNT, VALUE, EXPECTED]].tolist() == [13.0, 20.0, 8.0]


def test_streams_are_forgotten_apart() -> None:
    told = rows(500, streams=2)
    trail = walked(told)
    trail.forget(1)
    assert trail.sums(0)[COUNT] == told[:, 0, COUNT].sum()
    assert not trail.sums(1).any()
    assert not trail.since(1, 0).any()


def test_a_stream_that_joins_later_has_no_past() -> None:
    trail = walked(rows(100))
    trail.grow(1)
    assert not trail.sums(1).any()


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_anything(n: int) -> None:
    trail = walked(counting(n))
    assert trail.since(0, 0)[COUNT] == n
    assert trail.since(0, 99)[COUNT] == n


def test_memory_is_bounded() -> None:
    small, large = (len(pack(walked(rows(n)).state())) for n in (100_000, 600_000))
    assert large < 1.3 * small < 2000
