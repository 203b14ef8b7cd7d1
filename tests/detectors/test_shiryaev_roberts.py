"""The e-detector's sums are its recursion, M <- (M + 1) L, over any number of rows and however they are cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.shiryaev_roberts import STRETCH, ShiryaevRoberts

WEIGHTS = np.array([[1.0, 2.0, 5.0], [1.0, 1.0, 1.0]])
N = 700


def made() -> ShiryaevRoberts:
    detectors = ShiryaevRoberts(3)
    detectors.grow(WEIGHTS)
    return detectors


def drawn(seed: int, size: float = 0.5) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, size, (N, 2, 3)), rng.random((N, 2)) < 0.8


def fed(
    detectors: ShiryaevRoberts, ratios: NDArray[np.float64], known: NDArray[np.bool_], most: int = N
) -> NDArray[np.float64]:
    """Return the evidence after each row, taken by at most so many at once, weighing more than is kept."""
    evidence, start = [], 0
    while start < len(ratios):
        look = slice(start, start + detectors.room)
        weighed = detectors.weigh(ratios[look], known[look])
        rows = min(most, len(weighed.evidence))
        detectors.keep(weighed, rows)
        evidence.append(weighed.evidence[:rows])
        start += rows
    return np.concatenate(evidence)


def recursion(ratios: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    evidence, m = [], np.zeros((2, 3))
    for row, told in zip(ratios, known, strict=True):
        m = np.where(told[:, None], (m + 1) * np.exp(row), m)
        evidence.append((m * WEIGHTS / WEIGHTS.sum(axis=1, keepdims=True)).sum(axis=1))
    return np.array(evidence)


@given(seed=st.integers(0, 1000), most=st.integers(1, N))
@settings(max_examples=25, deadline=None)
def test_the_sums_are_the_recursion(seed: int, most: int) -> None:
    ratios, known = drawn(seed)
    np.testing.assert_allclose(np.exp(fed(made(), ratios, known, most)), recursion(ratios, known), rtol=1e-9)


@given(seed=st.integers(0, 1000), most=st.integers(1, STRETCH), cut=st.integers(0, N))
@settings(max_examples=25, deadline=None)
def test_cutting_and_restarting_changes_no_bit(seed: int, most: int, cut: int) -> None:
    ratios, known = drawn(seed)
    whole, cutting, restarted = made(), made(), ShiryaevRoberts(3)
    evidence = fed(whole, ratios, known)
    first = fed(cutting, ratios[:cut], known[:cut], most) if cut else evidence[:0]
    restarted.restore(cutting.state())
    then = fed(restarted, ratios[cut:], known[cut:], most) if cut < N else evidence[:0]
    assert np.concatenate([first, then]).tobytes() == evidence.tobytes()


@pytest.mark.parametrize("size", [9.0, -9.0])
def test_what_says_the_most_overflows_nowhere(size: float) -> None:
    """A stretch of it, after nearly an alarm in the stretch before: whatever comes next, the alarm begins it anew."""
    detectors = made()
    fed(detectors, np.full((STRETCH, 2, 3), 28.0 / STRETCH), np.ones((STRETCH, 2), np.bool_))
    ratios, known = np.full((STRETCH, 2, 3), size), np.ones((STRETCH, 2), np.bool_)
    assert np.isfinite(fed(detectors, ratios, known)).all()


def test_evidence_that_is_for_and_against_in_turn_stays_finite() -> None:
    """From the least sum that a stretch can have to the greatest, and into the next one, with an alarm's worth left."""
    half = STRETCH // 2
    ratios = np.repeat([-9.0, 9.0, -9.0, 0.1], half)[:, None, None] * np.ones((1, 2, 3))
    known = np.ones((len(ratios), 2), np.bool_)
    naive = recursion(np.clip(ratios, -5, 5), known)
    np.testing.assert_allclose(np.exp(fed(made(), ratios, known)), naive, rtol=1e-6)


def test_a_stream_is_forgotten_apart_in_the_middle_of_a_stretch() -> None:
    ratios, known = drawn(5)
    detectors = made()
    fed(detectors, ratios[:50], known[:50])
    detectors.reset(1)
    evidence = np.exp(fed(detectors, ratios[50:], known[50:]))
    np.testing.assert_allclose(evidence[:, 0], recursion(ratios, known)[50:, 0], rtol=1e-9)
    np.testing.assert_allclose(evidence[:, 1], recursion(ratios[50:], known[50:])[:, 1], rtol=1e-9)


def test_what_is_not_known_says_nothing() -> None:
    ratios, known = drawn(6)
    assert np.isneginf(fed(made(), ratios, np.zeros_like(known))).all()


def test_a_stream_at_rest_gains_at_most_one_a_row_on_average() -> None:
    """The e-detector's property, by simulation: E M_n <= n, with ratios of expectation 1."""
    rng = np.random.default_rng(1)
    shift, rows, streams = 0.2, 100, 4000
    detectors = ShiryaevRoberts(1)
    for _ in range(streams):
        detectors.grow(np.ones((1, 1)))
    ratios = shift * rng.normal(size=(rows, streams, 1)) - shift**2 / 2
    evidence = np.exp(fed(detectors, ratios, np.ones((rows, streams), np.bool_)))
    assert evidence[-1].mean() == pytest.approx(rows, rel=0.1)
