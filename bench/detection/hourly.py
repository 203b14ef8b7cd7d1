"""An hour of rows at a time is tested against the reference, as batch tools do: KS, chi², JS, PSI and Wasserstein.

An alarm falls on the first row after the hour, when the hour is known to be complete. The threshold of a distance is
0.1, as Evidently has it; that of a p-value is 0.05, and 1e-4 for who compares an hour with the same hours of the
reference, and knows that a week has 168 of them.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.detection.race import Competitor, Watcher
from bench.detection.streams import HOUR_NS, MIX, Metric

Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], float]  # reference[m], hour[n] → p-value or distance
_LEAST = 1e-4  # the share of an empty bin, so that PSI stays finite


class Hourly:
    """Tests each complete hour against the reference, or against the reference's same hours of the day."""

    def __init__(
        self, differs: Callable[[Floats, Floats], bool], values: Floats, times: NDArray[np.int64], same_hours: bool
    ) -> None:
        self._differs = differs
        hours = times // HOUR_NS % 24
        whole = np.sort(values)
        self._reference = [np.sort(values[hours == hour]) if same_hours else whole for hour in range(24)]
        self._hour: int | None = None
        self._rows: list[Floats] = []

    def watch(self, values: Floats, times: NDArray[np.int64]) -> list[int]:
        alarms = []
        hours = times // HOUR_NS
        starts = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist()]
        for start, end in zip(starts, [*starts[1:], len(hours)], strict=True):
            hour = int(hours[start])
            if hour != self._hour:
                if self._hour is not None and self._fires(self._hour):
                    alarms.append(start)
                self._hour, self._rows = hour, []
            self._rows.append(values[start:end])
        return alarms

    def _fires(self, hour: int) -> bool:
        return self._differs(self._reference[hour % 24], np.sort(np.concatenate(self._rows)))


def kolmogorov_smirnov(reference: Floats, hour: Floats) -> float:
    """Return the asymptotic p-value of the two-sample test; both are sorted."""
    n, m = len(reference), len(hour)
    # The hour's distribution steps at its values only, so that the gap is widest right before or right after one.
    gaps = [
        np.searchsorted(reference, hour, side) / n - np.searchsorted(hour, hour, side) / m for side in ("left", "right")
    ]
    return float(special.kolmogorov(np.abs(gaps).max() * np.sqrt(n * m / (n + m))))


def wasserstein(reference: Floats, hour: Floats) -> float:
    """Return the area between the two distributions, in standard deviations of the reference; both are sorted."""
    points = np.sort(np.concatenate([reference, hour]))
    p = np.searchsorted(reference, points[:-1], "right") / len(reference)
    q = np.searchsorted(hour, points[:-1], "right") / len(hour)
    return float((np.abs(p - q) * np.diff(points)).sum() / reference.std())


def chi_squared(reference: Floats, hour: Floats) -> float:
    """Return the p-value that both have the same shares of classes."""
    counts = np.array([_classes(reference), _classes(hour)])
    counts = counts[:, counts.sum(axis=0) > 0]
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(special.chdtrc(counts.shape[1] - 1, ((counts - expected) ** 2 / expected).sum()))


def jensen_shannon(reference: Floats, hour: Floats) -> float:
    """Return the distance, the root of the divergence in nats, between the shares of classes."""
    p, q = (counts / counts.sum() for counts in (_classes(reference), _classes(hour)))
    middle = (p + q) / 2
    return float(np.sqrt(max((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2, 0.0)))


def stability_of_classes(reference: Floats, hour: Floats) -> float:
    """Return the population stability index over classes."""
    return _stability(_classes(reference), _classes(hour))


def stability_of_tenths(reference: Floats, hour: Floats) -> float:
    """Return the population stability index over the tenths of the reference, which is sorted."""
    edges = np.quantile(reference, np.linspace(0, 1, 11)[1:-1])
    before, after = (np.bincount(np.searchsorted(edges, each), minlength=10) for each in (reference, hour))
    return _stability(before, after)


def competitors() -> list[Competitor]:
    """Return the tests, each with the threshold that is usual for it."""
    return [
        _test("hourly KS or chi², p < .05", kolmogorov_smirnov, chi_squared, lambda p: p < 0.05),
        _test("same, by hour of day, p < 1e-4", kolmogorov_smirnov, chi_squared, lambda p: p < 1e-4, same_hours=True),
        _test("hourly Wasserstein or JS > .1", wasserstein, jensen_shannon, lambda distance: distance > 0.1),
        _test("hourly PSI > .1", stability_of_tenths, stability_of_classes, lambda index: index > 0.1),
    ]


def _test(
    name: str, numbers: Statistic, classes: Statistic, says: Callable[[float], bool], *, same_hours: bool = False
) -> Competitor:
    def start(metric: Metric, values: Floats, times: NDArray[np.int64]) -> Watcher:
        statistic = classes if metric in ("error", "mix") else numbers
        return Hourly(lambda reference, hour: says(statistic(reference, hour)), values, times, same_hours)

    return Competitor(name, start)


def _classes(values: Floats) -> NDArray[np.int64]:
    return np.bincount(values.astype(np.int64), minlength=len(MIX))


def _stability(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    seen = before > 0
    p, q = (np.maximum(counts[seen] / counts.sum(), _LEAST) for counts in (before, after))
    return float(((q - p) * np.log(q / p)).sum())
