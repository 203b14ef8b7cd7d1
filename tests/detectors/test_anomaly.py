"""Anomaly scores: planted anomalies rank high, scores are shares, blocks change nothing, null is not 0."""

import pickle
from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.anomaly import COLUMNS, WARM, RobustMahalanobis, levels
from detectors.packed import pack, unpack
from tests.detectors.traffic import Columns, answers

N = 12_000


def scored(columns: Columns, detector: RobustMahalanobis | None = None) -> NDArray[np.float64]:
    n = len(columns["error"])
    return (detector or RobustMahalanobis()).score_learn_many(levels(columns, n))


def planted(kind: str, rows: NDArray[np.int64]) -> Columns:
    """Return answers of which these rows went wrong in a way that no single number of theirs shows by its size."""
    columns = answers(N, seed=3, errors=0.005)
    match kind:
        case "slow for its length":
            columns["duration_s"][rows] = 0.3 + 6 * 0.01 * columns["output_tokens"][rows]
        case "garbled, few characters to a token":
            columns["output_chars"][rows] = np.round(1.4 * columns["output_tokens"][rows])
        case "long wait and no answer":
            columns["output_tokens"][rows] = columns["output_chars"][rows] = 0.0
    return columns


@pytest.mark.parametrize(
    "kind", ["slow for its length", "garbled, few characters to a token", "long wait and no answer"]
)
def test_planted_anomalies_rank_above_the_99th_percentile(kind: str) -> None:
    rows = np.arange(3000, N, 400)
    scores = scored(planted(kind, rows))
    usual = np.delete(scores, rows)
    above = scores[rows] > np.nanquantile(usual, 0.99)
    assert np.mean(above[~np.isnan(scores[rows])]) >= 0.9
    assert np.nanmedian(scores[rows]) > 0.99


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_a_score_is_the_share_of_inferences_that_are_less_unusual(share: float) -> None:
    scores = scored(answers(60_000, seed=4))[5000:]
    assert np.mean(scores > 1 - share) == pytest.approx(share, rel=0.35)
    assert len(np.unique(scores)) == len(scores)


def test_further_out_is_a_higher_score_below_one() -> None:
    detector = RobustMahalanobis()
    scored(answers(N, seed=5), detector)
    seconds = np.array([10.0**power for power in range(2, 300, 7)])
    scores = detector.score_many(levels({"duration_s": seconds}, len(seconds)))
    assert (np.diff(scores) > 0).all()
    assert scores[-1] < 1


@given(
    seed=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 900), max_size=10).map(sorted),
    absent=st.sets(st.sampled_from(COLUMNS)),
)
@settings(max_examples=30, deadline=None)
def test_blocks_and_restarts_change_no_score(seed: int, cuts: list[int], absent: set[str]) -> None:
    columns = {metric: column for metric, column in answers(900, seed).items() if metric not in absent}
    rows = levels(columns, 900)
    detector, scores = RobustMahalanobis(), []
    for start, stop in zip([0, *cuts], [*cuts, 900], strict=True):
        scores.append(detector.score_learn_many(rows[start:stop]))
        detector = RobustMahalanobis.restore(unpack(pack(detector.state())))
    np.testing.assert_array_equal(np.concatenate(scores), RobustMahalanobis().score_learn_many(rows))


def test_state_is_small_and_a_copy() -> None:
    detector = RobustMahalanobis()
    scored(answers(N + 127 - N % 128, seed=16), detector)
    state = detector.state()
    assert len(state["rows"]) == 127  # the most that it ever holds
    assert len(pack(state)) < 5_000
    again, more = RobustMahalanobis.restore(state), answers(500, seed=17)
    np.testing.assert_array_equal(scored(more, detector), scored(more, again))
    np.testing.assert_array_equal(scored(more, RobustMahalanobis.restore(state)), scored(more, pickled(state)))


def pickled(state: dict[str, Any]) -> RobustMahalanobis:
    """Return the detector by the way that River's users keep theirs."""
    detector: RobustMahalanobis = pickle.loads(pickle.dumps(RobustMahalanobis.restore(state)))  # noqa: S301
    return detector


