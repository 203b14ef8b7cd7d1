"""Frouros's streaming detectors come out as competitors, with their defaults.

Left out: BOCD, whose cost grows with the stream (2 ms an event after 1,500); its batch tests, which `hourly` and
Evidently stand for; streaming MMD and incremental KS, which give a distance for each event and no rule when to alarm.
"""

from collections.abc import Callable
from typing import Any

from frouros.detectors import concept_drift  # type: ignore[import-not-found]  # in the peers' environment only

from bench.detection.lanes import Fires, each_event, raw, residuals
from bench.detection.race import Competitor
from bench.detection.streams import METRICS, Metric

_SEEN = 20_000  # rows of the reference: plain Python is slow, and no detector here remembers more than is of use
_BINARY = ("DDM", "EDDM", "HDDMA", "HDDMW", "RDDM", "STEPD", "ECDDWT")
_ERROR: tuple[Metric, ...] = ("error",)
_SINGLE: tuple[Metric, ...] = ("error", "latency", "tokens")


def competitors() -> list[Competitor]:
    """Return them in the order of the table."""
    return [
        *(
            Competitor(f"Frouros {name}", each_event(_made(name), raw, _SEEN), METRICS)
            for name in ("ADWIN", "PageHinkley", "CUSUM", "GeometricMovingAverage")
        ),
        Competitor("Frouros CUSUM on residuals", each_event(_made("CUSUM"), residuals, _SEEN), METRICS),
        Competitor("Frouros KSWIN", each_event(_made("KSWIN", seed=1), raw, 1000), _SINGLE),
        *(Competitor(f"Frouros {name}", each_event(_made(name), raw, _SEEN), _ERROR) for name in _BINARY),
    ]


def _made(name: str, **settings: Any) -> Callable[[], Fires]:
    """Return how a detector is made and asked; it is reset when it fires, which Frouros leaves to its caller."""

    def make() -> Fires:
        config = getattr(concept_drift, f"{name}Config")(**settings)
        detector = getattr(concept_drift, name)(config=config)

        def fires(value: float) -> bool:
            detector.update(value=value)
            if not detector.drift:
                return False
            detector.reset()
            return True

        return fires

    return make
