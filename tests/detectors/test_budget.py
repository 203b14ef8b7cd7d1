"""Thresholds share out what is accepted, and e-BH fires what its definition says, at the first row where it does."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.alternatives import LOOSE
from detectors.budget import Budget, alarms
from detectors.metrics import Kind

SEEN_ALL = 1.0


def by_definition(e_values: list[list[float]], threshold: float) -> tuple[int, set[int]] | None:
    """Find the first row whose e-BH set is not empty: the largest k for which k streams have e >= threshold / k."""
    for row, values in enumerate(e_values):
        for k in range(len(values), 0, -1):
            enough = {stream for stream, e in enumerate(values) if e >= threshold / k}
            if len(enough) >= k:
                return row, enough
    return None


@given(
    st.integers(1, 7).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 40), min_size=k, max_size=k), min_size=1, max_size=9)
    )
)
@settings(max_examples=300, deadline=None)
def test_alarms_are_those_of_the_definition(quarters: list[list[int]]) -> None:
    e_values = [[each * 2.501 for each in row] for row in quarters]
    with np.errstate(divide="ignore"):
        excess = np.log(np.array(e_values)) - math.log(60.0)
    found, expected = alarms(excess), by_definition(e_values, 60.0)
    assert (found and (found[0], set(found[1]))) == expected


def test_nothing_to_watch_fires_nothing() -> None:
    assert alarms(np.empty((5, 0))) is None
    assert alarms(np.empty((0, 3))) is None
    assert alarms(np.full((5, 3), -np.inf)) is None


def threshold(kind: Kind = Kind.RATE, a_week: float = 1e5, seen: float = SEEN_ALL, **budget: float) -> float:
    told = {"segments": 100, "false_alarms": 1.0, "streams": 1, **budget}
    return math.exp(Budget(**told).log_threshold(kind, a_week, seen))  # type: ignore[arg-type]


def test_a_threshold_is_what_a_stream_may_claim() -> None:
    for kind, loose in LOOSE.items():
        assert threshold(kind) == pytest.approx(1e5 * 100 / loose)


def test_more_to_watch_asks_for_more_and_more_accepted_for_less() -> None:
    assert threshold(segments=200) == pytest.approx(2 * threshold())
    assert threshold(streams=12) == pytest.approx(12 * threshold())
    assert threshold(a_week=3e5) == pytest.approx(3 * threshold())
    assert threshold(false_alarms=5.0) == pytest.approx(threshold() / 5)


def test_a_stream_of_which_little_is_known_is_not_believed_soon() -> None:
    assert threshold(a_week=0.0) == threshold(a_week=1000.0)
    assert threshold(seen=0.1) == pytest.approx(100 * threshold())
    assert threshold(seen=2 / 7) == threshold()


def test_ways_to_be_unusual_share_what_a_segment_may_raise() -> None:
    budget = Budget(segments=100, false_alarms=2.0, streams=4)
    assert math.exp(-budget.log_weekly(10)) == pytest.approx(2.0 / 100 / 5 / 10)
