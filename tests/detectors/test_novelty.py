"""Novelty: what was never there scores, what was there does not, and one value at a time gives the same as many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.novelty import KEPT, NoveltyScorer, Seen

FINITE = st.floats(-1e6, 1e6)


def daily(days: int, seed: int = 1) -> NDArray[np.float64]:
    """A value every five minutes, with a season and noise."""
    rng = np.random.default_rng(seed)
    at = np.arange(days * 288)
    return 100 + 30 * np.sin(2 * np.pi * at / 288) + 2 * rng.normal(size=len(at))


@settings(max_examples=50)
@given(st.lists(FINITE, min_size=1, max_size=200))
def test_one_at_a_time_and_many_give_the_same(values: list[float]) -> None:
    one = NoveltyScorer()
    singly = []
    for value in values:
        singly.append(one.score_one({"value": value}))
        one.learn_one({"value": value})
    assert singly == NoveltyScorer().score_learn_many(values).tolist()
    assert np.all(np.isfinite(singly))


def test_scoring_alone_learns_nothing() -> None:
    scorer = NoveltyScorer()
    scorer.score_learn_many(daily(2))
    assert len({scorer.score_one({"value": 300.0}) for _ in range(3)}) == 1


def test_blocks_change_nothing() -> None:
    values = daily(4)
    scorer = NoveltyScorer()
    pieces = [scorer.score_learn_many(piece) for piece in np.split(values, [1, 17, 500])]
    assert np.array_equal(np.concatenate(pieces), NoveltyScorer().score_learn_many(values))


@pytest.mark.parametrize("anomaly", ["spike", "level", "spread"])
def test_what_was_never_there_scores_above_all_before(anomaly: str) -> None:
    values = daily(10)
    changed = slice(2400, 2401) if anomaly == "spike" else slice(2400, 2600)
    match anomaly:
        case "spike":
            values[changed] += 60
        case "level":
            values[changed] += 40
        case "spread":
            values[changed] += 25 * np.random.default_rng(5).normal(size=200)
    scores = NoveltyScorer().score_learn_many(values)
    assert scores[changed].max() > 2 * scores[600:2400].max()


def test_a_season_is_no_news() -> None:
    scores = NoveltyScorer().score_learn_many(daily(20))
    assert np.mean(scores[288 * 3 :] > 0.2) < 0.001


def test_what_is_not_known_has_no_score_and_teaches_nothing() -> None:
    values = daily(3)
    with_holes = np.insert(values, [100, 400], [np.nan, np.inf])
    scores = NoveltyScorer().score_learn_many(with_holes)
    assert np.isnan(scores[[100, 401]]).all()
    assert np.array_equal(np.delete(scores, [100, 401]), NoveltyScorer().score_learn_many(values))


@given(st.lists(FINITE, min_size=2, max_size=300))
def test_memory_is_bounded_sorted_and_keeps_the_extremes(values: list[float]) -> None:
    seen = Seen()
    for value in values:
        seen.learn(value)
    assert len(seen.values) <= KEPT
    assert seen.values == sorted(set(seen.values))
    close = 0.1 * float(np.std(values)) + 1e-9
    assert seen.values[0] == pytest.approx(min(values), abs=close)
    assert seen.values[-1] == pytest.approx(max(values), abs=close)
    assert seen.deviation() == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-6)
