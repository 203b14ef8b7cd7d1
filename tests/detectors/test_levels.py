"""Rates and numbers: what is expected, in whose unit, what an opening says, and that streams are in no one's way."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.base import Opening
from detectors.budget import Budget
from detectors.drift import Drift
from detectors.learned import HOURS
from detectors.levels import Levels
from detectors.metrics import METRICS, metric_of
from detectors.packed import pack, unpack
from detectors.scales import natural, share_estimate

HOUR_NS = 3_600_000_000_000
A_DAY = 2400
STEP = 24 * HOUR_NS // A_DAY
LEARNED = 9 * A_DAY
NAMES = ("error", "duration_s", "prediction")


def budget() -> Budget:
    return Budget(segments=100, false_alarms=1.0)


def values(n: int, seed: int, changed: str = "", by: float = 1.0) -> dict[str, NDArray[np.float64]]:
    """Return errors of 5%, seconds around 2, and predictions around 0; one of them changed by a factor, or a shift."""
    rng = np.random.default_rng(seed)
    times = {name: by if name == changed else 1.0 for name in NAMES}
    return {
        "error": (rng.random(n) < 0.05 * times["error"]).astype(float),
        "duration_s": times["duration_s"] * 2 * rng.lognormal(0, 0.4, n),
        "prediction": rng.normal(times["prediction"] - 1, 1, n),
    }


def fed(drift: Drift, columns: dict[str, NDArray[np.float64]]) -> list[tuple[int, Opening]]:
    """Return the row of each opening, and the opening."""
    n = len(next(iter(columns.values())))
    first, times = drift.rows, (drift.rows + np.arange(n)) * STEP
    return [(first + taken.stop - 1, each) for taken in drift.walk(times, columns, {}) for each in taken.opened]


@pytest.fixture(scope="module")
def state() -> bytes:
    drift = Drift(budget())
    assert fed(drift, values(LEARNED, 4)) == []
    return pack(drift.state())


@pytest.fixture
def drift(state: bytes) -> Drift:
    return Drift.restore(budget(), unpack(state))


def test_what_is_expected_is_told_in_its_own_unit(drift: Drift) -> None:
    for name, truth in zip(NAMES, (0.05, 2.0, 0.0), strict=True):
        [week] = drift.learned(name)
        assert week.metric == name
        assert week.expected.shape == week.low.shape == week.high.shape == (HOURS,)
        assert ((week.low < week.expected) & (week.expected < week.high)).all()
        assert week.expected.mean() == pytest.approx(truth, abs=0.03)
        assert (week.share_seen, week.pinned) == (1, False)
        assert 7 * A_DAY < week.events < LEARNED


def test_nothing_is_told_or_said_of_what_is_not_known_yet() -> None:
    drift = Drift(budget())
    assert fed(drift, values(250, 1)) == []
    assert (drift.levels.watched, drift.learned("error")) == (0, [])
    assert np.isneginf(drift.levels.weigh(np.array([250 * STEP]), np.ones((1, 3))).excess).all()


CHANGES = [("error", 3.0, 0.05, 0.15), ("duration_s", 3.0, 2.0, 6.0), ("prediction", 3.0, 0.0, 2.0)]


@pytest.mark.parametrize(("name", "by", "before", "after"), CHANGES)
@pytest.mark.parametrize("seed", range(3))
def test_an_opening_says_what_was_and_what_is(
    drift: Drift, name: str, by: float, before: float, after: float, seed: int
) -> None:
    [(row, opening)] = fed(drift, values(2000, seed + 10, name, by))
    assert (opening.metric, opening.direction, opening.subject) == (name, "up", "")
    assert opening.before.mean == pytest.approx(before, abs=0.02)
    assert opening.before.low < opening.before.mean < opening.before.high
    # Noticed when it looked its largest: the interval is no more than roughly right.
    reach = opening.after.high - opening.after.low
    assert opening.after.low - reach < after < opening.after.high + reach
    assert opening.after.low < opening.after.mean < opening.after.high
    assert abs(opening.since_row - LEARNED) < 40
    assert opening.since_unix_nano == opening.since_row * STEP
    assert 0 < opening.after.count <= row + 1 - min(opening.since_row, LEARNED)
    assert row - LEARNED < 200
    assert opening.log10_e > 4
    assert not opening.learning


@pytest.mark.parametrize("name", NAMES)
def test_an_opening_for_less_says_down(drift: Drift, name: str) -> None:
    (_, opening), *_ = fed(drift, values(4000, 3, name, 0.2))
    assert (opening.metric, opening.direction) == (name, "down")
    assert opening.after.mean < opening.before.mean


def test_what_is_said_is_of_plain_numbers(drift: Drift) -> None:
    for name, by, *_ in CHANGES:
        for _, opening in fed(drift, values(500, 12, name, by)):
            for estimate in (opening.before, opening.after):
                assert {type(each) for each in (estimate.mean, estimate.low, estimate.high)} == {float}
            assert type(opening.seconded) is bool
            assert type(opening.since_row) is int


def test_what_is_never_known_is_no_stream_and_nothing_is_watched_that_has_no_name() -> None:
    levels = Levels(budget())
    table = levels.columns({"error": np.full(3, np.nan), "temperature": np.ones(3), "duration_s": np.ones(3)}, 3)
    assert [metric.name for metric in levels.metrics] == ["duration_s"]
    assert table.shape == (3, 1)
    assert np.isnan(levels.columns({"error": np.full(3, np.nan)}, 3)).all()


def test_streams_are_in_the_order_in_which_they_came() -> None:
    levels = Levels(budget())
    late, soon = np.array([np.nan, np.nan, 1.0]), np.array([np.nan, 1.0, np.nan])
    levels.columns({"error": late, "output_tokens": soon, "input_tokens": late, "cost_usd": soon}, 3)
    assert [metric.name for metric in levels.metrics] == ["cost_usd", "output_tokens", "error", "input_tokens"]


def test_streams_that_come_and_go_leave_the_others_alone(drift: Drift, state: bytes) -> None:
    other, told = Drift.restore(budget(), unpack(state)), values(3000, 5)
    fed(drift, told)
    fed(other, {**told, "cost_usd": np.where(np.arange(3000) % 7 == 0, 1e-3, np.nan)})
    for name in NAMES:
        np.testing.assert_array_equal(drift.learned(name)[0].expected, other.learned(name)[0].expected)


@pytest.mark.parametrize(("p", "n"), [(0.0, 10), (0.5, 40), (1.0, 3), (1e-4, 10**6)])
def test_an_interval_of_a_share_holds_it_and_stays_a_share(p: float, n: int) -> None:
    estimate = share_estimate(p, n)
    assert 0 <= estimate.low <= p <= estimate.high <= 1
    assert estimate.high - estimate.low < 4 / np.sqrt(n)


def test_a_share_of_words_is_one_of_a_rate() -> None:
    levels = np.array([1.2, -0.2])
    assert natural(METRICS["tool"], levels).tolist() == [1.0, 0.0]
    real = metric_of("feature.age")
    assert real is not None
    assert natural(real, levels).tolist() == [1.2, -0.2]