def test_rivers_way_row_by_row_gives_the_scores_of_a_block() -> None:
    columns = answers(800, seed=6)
    rows = levels(columns, 800)
    detector, scores = RobustMahalanobis(), []
    for row in rows.tolist():
        known = [(metric, level) for metric, level in zip(COLUMNS, row, strict=True) if not np.isnan(level)]
        x: dict[Hashable, float] = dict(known)
        scores.append(detector.score_one(x))
        detector.learn_one(x)
    np.testing.assert_array_equal(scores, RobustMahalanobis().score_learn_many(rows))
    assert np.isnan(scores[:WARM]).all()
    assert np.isfinite(scores[WARM:]).all()


def test_an_inference_of_which_nothing_is_known_has_no_score() -> None:
    detector = RobustMahalanobis()
    scored(answers(N, seed=7), detector)
    assert np.isnan(detector.score_many(levels({}, 3))).all()


def test_only_known_metrics_count() -> None:
    detector = RobustMahalanobis()
    scored(answers(N, seed=8), detector)
    usual = {metric: np.array([value]) for metric, value in zip(COLUMNS, (0, 3.3, 0.2, 500, 300, 1200), strict=True)}
    for left_out in COLUMNS[1:]:
        columns = {metric: column for metric, column in usual.items() if metric != left_out}
        assert detector.score_many(levels(columns, 1))[0] < 0.9


def test_a_metric_that_comes_late_is_learned() -> None:
    columns = answers(N, seed=9)
    columns["output_chars"][: N // 2] = np.nan
    columns["output_chars"][-1] = columns["output_tokens"][-1] * 0.1
    columns["error"][-1] = 0
    assert scored(columns)[-1] > 0.999


def test_metrics_that_never_vary_are_scored() -> None:
    still = {metric: np.full(5000, value) for metric, value in zip(COLUMNS, (0, 1, 1, 10, 0, 0), strict=True)}
    still["duration_s"][-1] = 2.0
    scores = scored(still)
    assert np.isfinite(scores[WARM:]).all()
    assert scores[-1] == np.nanmax(scores) > 0.999


def test_huge_values_do_not_become_usual() -> None:
    columns = answers(N, seed=10)
    columns["duration_s"][::20] = 1e300
    detector = RobustMahalanobis()
    scores = scored(columns, detector)
    usual = np.delete(scores, np.arange(0, N, 20))
    assert np.nanmin(scores[1000::20]) > np.nanquantile(usual[1000:], 0.98)
    assert np.nanmedian(usual) == pytest.approx(0.475, abs=0.02)  # they are the lower 95%
    tokens = np.array([300.0])
    five_times_too_slow = {"duration_s": 15 * np.ones(1), "output_tokens": tokens, "output_chars": 4 * tokens}
    assert detector.score_many(levels(five_times_too_slow, 1))[0] > 0.9  # what is huge hides nothing


def test_an_empty_block() -> None:
    assert RobustMahalanobis().score_learn_many(np.empty((0, len(COLUMNS)))).shape == (0,)


def test_an_error_is_as_unusual_as_it_is_rare() -> None:
    scores = []
    for errors in (0.001, 0.01, 0.3):
        detector = RobustMahalanobis()
        scored(answers(N, seed=11, errors=errors), detector)
        scores.append(float(detector.score_many(levels({"error": np.ones(1), "duration_s": np.array([3.0])}, 1))[0]))
    assert scores[0] > scores[1] > scores[2]
    assert scores[0] > 0.99


def test_a_lasting_change_becomes_usual() -> None:
    detector = RobustMahalanobis(memory=2000)
    scored(answers(N, seed=12), detector)
    at_first = scored(answers(128, seed=13, slower=3.0), detector)
    scored(answers(N, seed=14, slower=3.0), detector)
    in_the_end = scored(answers(500, seed=15, slower=3.0), detector)
    assert np.median(at_first) > 0.9
    assert np.median(in_the_end) == pytest.approx(0.5, abs=0.1)
