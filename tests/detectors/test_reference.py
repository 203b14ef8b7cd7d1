"""The reference learns each hour of the week where it belongs, after quarantine, and nothing of what is a change."""

import copy
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.reference import START, SeasonalReference
from detectors.week import bin_number

HOUR_NS = 3_600_000_000_000
MONDAY_NS = 1_788_134_400_000_000_000  # 2026-08-31T00:00:00Z
A_DAY, A_WEEK = 24, 168
NOISE = 0.1

Level = Callable[[int], float]


def hours(first: int, last: int) -> range:
    return range(first, last)


def feed(
    reference: SeasonalReference, of: range, level: Level, *, values: int = 20, at: Callable[[int], bool] | None = None
) -> None:
    """Let hours pass, with so many values in each; `at` says in which any come."""
    for hour in of:
        if at is None or at(hour):
            rng = np.random.default_rng(hour)
            times = MONDAY_NS + hour * HOUR_NS + np.sort(rng.integers(0, HOUR_NS, values))
            reference.advance(int(times[0]))
            reference.learn(times, (level(hour) + NOISE * rng.normal(size=values))[:, None])


def made(bins: int = A_WEEK) -> SeasonalReference:
    reference = SeasonalReference(bins)
    reference.grow(1)
    return reference


def known(reference: SeasonalReference, hour: int) -> tuple[float, float]:
    """Return the level and its error in the middle of an hour."""
    level, error = reference.expected(np.array([MONDAY_NS + hour * HOUR_NS + HOUR_NS // 2]))
    return float(level[0, 0]), float(error[0, 0])


def by_hour(hour: int) -> float:
    return float(hour % A_DAY)


def flat(_hour: int) -> float:
    return 1.0


def test_nothing_is_known_before_there_are_enough_values() -> None:
    reference = made()
    feed(reference, hours(0, START // 20), flat)
    assert not reference.spread[0]
    feed(reference, hours(START // 20, START // 20 + 4), flat)
    assert reference.spread[0] == pytest.approx(NOISE, rel=0.2)


def test_a_week_is_known_by_the_hour() -> None:
    reference = made()
    feed(reference, hours(0, 2 * A_WEEK), by_hour)
    for hour in range(A_DAY):
        assert known(reference, 2 * A_WEEK + hour)[0] == pytest.approx(hour, abs=0.3)
    assert reference.share_seen()[0] == 1


def test_each_value_is_learned_in_its_own_hour() -> None:
    """Office hours: what waited on Friday evening must not be taken for what Monday morning brings."""

    def office(hour: int) -> bool:
        return 8 <= hour % A_DAY < 18 and hour % A_WEEK < 5 * A_DAY

    reference = made()
    feed(reference, hours(0, 3 * A_WEEK), by_hour, at=office)
    for hour in filter(office, range(A_WEEK)):
        assert known(reference, hour)[0] == pytest.approx(hour % A_DAY, abs=0.4)
    assert reference.share_seen()[0] == pytest.approx(50 / A_WEEK)


@pytest.mark.parametrize("gap", [25, 30, 47, 49, 100, 1000])
def test_what_waits_while_nothing_comes_is_learned_where_it_belongs(gap: int) -> None:
    reference = made()
    feed(reference, hours(0, A_WEEK), by_hour)
    reference.advance(MONDAY_NS + (A_WEEK - 1 + gap) * HOUR_NS)
    for hour in range(A_WEEK):
        assert known(reference, hour)[0] == pytest.approx(hour % A_DAY, abs=0.3)
    assert reference.share_seen()[0] == 1
    assert reference.a_week()[0] == pytest.approx(20 * A_WEEK)


@pytest.mark.parametrize("bins", [A_WEEK, 56])
def test_it_goes_on_learning_after_the_first_week(bins: int) -> None:
    reference = made(bins)
    feed(reference, hours(0, A_WEEK), flat)
    feed(reference, hours(A_WEEK, 4 * A_WEEK), lambda _: 2.0)
    # Of an hour at noon three weeks of the new level have been learned; each is worth 0.7 of the one after it.
    new, old = 1 + 0.7 + 0.7**2, 0.7**3
    assert known(reference, 12)[0] == pytest.approx(1 + new / (new + old), abs=0.02)


def test_weeks_fade_to_a_sum_that_is_bounded() -> None:
    reference = made()
    feed(reference, hours(0, 4 * A_WEEK + A_DAY), flat)
    assert reference.weeks(0) == pytest.approx(1 + 0.7 + 0.7**2 + 0.7**3, abs=0.02)
    assert reference.learned(0) == pytest.approx(20 * A_WEEK * (1 + 0.7 + 0.7**2 + 0.7**3), rel=0.02)
    assert reference.a_week()[0] == pytest.approx(20 * A_WEEK, rel=0.01)


def test_what_began_within_a_day_before_an_opening_is_never_learned() -> None:
    reference, never = made(), made()
    change = 2 * A_WEEK
    feed(reference, hours(0, change), by_hour)
    never = copy.deepcopy(reference)
    feed(reference, hours(change, change + 20), lambda _: 99.0)
    reference.held[0] = True
    reference.forget(0, MONDAY_NS + change * HOUR_NS)
    feed(reference, hours(change + 20, change + 30), lambda _: 99.0)
    reference.held[0] = False  # it is back
    for each in (reference, never):
        feed(each, hours(change + 30, change + 90), by_hour)
    np.testing.assert_allclose(reference.week(0)[0], never.week(0)[0], atol=0.02)


def test_what_is_held_learns_nothing_and_what_came_meanwhile_is_not_learned_later() -> None:
    reference = made()
    feed(reference, hours(0, 2 * A_WEEK), by_hour)
    before = reference.week(0)[0].copy()
    reference.held[0] = True
    feed(reference, hours(2 * A_WEEK, 2 * A_WEEK + 100), lambda _: 99.0)
    np.testing.assert_array_equal(reference.week(0)[0], before)
    reference.held[0] = False
    feed(reference, hours(2 * A_WEEK + 100, 3 * A_WEEK), by_hour)
    np.testing.assert_allclose(reference.week(0)[0], before, atol=0.2)


def test_late_values_belong_to_their_hour_and_too_late_ones_to_none() -> None:
    reference, without = made(), made()
    for each in (reference, without):
        feed(each, hours(0, 2 * A_WEEK), by_hour)
    late = np.array([MONDAY_NS + (2 * A_WEEK - 20) * HOUR_NS + 1])
    too_late = np.array([MONDAY_NS + (2 * A_WEEK - 25) * HOUR_NS])
    reference.learn(too_late, np.array([[9e9]]))
    reference.learn(late, np.array([[4.0]]))
    for each in (reference, without):
        feed(each, hours(2 * A_WEEK, 2 * A_WEEK + 60), by_hour)
    assert reference.learned(0) - without.learned(0) == pytest.approx(1)
    assert known(reference, 2 * A_WEEK - 20)[0] == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("values", [2, 20])
def test_what_is_accepted_is_expected_at_once(values: int) -> None:
    """Of few values, too: those that are left may be fewer than a stream needs to begin with."""
    reference = made()
    feed(reference, hours(0, 3 * A_WEEK), by_hour, values=values)
    before, rate = known(reference, 12), reference.a_week()[0]
    reference.held[0] = True  # as it is while open
    reference.accept(0, 5.0, 1e9)
    after = known(reference, 12)
    assert after[0] - before[0] == pytest.approx(5, abs=0.3)
    assert after[1] > before[1], "less is known of it"
    assert reference.a_week()[0] == pytest.approx(rate), "as many come as before"
    assert reference.learned(0) == pytest.approx(values * A_DAY * 1.0, rel=1.5)


def test_what_is_accepted_of_few_values_is_known_badly() -> None:
    few, many = made(), made()
    for reference, values in ((few, 10.0), (many, 1e6)):
        feed(reference, hours(0, 2 * A_WEEK), flat)
        reference.accept(0, 1.0, values)
    assert known(few, 12)[1] > 5 * known(many, 12)[1]
    assert known(few, 12)[1] >= 0.7 * NOISE / np.sqrt(10)


def test_what_is_reset_is_forgotten_and_learned_anew() -> None:
    reference = made()
    feed(reference, hours(0, 2 * A_WEEK), by_hour)
    reference.reset(0)
    assert (reference.spread[0], reference.share_seen()[0], reference.learned(0)) == (0, 0, 0)
    assert known(reference, 12) == (0, 0)
    feed(reference, hours(2 * A_WEEK, 4 * A_WEEK), lambda _: 7.0)
    assert known(reference, 12)[0] == pytest.approx(7, abs=0.1)


def rows(n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(3)
    times = MONDAY_NS + np.sort(rng.integers(0, 3 * HOUR_NS, n)) - 20 * HOUR_NS * (rng.random(n) < 0.05)
    values = rng.normal(size=(n, 2))
    values[rng.random((n, 2)) < 0.2] = np.nan
    return times, values


@pytest.mark.parametrize("cuts", [[1], [7, 300, 301], list(range(0, 500, 13))])
def test_cutting_changes_no_bit(cuts: list[int]) -> None:
    times, values = rows(500)
    states = []
    for edges in ([0, 500], [0, *cuts, 500]):
        reference = SeasonalReference(A_WEEK)
        reference.grow(2)
        reference.advance(int(times.max()))
        for start, stop in pairwise(edges):
            reference.learn(times[start:stop], values[start:stop])
        states.append(reference.state())
    for name, value in states[0].items():
        np.testing.assert_array_equal(states[1][name], value, err_msg=name)


def test_it_is_made_again_of_its_state() -> None:
    reference = made()
    feed(reference, hours(0, 200), by_hour)
    again = SeasonalReference.restore(A_WEEK, copy.deepcopy(reference.state()))
    for each in (reference, again):
        feed(each, hours(200, 400), by_hour)
    for name, value in reference.state().items():
        np.testing.assert_array_equal(again.state()[name], value, err_msg=name)


def test_bins_are_numbered_as_they_come() -> None:
    times = MONDAY_NS + np.array([0, HOUR_NS - 1, HOUR_NS, A_WEEK * HOUR_NS])
    assert (bin_number(times, A_WEEK) % A_WEEK).tolist() == [0, 0, 1, 0]
