"""Arrays of values go in, by label; Prometheus reads them as one histogram, with an example in each bucket."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Metric as Family
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from sinks.metrics import Metric


class ArrayHistogram(Collector):
    """A histogram that takes arrays: prometheus-client's own takes a value at a time, at 2 µs each.

    Args:
        metric: a declaration of kind histogram with one label, and with buckets.

    >>> from sinks.metrics import DURATION
    >>> histogram = ArrayHistogram(DURATION)
    >>> histogram.observe("chat", np.array([0.07, 0.2, 1000.0]), ["a", "b", "c"])
    >>> [family] = histogram.collect()
    >>> [(sample.labels["le"], sample.value) for sample in family.samples[:3]]
    [('0.05', 0.0), ('0.1', 1.0), ('0.25', 2.0)]
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._bounds = np.array(metric.buckets)
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._sums: dict[str, float] = {}
        self._examples: dict[str, list[Exemplar | None]] = {}

    def observe(self, label: str, values: NDArray[np.float64], ids: Sequence[str]) -> None:
        """Count n values, float64[n]; NaN is not known and not counted. Of each bucket the last id is its example."""
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            return
        buckets = len(self._bounds) + 1
        places = np.searchsorted(self._bounds, values[known])  # a bucket's bound belongs to it
        counts = self._counts.setdefault(label, np.zeros(buckets, np.int64))
        counts += np.bincount(places, minlength=buckets)
        self._sums[label] = self._sums.get(label, 0.0) + float(values[known].sum())
        examples = self._examples.setdefault(label, [None] * buckets)
        for place, last in dict(zip(places.tolist(), known.tolist(), strict=True)).items():
            examples[place] = Exemplar({"inference_id": ids[last][:100]}, float(values[last]))

    def counts(self) -> dict[str, NDArray[np.int64]]:
        """Return a copy of each label's counts by bucket, int64[buckets + 1], the last those beyond every bound."""
        return {label: counts.copy() for label, counts in self._counts.items()}

    def collect(self) -> Iterator[Family]:
        family = HistogramMetricFamily(self._metric.name, self._metric.meaning, labels=self._metric.labels)
        bounds = [*map(floatToGoString, self._metric.buckets), "+Inf"]
        for label, counts in list(self._counts.items()):  # a copy: the walk may add one meanwhile
            totals = np.cumsum(counts).astype(np.float64).tolist()
            buckets = [
                (bound, total) if example is None else (bound, total, example)
                for bound, total, example in zip(bounds, totals, self._examples[label], strict=True)
            ]
            family.add_metric([label], buckets, self._sums[label])
        yield family
