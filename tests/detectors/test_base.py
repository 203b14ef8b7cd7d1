"""Measurements are checked, a signal comes back whole, and scales keep null apart from 0 and can be undone."""

from dataclasses import asdict, replace

import msgpack
import numpy as np
import pytest

from detectors import anomaly
from detectors.base import Estimate, Measurements, Moved, Signal, Slice, Words, signal_of
from detectors.metrics import METRICS, Kind, metric_of
from detectors.scales import natural, scaled
from tests.detectors.traffic import answers, measured

SIGNAL = Signal(
    state="open",
    metric="error",
    detector="e-sr",
    subject="",
    direction="up",
    before=Estimate(0.01, 0.005, 0.02, 4000),
    after=Estimate(0.2, 0.1, 0.3, 60),
    log10_e=9.5,
    seconded=True,
    learning=False,
    event=5000,
    since_event=4950,
    time_unix_nano=10**18 + 1,
    said_unix_nano=10**18 + 2,
    since_unix_nano=10**18,
    inference_id="inference-5000",
    examples_before=("a", "b"),
    examples_after=("c",),
    slices=(Slice("provider", "north", 0.9),),
    versions=("response_model cobalt-5",),
    also=(Moved("duration_s", "up", 1.0, 2.0),),
)
SCALARS = [metric for metric in METRICS.values() if metric.kind in (Kind.RATE, Kind.POSITIVE, Kind.REAL)]


def test_columns_of_different_length_are_refused() -> None:
    whole = measured(answers(3, seed=0))
    for broken in (
        {"source": whole.source[:2]},
        {"values": {"error": np.zeros(2)}},
        {"values": {"error": np.zeros((3, 1))}},
        {"words": {"tool": Words(np.zeros(4, np.int32), ("search",))}},
    ):
        with pytest.raises(ValueError, match="each of the 3 inference ids"):
            replace(whole, **broken)


def test_measurements_of_nothing() -> None:
    nowhere = np.empty(0, np.int64)
    assert Measurements(nowhere, nowhere, nowhere, [], {}).values == {}


def test_a_signal_comes_back_as_it_was() -> None:
    packed = msgpack.packb(asdict(SIGNAL))
    assert signal_of(msgpack.unpackb(packed)) == SIGNAL


def test_a_score_tells_what_is_absent_from_zero() -> None:
    rows = anomaly.levels({"output_tokens": np.array([0.0, np.nan])}, 2)
    assert rows.shape == (2, len(anomaly.COLUMNS))
    assert rows[0, anomaly.COLUMNS.index("output_tokens")] == 0
    assert np.isnan(rows).sum() == 2 * len(anomaly.COLUMNS) - 1


@pytest.mark.parametrize("impossible", [-1.0, -np.inf, np.inf, np.nan])
def test_a_score_does_not_know_what_cannot_be(impossible: float) -> None:
    assert np.isnan(anomaly.levels({metric: np.array([impossible]) for metric in anomaly.COLUMNS}, 1)).all()


@pytest.mark.parametrize("metric", SCALARS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("impossible", [-np.inf, np.inf, np.nan, 2e300])
def test_a_detector_does_not_know_what_cannot_be(metric: object, impossible: float) -> None:
    assert np.isnan(scaled(metric, np.array([impossible]))).all()  # type: ignore[arg-type]  # of parametrize


def test_a_rate_is_zero_or_one_and_a_size_is_not_negative() -> None:
    assert np.isnan(scaled(METRICS["error"], np.array([0.5, -1.0, 2.0]))).all()
    assert np.isnan(scaled(METRICS["duration_s"], np.array([-0.1]))).all()
    assert scaled(METRICS["prediction"], np.array([-0.1])).tolist() == [-0.1]


@pytest.mark.parametrize("metric", SCALARS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0, 86_400.0, 1e300])
def test_natural_undoes_scaled(metric: object, value: float) -> None:
    level = scaled(metric, np.array([value]))  # type: ignore[arg-type]  # of parametrize
    if np.isnan(level[0]):
        assert metric.kind is Kind.RATE  # type: ignore[attr-defined]
    else:
        assert natural(metric, level)[0] == pytest.approx(value, rel=1e-9, abs=1e-12)  # type: ignore[arg-type]


def test_senders_own_metrics_go_by_their_prefix() -> None:
    word, number = metric_of("feature.plan", words=True), metric_of("feature.plan")
    assert word is not None
    assert number is not None
    assert (word.kind, number.kind) == (Kind.CATEGORY, Kind.REAL)
    assert metric_of("implicit.") is not None
    assert metric_of("response_model") is None
    assert metric_of("") is None
