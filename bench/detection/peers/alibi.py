"""alibi-detect's online detectors that need no torch come out as competitors: CVM for numbers, Fisher's for errors.

Their setting is the expected run time between false alarms at rest. Thresholds for it come from simulated streams, of
which more are needed than the run time has events, so 10,000 is what a minute of CPU buys; 1e6 would be hours. CVM
compares all pairs of its reference, so that it gets a sample of the week. Thresholds are simulated once a process:
CVM's hold for any reference of that size, Fisher's for any with about that share of errors.
"""

from typing import Any, ClassVar

import numpy as np
from alibi_detect.cd import CVMDriftOnline, FETDriftOnline  # type: ignore[import-not-found]  # in the peers' own place
from numpy.typing import NDArray

from bench.detection.race import Competitor, Watcher
from bench.detection.streams import Metric

_RUN_TIME = 10_000
_SIMULATED = 15_000
_SAMPLE = {"error": 20_000, "latency": 1000, "tokens": 1000}  # rows of the reference
_FIELDS = ("thresholds", "permit_probs")


class _Thresholds:
    """Keeps the thresholds that the first detector of a class has simulated."""

    _kept: ClassVar[dict[type, dict[str, Any]]] = {}

    def _configure_thresholds(self) -> None:
        if type(self) not in self._kept:
            super()._configure_thresholds()  # type: ignore[misc]  # the detector's, which is the other base
            self._kept[type(self)] = {name: vars(self)[name] for name in _FIELDS if name in vars(self)}
        vars(self).update(self._kept[type(self)])


class _Cvm(_Thresholds, CVMDriftOnline):  # type: ignore[misc]  # its types are not known here
    pass


class _Fet(_Thresholds, FETDriftOnline):  # type: ignore[misc]
    pass


class _Online:
    def __init__(self, detector: Any, kind: type) -> None:
        self._detector, self._kind = detector, kind

    def watch(self, values: NDArray[np.float64], times: NDArray[np.int64]) -> list[int]:
        del times
        return [index for index, value in enumerate(values.tolist()) if self._fires(value)]

    def _fires(self, value: float) -> bool:
        fires = bool(self._detector.predict(self._kind(value))["data"]["is_drift"])
        if fires:
            self._detector.reset_state()
        return fires


def competitors() -> list[Competitor]:
    """Return both."""
    return [
        Competitor("alibi-detect CVM online, run time 1e4", _start, ("latency", "tokens")),
        Competitor("alibi-detect Fisher online, run time 1e4", _start, ("error",)),
    ]


def _start(metric: Metric, values: NDArray[np.float64], times: NDArray[np.int64]) -> Watcher:
    del times
    np.random.seed(1)  # the library draws from numpy's global generator
    reference = np.random.default_rng(1).choice(values, _SAMPLE[metric], replace=False)
    settings = {"ert": _RUN_TIME, "n_bootstraps": _SIMULATED, "verbose": False}
    if metric == "error":
        return _Online(_Fet(reference.astype(np.int64), window_sizes=[200], **settings), int)
    return _Online(_Cvm(reference, window_sizes=[50, 200], **settings), float)
