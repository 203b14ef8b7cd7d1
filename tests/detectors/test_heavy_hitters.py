"""Heavy hitters: what is remembered is bounded, and so is what is missed; sums are exact, cuts change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from river import sketch

from detectors.base import Words
from detectors.heavy_hitters import KEPT, LIMIT, HeavyHitters
from detectors.packed import pack, unpack

Floats = NDArray[np.float64]


def zipf(n: int, seed: int, skew: float = 1.1, users: int = 20_000) -> tuple[NDArray[np.int64], Floats]:
    """Return users, and amounts for two windows."""
    rng = np.random.default_rng(seed)
    busy = np.arange(1, users + 1) ** -skew
    return rng.choice(users, n, p=busy / busy.sum()), np.round(300 * rng.lognormal(0, 0.9, (n, 2)))


def fed(heavy: HeavyHitters, users: NDArray[np.int64], amounts: Floats, size: int = 1000) -> Floats:
    """Add rows in blocks of a size, and return what their users had then."""
    had, start = np.empty_like(amounts), 0
    while start < len(users):
        stop = start + size - start % size
        codes, place = np.unique(users[start:stop], return_inverse=True)
        who = Words(place.astype(np.int32), tuple(f"u{code}" for code in codes.tolist()))
        fit = heavy.fits(who)
        had[start : start + fit] = heavy.add(Words(who.codes[:fit], who.labels), amounts[start : start + fit])
        start += fit
        if fit < len(who.codes):
            heavy.prune()
    return had


def exact(users: NDArray[np.int64], amounts: Floats) -> Floats:
    return np.column_stack([np.bincount(users, column, minlength=20_000) for column in amounts.T])


@pytest.mark.parametrize("skew", [0.0, 0.8, 1.1, 1.5])
def test_counts_are_too_low_by_at_most_what_is_missing_and_that_is_bounded(skew: float) -> None:
    users, amounts = zipf(60_000, seed=1, skew=skew)
    heavy = HeavyHitters(windows=2)
    fed(heavy, users, amounts)
    counts = np.array([heavy.count(f"u{user}") for user in range(20_000)])
    short = exact(users, amounts) - counts
    assert (short >= 0).all()
    assert (short <= heavy.missing).all()
    assert (heavy.missing <= amounts.sum(axis=0) / (KEPT / 2 + 1)).all()
    assert len(heavy) <= LIMIT
    if skew > 1:
        assert (heavy.missing < 0.003 * amounts.sum(axis=0)).all()


def test_all_that_are_heavy_are_remembered() -> None:
    users, amounts = zipf(60_000, seed=2)
    heavy = HeavyHitters(windows=2)
    fed(heavy, users, amounts)
    heaviest = np.flatnonzero(exact(users, amounts)[:, 0] > heavy.missing[0])
    assert len(heaviest) > 50
    assert all(heavy.count(f"u{user}")[0] > 0 for user in heaviest)


@given(seed=st.integers(0, 1000), size=st.integers(1, 700))
@settings(max_examples=15, deadline=None)
def test_blocks_and_restarts_change_nothing(seed: int, size: int) -> None:
    users, amounts = zipf(3000, seed)
    one, other = HeavyHitters(windows=2), HeavyHitters(windows=2)
    had = fed(one, users, amounts)
    first = fed(other, users[:1500], amounts[:1500], size)
    other = HeavyHitters.restore(unpack(pack(other.state())))
    np.testing.assert_array_equal(had, np.concatenate([first, fed(other, users[1500:], amounts[1500:], size)]))
    np.testing.assert_array_equal(one.missing, other.missing)
    assert pack(one.state()) == pack(other.state())


def test_each_row_finds_what_its_user_had_right_after_it() -> None:
    users, amounts = zipf(500, seed=3, users=40)
    had = fed(HeavyHitters(windows=2), users, amounts)
    for row in range(500):
        mine = users[: row + 1] == users[row]
        assert had[row].tolist() == amounts[: row + 1][mine].sum(axis=0).tolist()


def test_two_halves_merged_keep_the_bound() -> None:
    users, amounts = zipf(60_000, seed=4)
    halves = [HeavyHitters(windows=2), HeavyHitters(windows=2)]
    for number, half in enumerate(halves):
        fed(half, users[number::2], amounts[number::2])
    halves[0].merge(halves[1])
    short = exact(users, amounts) - [halves[0].count(f"u{user}") for user in range(20_000)]
    assert (short >= 0).all()
    assert (short <= halves[0].missing).all()
    assert (halves[0].missing <= amounts.sum(axis=0) / (KEPT / 2 + 1)).all()


def test_the_past_fades() -> None:
    users, amounts = zipf(60_000, seed=5)
    heavy = HeavyHitters(windows=2)
    fed(heavy, users[:30_000], amounts[:30_000])
    heavy.fade(np.array([0.5, 0.0]))
    fed(heavy, users[30_000:], amounts[30_000:])
    counts = np.array([heavy.count(f"u{user}") for user in range(20_000)])
    short = exact(users[:30_000], amounts[:30_000]) * [0.5, 0] + exact(users[30_000:], amounts[30_000:]) - counts
    assert (short > -1).all()  # faded amounts are rounded
    assert (short <= heavy.missing + 1).all()


def test_rivers_lossy_counting_counts_rows_not_what_was_used() -> None:
    users = np.concatenate([np.arange(1000) % 50, [99]])  # one call of the last user takes more than all others
    amounts = np.concatenate([np.ones(1000), [5000.0]])[:, None]
    heavy, lossy = HeavyHitters(windows=1), sketch.HeavyHitters(support=0.001)
    fed(heavy, users, amounts)
    for user in users.tolist():
        lossy.update(f"u{user}")
    assert heavy.count("u99")[0] == 5000
    assert lossy["u99"] == 1
