"""Measurements are checked, levels keep null apart from 0, and natural undoes levels."""

import numpy as np
import pytest

from detectors.base import METRICS, Measurements, levels, natural
from tests.detectors.traffic import answers, measured


def test_columns_of_different_length_are_refused() -> None:
    whole = measured(answers(3, seed=0))
    with pytest.raises(ValueError, match="each of the 3 inference ids"):
        Measurements(whole.source[:2], whole.position, whole.time_unix_nano, whole.inference_id, whole.values)


def test_a_metric_that_is_absent_is_not_known_and_zero_is() -> None:
    rows = levels({"output_tokens": np.array([0.0, np.nan])}, 2)
    assert rows.shape == (2, len(METRICS))
    assert rows[0, METRICS.index("output_tokens")] == 0
    assert np.isnan(rows).sum() == 2 * len(METRICS) - 1


@pytest.mark.parametrize("impossible", [-1.0, -np.inf, np.inf, np.nan])
def test_what_cannot_be_is_not_known(impossible: float) -> None:
    values = {metric: np.array([impossible]) for metric in METRICS}
    assert np.isnan(levels(values, 1)).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0, 86_400.0, 1e300])
def test_natural_undoes_levels(metric: str, value: float) -> None:
    level = levels({metric: np.array([value])}, 1)[0, METRICS.index(metric)]
    assert natural(metric, float(level)) == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_levels_change_by_factors() -> None:
    slow, tenfold = levels({"duration_s": np.array([1.0, 10.0])}, 2)[:, METRICS.index("duration_s")]
    assert tenfold - slow == pytest.approx(10, abs=0.01)


def test_no_rows() -> None:
    assert levels({}, 0).shape == (0, len(METRICS))
