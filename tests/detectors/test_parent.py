"""A young segment leans on the weeks of segments like it: it expects their evening before it has seen its own."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.bank import SegmentBank
from detectors.base import Measurements
from detectors.budget import Budget
from detectors.drift import Drift
from detectors.learned import Shapes
from streams.detect import Watch

MONDAY_NS, HOUR_NS = 1_788_134_400_000_000_000, 3_600_000_000_000
BUDGET = Budget(segments=100, false_alarms=1.0)


def swing(hours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.4 * np.sin(2 * np.pi * (hours - 9) / 24))


def answers(days: float, seed: int, *, level: float = 1.0) -> Measurements:
    """Return 2,000 answers a day, which take more than twice as long in the afternoon as before dawn."""
    n = int(2000 * days)
    times = MONDAY_NS + (np.arange(n) / 2000 * 24 * HOUR_NS).astype(np.int64)
    noise = np.random.default_rng(seed).normal(0, 0.4, n)
    return Measurements(
        source=np.zeros(n, np.int64),
        position=np.arange(n),
        time_unix_nano=times,
        inference_id=[f"inference-{row}" for row in range(n)],
        values={"error": np.zeros(n), "duration_s": level * np.exp(swing((times - MONDAY_NS) / HOUR_NS) + noise)},
    )


def taught(m: Measurements, parent: Shapes | None = None) -> Drift:
    drift = Drift(Budget(100, 1.0), parent)
    for _ in drift.walk(m.time_unix_nano, m.values, m.words):
        pass
    return drift


@pytest.fixture(scope="module")
def parent() -> Shapes:
    return taught(answers(8, seed=1)).levels.shapes()


def test_a_week_has_a_shape_once_all_of_it_has_been_seen(parent: Shapes) -> None:
    assert taught(answers(5, seed=1)).levels.shapes() == {}
    shape = parent["duration_s"].reshape(7, 24).mean(axis=0)
    assert shape.argmax() == pytest.approx(15, abs=1)
    assert np.ptp(shape) * 0.4 == pytest.approx(0.8, abs=0.15)


def test_what_was_not_seen_is_as_the_parent_has_it(parent: Shapes) -> None:
    morning = answers(0.4, seed=2, level=3.0)  # slower than the parent, and seen until half past nine
    evening = np.array([MONDAY_NS + 21 * HOUR_NS])
    right = np.log(3.0 * 1000) + swing(np.array([21.0]))[0]
    alone, leaning = taught(morning), taught(morning, parent)
    stream = alone.names().index("duration_s")
    (lonely, doubt), (led, less_doubt) = (drift.levels.reference.expected(evening) for drift in (alone, leaning))
    assert abs(led[0, stream] - right) < 0.5 * abs(lonely[0, stream] - right)
    assert less_doubt[0, stream] < 0.5 * doubt[0, stream]


def test_what_is_seen_outweighs_the_parent(parent: Shapes) -> None:
    turned = {"duration_s": -parent["duration_s"]}
    alone, misled = (taught(answers(8, seed=3), lean) for lean in (None, turned))
    week = MONDAY_NS + np.arange(168) * HOUR_NS
    expected = [drift.levels.reference.expected(week)[0][:, 1] for drift in (alone, misled)]
    assert np.abs(expected[0] - expected[1]).max() < 0.1


def test_a_restart_keeps_what_is_leaned_on(parent: Shapes) -> None:
    bank = SegmentBank(BUDGET, parent)
    again = SegmentBank.loads(bank.dumps(), BUDGET)
    for each in (bank, again):
        each.process(answers(0.4, seed=4))
    assert bank.dumps() == again.dumps()


def test_a_new_segment_leans_on_those_of_its_worker_that_are_like_it() -> None:
    watch = Watch({}, b"k" * 32, BUDGET, lambda: None)
    watch.take("chat|/v1|small|production", answers(8, seed=5), 0, 0, now=0.0, block=0)
    watch.release(now=1e3)
    for name in ("chat|/v1|large|staging", "other|/v2|tiny|staging"):
        watch.take(name, answers(0.01, seed=6), 0, 0, now=2e3, block=0)
    like, unlike = (watch.segments.live[name] for name in ("chat|/v1|large|staging", "other|/v2|tiny|staging"))
    assert isinstance(like, SegmentBank)
    assert isinstance(unlike, SegmentBank)
    assert sorted(like.drift.state()["levels"]["parent"]) == ["duration_s", "error"]
    assert unlike.drift.state()["levels"]["parent"] == {}
