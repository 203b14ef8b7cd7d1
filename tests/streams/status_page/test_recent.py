"""Rates are of what came between two looks, quantiles as Prometheus has them, and an hour is all that is kept."""

import numpy as np
import pytest

from sinks.metrics import ANSWER_SECONDS
from sinks.prometheus import Metrics
from streams.events import InferenceResponse
from streams.status_page.recent import BUSIEST, LATELY, SAMPLES, Recent, Segment, quantile
from tests.sinks.found import FULL


def answer(status: str) -> InferenceResponse:
    said = {"kind": "response", "event_id": "e", "inference_id": "i", "time_unix_nano": FULL.time_unix_nano}
    return InferenceResponse.model_validate(said | {"status": status})


class Minute:
    """Metrics whose clock is moved by hand."""

    def __init__(self) -> None:
        self.now, self.metrics = 1e6, Metrics()
        self.recent = Recent(self.metrics, clock=lambda: self.now)

    def serve(self, segment: str, ok: int, failed: int = 0, seconds: float = 0.3) -> None:
        answers = [(answer("ok"), seconds)] * ok + [(answer("error"), None)] * failed
        self.metrics.answered({segment: answers}, 0)
        self.metrics.read({("native", "response"): ok + failed}, {})

    def take(self, after: float = 5.0) -> None:
        self.now += after
        self.recent.take()


@pytest.fixture
def minute() -> Minute:
    return Minute()


def test_a_sample_has_what_came_since_the_last(minute: Minute) -> None:
    minute.serve("a", ok=15, failed=5)
    minute.metrics.found(FULL)
    minute.take()
    minute.take()
    minute.serve("a", ok=10, seconds=3.0)
    minute.take(10.0)
    first, still, last = minute.recent.after(0)
    assert (first.events, first.answers, first.failed, first.found) == (4.0, 4.0, 1.0, 1)
    assert (still.answers, still.p50, still.p95, still.found) == (0.0, None, None, 0)
    assert (last.answers, last.failed) == (1.0, 0.0)
    assert 2.0 < (last.p50 or 0) <= 3.0, "only what came since"
    assert minute.recent.after(still.at) == [last]


def test_an_hour_is_kept_and_no_more(minute: Minute) -> None:
    for _ in range(SAMPLES + 50):
        minute.take()
    kept = minute.recent.after(0)
    assert (len(kept), kept[-1].at) == (SAMPLES, minute.now)


def test_a_clock_that_is_set_back_makes_no_sample(minute: Minute) -> None:
    minute.serve("a", ok=10)
    minute.take(-3600.0)
    assert minute.recent.after(0) == []
    minute.take()
    assert minute.recent.after(0)[0].answers == 2.0


def test_segments_are_compared_over_the_last_minutes(minute: Minute) -> None:
    minute.serve("old", ok=1000)
    minute.take()
    assert minute.recent.segments() == []
    for _ in range(LATELY):
        minute.serve("busy", ok=9, failed=1)
        minute.serve("calm", ok=1, seconds=20.0)
        minute.take()
    busy, calm = minute.recent.segments()
    assert busy == Segment("busy", 2.0, 0.1, busy.p95)
    assert (calm.name, calm.failed) == ("calm", 0.0)
    assert 13 < (calm.p95 or 0) <= 20
    for n in range(2 * BUSIEST):
        minute.serve(f"s{n}", ok=1)
    for _ in range(LATELY):
        minute.take()
    assert len(minute.recent.segments()) == BUSIEST


@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 1.0])
def test_a_quantile_lies_in_the_bucket_of_the_value(q: float) -> None:
    values = np.random.default_rng(7).lognormal(0.5, 0.8, 4000)
    bounds = np.array(ANSWER_SECONDS)
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1).astype(np.int64)
    said, true = quantile(counts, q), float(np.quantile(values, q))
    assert said is not None
    assert abs(int(np.searchsorted(bounds, said)) - int(np.searchsorted(bounds, true))) <= 1


def test_what_is_beyond_every_bound_is_the_greatest() -> None:
    counts = np.zeros(len(ANSWER_SECONDS) + 1, np.int64)
    assert quantile(counts, 0.5) is None
    counts[-1] = 3
    assert quantile(counts, 0.5) == ANSWER_SECONDS[-1]
