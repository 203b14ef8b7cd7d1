"""NAB's score: by hand on small series, its anchors on any, and the published figures of its own baseline."""

import math
from pathlib import Path

import numpy as np
import pytest

from bench.nab import NAB, load, windowed_gaussian
from bench.nab_scoring import PROFILES, Series, best, curve, sigmoid, weights, with_threshold
from detectors.novelty import NoveltyScorer

DATA = Path(__file__).parents[2].parent / "shared" / "data"
WITH_DATA = pytest.mark.skipif(not (DATA / NAB).exists(), reason=f"{NAB} is not at ../shared/data")
WINDOWED = Series("windowed", np.zeros(100), [(40, 49), (80, 89)])
QUIET = Series("quiet", np.zeros(100), [])


def fired(rows: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    scores = np.zeros(100)
    scores[rows] = 1.0
    return scores


def test_the_sigmoid_is_the_published_one() -> None:
    assert sigmoid(np.array([-1.0, -0.5, 0.0, 1.0, 3.0])) == pytest.approx(
        [0.98661, 0.84828, 0, -0.98661, -1], abs=1e-5
    )


@pytest.mark.parametrize(
    ("rows", "raw"),
    [
        ([], -2.0),
        ([40, 80], 2.0),  # the left edges
        ([40, 41, 45, 80], 2.0),  # later ones in a window change nothing
        ([45], -1 + sigmoid(np.array(-0.5)) / sigmoid(np.array(-1.0))),
        ([40, 80, 20], 2 - 0.11),  # false, before any window
        ([40, 80, 50], 2 + 0.11 * sigmoid(np.array(1 / 9))),  # just behind a window: hardly false
        ([40, 80, 79], 2 - 0.11),  # more than three widths behind one
        ([40, 80, 14], 2.0),  # in the first 15%
    ],
)
def test_small_cases_by_hand(rows: list[int], raw: float) -> None:
    points = with_threshold([WINDOWED], [fired(rows)], 0.5)
    assert points == pytest.approx(100 * (raw + 2) / 4)


def test_the_anchors() -> None:
    corpus = [WINDOWED, QUIET]
    assert best(corpus, [fired([40, 80]), fired([])])[0] == pytest.approx(100)
    assert best(corpus, [np.full(100, np.nan)] * 2) == (0.0, math.inf)
    always = [np.ones(100)] * 2
    assert best(corpus, always) == (0.0, math.inf)
    assert with_threshold(corpus, always, 1.0) < -100


def test_a_series_without_windows_costs_what_fires_in_it() -> None:
    scores = [fired([40, 80]), fired([20, 30])]
    assert best([WINDOWED, QUIET], scores)[0] == pytest.approx(100 - 100 * 2 * 0.11 / 4)
    assert best([WINDOWED, QUIET], scores, "low_fp")[0] == pytest.approx(100 - 100 * 2 * 0.22 / 4)


def test_the_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(4)
    corpus, scores = [WINDOWED, QUIET], [rng.random(100).round(1), rng.random(100).round(1)]
    points, threshold = best(corpus, scores)
    tried = [with_threshold(corpus, scores, each) for each in np.unique(np.concatenate(scores)).tolist()]
    assert points == pytest.approx(max([0.0, *tried]))
    assert with_threshold(corpus, scores, threshold) == pytest.approx(points)


def test_rows_of_equal_score_fire_together() -> None:
    thresholds, points = curve([WINDOWED], [fired([40, 80, 20])])
    assert thresholds.tolist() == [math.inf, 1.0, 0.0]
    assert points[1] == pytest.approx(100 * (4 - 0.11) / 4)


def test_nothing_is_judged_in_probation() -> None:
    long = Series("long", np.zeros(20_000), [(800, 900)])
    assert long.probation == 750
    assert np.flatnonzero(weights(long)[0] == -2).tolist() == list(range(750))


@WITH_DATA
def test_the_published_baseline_has_its_published_scores() -> None:
    corpus = load(DATA)
    assert (len(corpus), sum(len(series.windows) for series in corpus)) == (58, 116)
    scores = [windowed_gaussian(series.values) for series in corpus]
    assert [round(best(corpus, scores, profile)[0], 2) for profile in PROFILES] == [39.65, 20.87, 47.41]


@WITH_DATA
def test_the_novelty_scorer_is_above_the_target() -> None:
    corpus = load(DATA)
    scores = [NoveltyScorer().score_learn_many(series.values) for series in corpus]
    assert best(corpus, scores)[0] >= 70
