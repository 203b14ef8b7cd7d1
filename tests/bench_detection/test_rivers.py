"""The competitors are what they are called: blocks change nothing, tests are scipy's, residuals have no season."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from bench.detection import hourly
from bench.detection.lanes import residuals
from bench.detection.race import Competitor
from bench.detection.rivers import competitors
from bench.detection.streams import DAY, METRICS, NULLS, Change, World, sized, stream

FAST = [each for each in competitors() if "KSWIN" not in each.name]


@pytest.mark.parametrize("competitor", FAST, ids=lambda each: each.name)
def test_blocks_change_nothing(competitor: Competitor) -> None:
    of = stream(competitor.metrics[0], World(day=2000), np.random.default_rng(1), 5000, sized(competitor.metrics[0]))
    values, times, first = of.values, of.times, of.reference
    cuts = [0, 1, 7, 1000, 1001, 4096, len(values) - first]
    watcher = competitor.start(of.metric, values[:first], times[:first])
    alarms = [
        first + start + index
        for start, end in pairwise(cuts)
        for index in watcher.watch(values[first + start : first + end], times[first + start : first + end])
    ]
    watched = competitor.run(of)
    assert watched.alarms == tuple(row for row in alarms if row < watched.until)
    assert watched.until == len(values) or (of.change_at is not None and watched.alarms[-1] >= of.change_at)


@pytest.mark.parametrize("name", ["HDDMA", "HDDMW", "FHDDM", "DDM", "EDDM"])
def test_detectors_of_errors_fire_when_errors_become_many(name: str) -> None:
    (competitor,) = [each for each in FAST if each.name == f"River {name}"]
    of = stream("error", World(day=2000), np.random.default_rng(1), 3000, Change(size=25.0))
    first = competitor.run(of).alarms[0]
    assert of.change_at is not None
    assert 0 <= first - of.change_at < 1000


def test_who_costs_too_much_is_stopped_after_a_block() -> None:
    of = stream("error", NULLS["iid"], np.random.default_rng(1), 5000)
    watched = FAST[2].run(of, limit_s=1e-9)
    assert (watched.until, watched.cut_off) == (of.reference + 1000, True)


@pytest.mark.parametrize("metric", METRICS)
def test_the_names_are_unique_and_every_metric_has_rivals(metric: str) -> None:
    names = [each.name for each in competitors() if metric in each.metrics]
    assert len(names) == len(set(names)) > 10


def test_residuals_know_the_day_and_the_weekend() -> None:
    world = World(wobble=0.0, weekend=0.8)
    of = stream("latency", world, np.random.default_rng(1), 7 * DAY)
    lanes = residuals("latency", of.values[: of.reference], of.times[: of.reference])
    left = lanes(of.values[of.reference :], of.times[of.reference :])[:, 0]
    assert left.std() == pytest.approx(1, abs=0.02)
    assert np.abs(left.reshape(14, -1).mean(axis=1)).max() < 0.05  # of half a day; the season alone swings by 0.4


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (hourly.kolmogorov_smirnov, lambda a, b: stats.ks_2samp(a, b, method="asymp").pvalue),
        (hourly.wasserstein, lambda a, b: stats.wasserstein_distance(a, b) / a.std()),
    ],
)
def test_tests_of_numbers_are_what_scipy_says(
    ours: hourly.Statistic, theirs: Callable[[np.ndarray, np.ndarray], float]
) -> None:
    rng = np.random.default_rng(1)
    reference, hour = np.sort(rng.normal(0, 2, 4000).round(1)), np.sort(rng.normal(0.2, 2, 900).round(1))
    # scipy rounds the effective size of the two samples to a whole number
    assert ours(reference, hour) == pytest.approx(theirs(reference, hour), rel=0.05)


def test_tests_of_classes_are_what_scipy_says() -> None:
    reference, hour = np.repeat([0.0, 1.0, 5.0], [900, 90, 10]), np.repeat([0.0, 1.0, 5.0], [80, 15, 5])
    counts = np.array([[900, 90, 10], [80, 15, 5]])
    shares = counts / counts.sum(axis=1, keepdims=True)
    assert hourly.chi_squared(reference, hour) == pytest.approx(stats.chi2_contingency(counts).pvalue)
    assert hourly.jensen_shannon(reference, hour) == pytest.approx(distance.jensenshannon(*shares))
    by_hand = -0.1 * np.log(0.8 / 0.9) + 0.06 * np.log(0.15 / 0.09) + 0.04 * np.log(0.05 / 0.01)
    assert hourly.stability_of_classes(reference, hour) == pytest.approx(by_hand)


def test_tenths_that_hold_as_much_as_before_are_stable() -> None:
    reference = np.arange(1000.0)
    assert hourly.stability_of_tenths(reference, reference) == 0
    doubled_half = np.concatenate([reference, reference[500:]])  # shares 1/15 and 2/15 in place of 1/10
    by_hand = 5 * (-1 / 30 * np.log(2 / 3) + 1 / 30 * np.log(4 / 3))
    assert hourly.stability_of_tenths(reference, doubled_half) == pytest.approx(by_hand, rel=0.02)
