"""Likelihood ratios are fair bets: at most 1 on average for what lies inside the band, exactly 1 at its edge."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import alternatives
from detectors.alternatives import ODDS, SHIFTS
from detectors.metrics import METRICS

MOST = 5.0  # what the e-detector clips log ratios at
_GRID = np.linspace(-12.0, 12.0, 4801)


def mean_of_rates(p: float, expected: float, width: float) -> NDArray[np.float64]:
    """Return the expectation of each ratio, float64[8], where a rate is p."""
    ratios = alternatives.rate_ratios(np.array([[0.0], [1.0]]), np.full((2, 1), expected), np.full((2, 1), width))
    return np.asarray(np.array([1 - p, p]) @ np.exp(ratios[:, 0]))


def mean_of_scores(shift: float, width: float, wobble: float) -> NDArray[np.float64]:
    """Return the expectation of each ratio, float64[8], as it is used, where scores are normal about a shift."""
    ratios = alternatives.score_ratios(_GRID[:, None], np.full((len(_GRID), 1), width), np.array([wobble]))[:, 0]
    density = np.exp(-((_GRID - shift) ** 2) / 2)
    return np.asarray(density / density.sum() @ np.exp(np.clip(ratios, -MOST, MOST)))


@pytest.mark.parametrize("expected", [0.0, 1e-4, 0.02, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("width", [0.0, 1e-3, 0.05])
def test_a_rate_within_the_band_is_no_news(expected: float, width: float) -> None:
    for p in np.linspace(max(expected - width, 0), min(expected + width, 1), 21):
        slack = 1e-3 if min(p, 1 - p) < 1e-5 else 1e-12  # a rate that is none counts as one in 100,000
        assert (mean_of_rates(float(p), expected, width) <= 1 + slack).all()


def test_a_rate_at_the_edge_of_the_band_is_a_fair_bet() -> None:
    above, below = mean_of_rates(0.12, 0.1, 0.02), mean_of_rates(0.08, 0.1, 0.02)
    np.testing.assert_allclose(above[ODDS > 1], 1, rtol=1e-12)
    np.testing.assert_allclose(below[ODDS < 1], 1, rtol=1e-12)


def test_a_rate_beyond_the_band_pays() -> None:
    assert (mean_of_rates(0.2, 0.1, 0.02)[(ODDS > 1) & (ODDS < 4)] > 1).all()
    assert (mean_of_rates(0.04, 0.1, 0.02)[ODDS < 1] > 1).all()


@pytest.mark.parametrize("width", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("wobble", [0.0, 0.06, 0.5])
def test_scores_within_the_band_are_no_news(width: float, wobble: float) -> None:
    for shift in np.linspace(-width, width, 9):
        assert (mean_of_scores(float(shift), width, wobble) <= 1 + 1e-6).all()


def test_scores_at_the_edge_of_the_band_are_a_fair_bet() -> None:
    small = np.abs(SHIFTS) < 0.5  # no clipping within reach
    np.testing.assert_allclose(mean_of_scores(0.1, 0.1, 0.06)[small & (SHIFTS > 0)], 1, rtol=1e-6)
    np.testing.assert_allclose(mean_of_scores(-0.1, 0.1, 0.06)[small & (SHIFTS < 0)], 1, rtol=1e-6)


def test_scores_beyond_the_band_pay() -> None:
    paid = mean_of_scores(0.5, 0.1, 0.0)
    assert (paid[(SHIFTS > 0) & (SHIFTS < 0.8)] > 1).all()
    assert (paid[SHIFTS < 0] < 1).all()


@pytest.mark.parametrize("half", [-1.2, -0.3, 0.25, 1.5])
def test_a_rate_that_is_still_half_changed_is_a_fair_bet_against_its_return(half: float) -> None:
    expected = np.full(2, 0.1)
    ratios = np.exp(alternatives.return_ratios(np.array([0.0, 1.0]), np.zeros(2), expected, half, rate=True))
    for factor in (1.0, 1.5, 2.0):  # more of a change is less of a return
        odds = 0.1 / 0.9 * np.exp(half * factor)
        p = odds / (1 + odds)
        mean = float(np.array([1 - p, p]) @ ratios)
        assert mean == pytest.approx(1, rel=1e-12) if factor == 1 else mean < 1
    assert np.array([0.9, 0.1]) @ ratios > 1


@pytest.mark.parametrize("half", [-0.5, 0.1, 0.25])
def test_scores_that_are_still_half_changed_are_a_fair_bet_against_their_return(half: float) -> None:
    ratios = np.exp(alternatives.return_ratios(_GRID, _GRID, _GRID, half, rate=False))
    for factor in (1.0, 1.5, 2.0):
        density = np.exp(-((_GRID - half * factor) ** 2) / 2)
        mean = float(density / density.sum() @ ratios)
        assert mean == pytest.approx(1, rel=1e-6) if factor == 1 else mean < 1


def test_the_direction_that_is_worse_is_believed_in_more() -> None:
    up, down, either = (alternatives.believed(METRICS[name]) for name in ("duration_s", "tokens_per_s", "input_tokens"))
    assert up[SHIFTS > 0].sum() > 2 * up[SHIFTS < 0].sum()
    np.testing.assert_array_equal(np.sort(down), np.sort(up))
    assert down[SHIFTS < 0].sum() > 2 * down[SHIFTS > 0].sum()
    assert either[SHIFTS > 0].sum() == pytest.approx(either[SHIFTS < 0].sum())


def test_the_band_grows_with_what_is_not_known() -> None:
    assert alternatives.band(np.zeros(1), np.zeros(1)).tolist() == [0.0]
    assert alternatives.band(np.array([3.0]), np.array([4.0])) >= np.hypot(3.0, 4.0)
