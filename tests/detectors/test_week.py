"""The fit of a week: what is there is found, what is not is not, and the errors that it states are those it makes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.week import WEEK_NS, Fit, bin_number, fit, place

MONDAY_NS = 1_788_134_400_000_000_000  # 2026-08-31T00:00:00Z
ONCE = np.ones(168)


def week(
    seed: int, *, values: float = 100.0, season: float = 0.0, weekend: float = 0.0, wobble: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the true level of each hour, and means of so many values an hour."""
    rng, hour = np.random.default_rng(seed), np.arange(168)
    angle = 2 * np.pi * hour / 24
    level = season * (np.sin(angle - 2) + 0.3 * np.sin(2 * angle - 1.5)) + weekend * (hour >= 5 * 24)
    return level, level + wobble * rng.normal(size=168) + rng.normal(size=168) / np.sqrt(values)


def fitted(mean: NDArray[np.float64], values: float = 100.0, seen: NDArray[np.bool_] | None = None) -> Fit:
    count = np.where(np.ones(168, np.bool_) if seen is None else seen, values, 0.0)
    centre = float(np.average(mean, weights=count))
    found = fit(np.where(count > 0, mean - centre, 0.0), count, ONCE, None, leans=False)
    return Fit(found.level + centre, found.error, found.wobble, found.variances)


def root(of: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(of**2)))


def test_a_stream_without_a_season_is_flat_and_known_as_well_as_its_mean() -> None:
    fits = [fitted(week(seed)[1]) for seed in range(12)]
    as_one = 1 / np.sqrt(168 * 100)
    assert np.median([found.error.max() for found in fits]) < 2.5 * as_one
    assert np.median([root(found.level) for found in fits]) < 2.5 * as_one
    assert np.median([found.wobble for found in fits]) < 0.03


@pytest.mark.parametrize("values", [20.0, 100.0, 800.0])
def test_a_season_is_found_as_well_as_it_says(values: float) -> None:
    wrong, stated = [], []
    for seed in range(8):
        truth, mean = week(seed, values=values, season=0.4)
        found = fitted(mean, values)
        wrong.append(root(found.level - truth))
        stated.append(root(found.error))
    assert np.mean(wrong) < 0.6 / np.sqrt(values)  # better than each hour by itself
    assert 0.6 < np.mean(wrong) / np.mean(stated) < 1.6


def test_a_weekend_is_found() -> None:
    wrong, free = [], []
    for seed in range(6):
        truth, mean = week(seed, season=0.3, weekend=-0.3)
        found = fitted(mean)
        wrong.append(root(found.level - truth))
        free.append(found.level[5 * 24 :].mean() - found.level[: 5 * 24].mean())
    assert np.mean(free) == pytest.approx(-0.3, abs=0.03)
    assert np.mean(wrong) < 0.06


@pytest.mark.parametrize("wobble", [0.06, 0.2])
def test_wobble_is_found_and_is_no_season(wobble: float) -> None:
    found = [fitted(week(seed, season=0.4, wobble=wobble)[1]) for seed in range(8)]
    assert np.mean([each.wobble for each in found]) == pytest.approx(wobble, rel=0.35)
    truth = week(0, season=0.4)[0]
    assert np.mean([root(each.level - truth) for each in found]) < 0.7 * np.hypot(wobble, 0.1)


def test_hours_that_were_not_seen_are_not_known() -> None:
    seen = np.arange(168) < 6
    found = fitted(week(1, season=0.4)[1], seen=seen)
    assert found.error[12] > 0.5, "half a standard deviation of a value, a third of the day away"
    assert found.error[1] < found.error[12]


def test_days_that_were_not_seen_may_differ() -> None:
    seen = np.arange(168) < 5 * 24
    found = fitted(week(2, season=0.4)[1], seen=seen)
    whole = fitted(week(2, season=0.4)[1])
    assert found.error[5 * 24 + 12] > 0.1
    assert whole.error[5 * 24 + 12] < 0.1


def test_a_second_fit_begins_with_the_first_and_ends_alike() -> None:
    _, mean = week(3, season=0.4, weekend=-0.2, wobble=0.1)
    count = np.full(168, 100.0)
    cold = fit(mean, count, ONCE, None, leans=False)
    warm = fit(mean, count, ONCE, cold.variances, leans=False)
    np.testing.assert_allclose(warm.level, cold.level, atol=0.01)
    assert warm.wobble == pytest.approx(cold.wobble, rel=0.1)


def test_wobble_over_more_weeks_hides_less() -> None:
    _, mean = week(4, season=0.4, wobble=0.2)
    once, often = (fit(mean, np.full(168, 100.0), share * ONCE, None, leans=False) for share in (1.0, 0.25))
    assert often.wobble == pytest.approx(2 * once.wobble, rel=0.3)


