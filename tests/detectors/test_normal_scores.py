"""Scores are 0 on average and no wilder than normal ones, whatever the distribution they were learned of."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.alternatives import SHIFTS
from detectors.normal_scores import NormalScores

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def skewed(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.exponential(1.0, n) - 1.0


def heavy(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.standard_t(2.0, n)


def two_humps(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return np.where(rng.random(n) < 0.5, -1.0, 1.0) + 0.2 * rng.normal(size=n)


def mostly_one_value(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return np.where(rng.random(n) < 0.8, -0.25, rng.normal(1.0, 1.0, n))


def mostly_none(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return np.where(rng.random(n) < 0.9, -0.3, rng.exponential(3.0, n))


DRAWS: list[Draw] = [skewed, heavy, two_humps, mostly_one_value, mostly_none]


def scored(scores: NormalScores, stream: int, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores.scored(np.array([stream]), residuals[:, None])[:, 0]


def learn(scores: NormalScores, stream: int, residuals: NDArray[np.float64]) -> None:
    scores.learn(np.array([stream]), residuals[:, None])


def learned(draw: Draw, seed: int = 1, n: int = 40_000) -> NormalScores:
    scores = NormalScores()
    scores.grow(1)
    learn(scores, 0, draw(np.random.default_rng(seed), n))
    scores.settle(0)
    return scores


@pytest.mark.parametrize("draw", DRAWS)
def test_scores_are_centred_and_tame(draw: Draw) -> None:
    z = scored(learned(draw, n=400_000), 0, draw(np.random.default_rng(2), 400_000))
    assert abs(z.mean()) < 0.01
    for shift in SHIFTS.tolist():  # a bet that pays 0.3% more than is fair makes a million of nothing in a day
        assert np.exp(shift * z - shift**2 / 2).mean() < 1.003


@pytest.mark.parametrize("draw", DRAWS)
def test_scores_rise_with_values(draw: Draw) -> None:
    values = np.linspace(-20, 20, 500)
    assert (np.diff(scored(learned(draw), 0, values)) >= 0).all()


def test_before_anything_is_known_they_are_as_normal() -> None:
    scores = NormalScores()
    scores.grow(1)
    values = np.linspace(-3, 3, 200)
    np.testing.assert_allclose(scored(scores, 0, values), values, atol=0.07)


def test_not_known_stays_so_and_is_not_learned() -> None:
    scores = learned(skewed)
    before = scored(scores, 0, np.array([0.5]))
    learn(scores, 0, np.full(1000, np.nan))
    scores.settle(0)
    assert np.isnan(scored(scores, 0, np.array([np.nan]))).all()
    assert scored(scores, 0, np.array([0.5])) == pytest.approx(before, abs=0.01)


def test_what_waits_is_not_used_and_can_be_forgotten() -> None:
    scores, rng = learned(skewed), np.random.default_rng(3)
    before = scored(scores, 0, np.linspace(-3, 3, 50))
    learn(scores, 0, rng.normal(4, 0.1, 10**5))
    np.testing.assert_array_equal(scored(scores, 0, np.linspace(-3, 3, 50)), before)
    scores.forget(0)
    scores.settle(0)
    np.testing.assert_allclose(scored(scores, 0, np.linspace(-3, 3, 50)), before, atol=0.05)


def test_streams_are_apart_and_reset_apart() -> None:
    scores = learned(skewed)
    scores.grow(1)
    learn(scores, 1, heavy(np.random.default_rng(4), 10**4))
    scores.settle(1)
    first = scored(scores, 0, np.array([0.7]))
    scores.reset(1)
    assert scored(scores, 0, np.array([0.7])) == first
    assert scored(scores, 1, np.array([0.7])) == pytest.approx(0.7, abs=0.07)


def test_cutting_and_restarting_changes_no_bit() -> None:
    values = skewed(np.random.default_rng(5), 5000)
    whole, cutting, again = NormalScores(), NormalScores(), NormalScores()
    whole.grow(1)
    cutting.grow(1)
    learn(whole, 0, values)
    learn(cutting, 0, values[:1234])
    again.restore(cutting.state())
    learn(again, 0, values[1234:])
    for scores in (whole, again):
        scores.settle(0)
    assert scored(again, 0, values).tobytes() == scored(whole, 0, values).tobytes()


def test_streams_together_are_each_alone() -> None:
    rng = np.random.default_rng(6)
    residuals = np.stack([skewed(rng, 3000), heavy(rng, 3000), two_humps(rng, 3000)], axis=1)
    residuals[rng.random((3000, 3)) < 0.2] = np.nan
    together, alone, order = NormalScores(), NormalScores(), [3, 0, 2]
    for scores in (together, alone):
        scores.grow(4)
    together.learn(np.array(order), residuals)
    for column, stream in enumerate(order):
        learn(alone, stream, residuals[:, column])
        together.settle(stream)
        alone.settle(stream)
    told = together.scored(np.array(order), residuals)
    for column, stream in enumerate(order):
        assert told[:, column].tobytes() == scored(alone, stream, residuals[:, column]).tobytes()
    assert np.array_equal(together.state()["learned"], alone.state()["learned"])
