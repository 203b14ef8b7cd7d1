"""River's own detectors come out as competitors, raw and on seasonal residuals, between a row that always fires and one
that never does."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import drift
from river.drift import binary

from bench.detection import hourly
from bench.detection.lanes import Fires, Lanes, each_event, raw, residuals
from bench.detection.race import Competitor
from bench.detection.streams import Metric

_NUMBERS: tuple[Metric, ...] = ("latency", "tokens")
_ERROR: tuple[Metric, ...] = ("error",)


class EveryHundred:
    """Fires at every hundredth row, whatever comes: what knows nothing, and misses nothing."""

    def __init__(self) -> None:
        self._seen = 0

    def watch(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
        del times
        first = 99 - self._seen % 100
        self._seen += len(values)
        return list(range(first, len(values), 100))


class Never:
    """Never fires: what raises no false alarm, and misses everything."""

    def watch(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
        del values, times
        return []


class Cusum:
    """Page's cumulative sums of standardised values in both directions, which begin at 0 again after an alarm.

    A sum gains what a value exceeds `slack` by, in standard deviations, and fires at `threshold` (E. S. Page,
    Continuous inspection schemes, Biometrika 41, 1954).
    """

    def __init__(self, slack: float, threshold: float) -> None:
        self._slack, self._threshold = slack, threshold
        self._up = self._down = 0.0

    def fires(self, value: float) -> bool:
        self._up = max(0.0, self._up + value - self._slack)
        self._down = max(0.0, self._down - value - self._slack)
        if max(self._up, self._down) < self._threshold:
            return False
        self._up = self._down = 0.0
        return True


def competitors() -> list[Competitor]:
    """Return all of them, in the order of the table."""
    return [
        Competitor("always fires, every 100 events", lambda *_: EveryHundred()),
        Competitor("never fires", lambda *_: Never()),
        Competitor("River ADWIN", each_event(_river(drift.ADWIN))),
        Competitor("River ADWIN 1e-6", each_event(_river(drift.ADWIN, delta=1e-6))),
        Competitor("River ADWIN on residuals", each_event(_river(drift.ADWIN), residuals)),
        Competitor("River ADWIN 1e-6 on residuals", each_event(_river(drift.ADWIN, delta=1e-6), residuals)),
        Competitor("River PageHinkley", each_event(_river(drift.PageHinkley))),
        Competitor("River PageHinkley on residuals", each_event(_river(drift.PageHinkley), residuals)),
        # 200 microseconds an event: it remembers 100 values, so it need not see the whole reference
        Competitor("River KSWIN", each_event(_river(drift.KSWIN, seed=1), raw, 1000), ("error", *_NUMBERS)),
        Competitor("River KSWIN on residuals", each_event(_river(drift.KSWIN, seed=1), residuals, 1000), _NUMBERS),
        *(
            Competitor(f"River {detector.__name__}", each_event(_river(detector)), _ERROR)
            for detector in (binary.HDDMA, binary.HDDMW, binary.DDM, binary.EDDM)
        ),
        Competitor("River FHDDM", each_event(_river(binary.FHDDM), _successes), _ERROR),
        Competitor("CUSUM k .1 h 60 on residuals", each_event(lambda: Cusum(0.1, 60.0).fires, residuals)),
        *hourly.competitors(),
    ]


def _successes(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Lanes:
    """Show 1 where there is no error: River's FHDDM says that 1 is an error, but fires when ones become fewer."""
    del metric, values, times
    return lambda values, _: 1 - values[:, None]


def _river(detector: Callable[..., Any], **arguments: Any) -> Callable[[], Fires]:
    """Return how one of River's detectors, which re-arm themselves, is made and asked."""

    def make() -> Fires:
        made = detector(**arguments)
        update = made.update

        def fires(value: float) -> bool:
            update(value)
            return bool(made.drift_detected)

        return fires

    return make