def test_weeks_of_wide_bins_are_fitted_too() -> None:
    truth = 0.4 * np.sin(2 * np.pi * np.arange(56) / 8)
    mean = truth + np.random.default_rng(5).normal(size=56) / np.sqrt(300)
    found = fit(mean, np.full(56, 300.0), np.ones(56), None, leans=False)
    assert root(found.level - truth) < 0.5 / np.sqrt(300)


def test_bins_begin_on_monday() -> None:
    assert bin_number(np.array([MONDAY_NS, MONDAY_NS - 1]), 168).tolist() == [
        (MONDAY_NS // (WEEK_NS // 168)) - 4 * 24,
        (MONDAY_NS // (WEEK_NS // 168)) - 4 * 24 - 1,
    ]
    assert bin_number(np.array([MONDAY_NS]), 168)[0] % 168 == 0


def test_places_lie_between_the_middles_of_bins_and_go_round() -> None:
    times = MONDAY_NS + np.arange(0, WEEK_NS, WEEK_NS // 1000)
    below, far = place(times, 168)
    assert ((far >= 0) & (far < 1)).all()
    middle = (below + 0.5 + far) % 168
    np.testing.assert_allclose(middle, (times - MONDAY_NS) / (WEEK_NS // 168) % 168, atol=1e-6)


def plainly(mean: NDArray[np.float64], count: NDArray[np.float64], spent: NDArray[np.float64]) -> Fit:
    """Fit a week by the matrices of all its bins, those that nothing is known of included."""
    bins = len(mean)
    hour = np.arange(bins) * (168 / bins)
    apart = np.abs(hour[:, None] - hour)
    chord = 2 * np.sqrt(3.0) / 1.5 * np.abs(np.sin(np.pi * apart / 24))
    days = (hour[:, None] // 24 == hour // 24).astype(float)
    near = np.exp(-(np.minimum(apart, 168 - apart) ** 2) / 8) * np.sqrt(np.outer(spent, spent))
    parts = np.array([(1 + chord) * np.exp(-chord), days, near, np.diag(spent)])
    seen = np.flatnonzero(count)
    hours_lack = len({place % (bins // 7) for place in seen.tolist()}) < bins // 7
    days_lack = len({place // (bins // 7) for place in seen.tolist()}) < 7
    least = np.where([hours_lack, days_lack, False, hours_lack], [1.0, 0.02, 0.0, 0.004], 1e-7)
    variances = np.maximum([0.03, 0.003, 0.001, 0.002], least)

    def inverse() -> NDArray[np.float64]:
        covariance = 1.0 + np.einsum("p,pij->ij", variances, parts) + np.diag(1 / np.where(count, count, 1.0))
        return np.asarray(np.linalg.inv(covariance[np.ix_(seen, seen)]))

    for _ in range(30):
        solved = inverse() @ mean[seen]
        grown = np.array(
            [solved @ part @ solved / (inverse() * part).sum() for part in (each[np.ix_(seen, seen)] for each in parts)]
        )
        before, variances = variances, np.maximum(variances * np.where(grown < 1, grown**2, grown), least)
        if np.all(np.abs(variances - before) < 0.02 * variances + 1e-6):
            break
    season = 1.0 + variances[0] * parts[0] + (0.0 if days_lack else variances[1]) * days
    reach = season[:, seen]
    level = reach @ inverse() @ mean[seen]
    unsure = np.maximum(season.diagonal() - np.einsum("ij,jk,ik->i", reach, inverse(), reach), 0.0)
    error = np.sqrt(unsure + (variances[1] if days_lack else 0.0))
    return Fit(level, error, float(np.sqrt(variances[2] + variances[3])), variances)


@given(seed=st.integers(0, 2**16), bins=st.sampled_from([56, 168]), seen=st.sampled_from([1, 2, 7, 30, 168]))
@settings(max_examples=25, deadline=None)
def test_what_was_not_seen_is_left_out_of_the_work_and_of_nothing_else(seed: int, bins: int, seen: int) -> None:
    rng = np.random.default_rng(seed)
    at = rng.choice(bins, min(seen, bins), replace=False)
    mean, count, spent = np.zeros(bins), np.zeros(bins), np.ones(bins)
    mean[at], count[at], spent[at] = rng.normal(0, 0.5, len(at)), rng.integers(1, 500, len(at)), rng.random(len(at))
    told, expected = fit(mean, count, spent, None, leans=False), plainly(mean, count, spent)
    for name in ("level", "error", "wobble", "variances"):
        np.testing.assert_allclose(getattr(told, name), getattr(expected, name), rtol=1e-6, atol=1e-9)
