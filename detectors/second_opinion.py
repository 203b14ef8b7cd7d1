"""Scores of streams go through River's own detectors as well; whether one has seen a change lately comes out."""

import pickle
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.river_drift import drift
from detectors.sealed import is_panic

EACH = 32  # rows whose mean score ADWIN is given as one value
_DELTA = 1e-3
_RIVER = version("river")
_NEVER = -1


class SecondOpinion:
    """ADWIN on the residuals of each stream, as means of 32 rows of the segment: a tenth of a microsecond a row. On a
    stream of judgements that come late and one by one (concept drift) it is HDDM-A, on each.

    It does not raise findings: on residuals with 3% wobble it raises 232 false alarms where the e-detector raises one
    (docs/detection.md). It says whether a method that knows nothing of alternatives, bands and thresholds sees the
    change too, and it sees slow ones.

    Isvani Frías-Blanco et al. Online and non-parametric drift detection methods based on Hoeffding's bounds. IEEE TKDE
    27(3), 2015. · Albert Bifet and Ricard Gavaldà. Learning from time-changing data with adaptive windowing. SIAM
    International Conference on Data Mining, 2007.
    """

    def __init__(self) -> None:
        self.row = 0
        self.seen: list[int] = []  # by stream, the row at which ADWIN last saw a change
        self._detectors: list[drift.ADWIN | drift.binary.HDDMA] = []
        self._sums = np.zeros((0, 2))  # count and sum of the rows since the last full 32

    def grow(self, judged: Sequence[bool]) -> None:
        """Add streams; those are `judged` whose values are judgements, wrong or right."""
        self.seen += [_NEVER] * len(judged)
        self._detectors += [_hddm() if each else _adwin() for each in judged]
        self._sums = np.concatenate([self._sums, np.zeros((len(judged), 2))])

    def update(self, told: NDArray[np.float64]) -> None:
        """Take the next rows: float64[n, S, 2], 1 and the score where a stream is known, else zeros."""
        start = 0
        while start < len(told):
            stop = min(len(told), start + EACH - self.row % EACH)
            carried = np.concatenate([self._sums[None], told[start:stop]])
            self._sums = np.add.accumulate(carried, axis=0)[-1]
            self._judge(told[start:stop])
            self.row += stop - start
            start = stop
            if self.row % EACH == 0:
                self._look()

    def _judge(self, told: NDArray[np.float64]) -> None:
        for stream, detector in enumerate(self._detectors):
            if isinstance(detector, drift.binary.HDDMA):
                for row in np.flatnonzero(told[:, stream, 0]).tolist():
                    wrong = bool(told[row, stream, 1] > 0)  # scored above what is expected
                    detector.update(wrong)  # type: ignore[no-untyped-call]  # River gives no types
                    if detector.drift_detected:
                        self.seen[stream] = self.row + row + 1

    def forget(self, stream: int) -> None:
        """Begin anew with a stream."""
        judged = isinstance(self._detectors[stream], drift.binary.HDDMA)
        self._detectors[stream] = _hddm() if judged else _adwin()
        self._sums[stream] = 0.0
        self.seen[stream] = _NEVER

    def _look(self) -> None:
        for stream, (count, total) in enumerate(self._sums.tolist()):
            detector = self._detectors[stream]
            if count and isinstance(detector, drift.ADWIN):
                detector.update(total / count)  # type: ignore[no-untyped-call]  # River gives no types
                if detector.drift_detected:
                    self.seen[stream] = self.row
        self._sums[:] = 0.0

    def state(self) -> dict[str, Any]:
        """Return its state; River's part is a pickle, as it has no other: it is read only where it was signed."""
        return {
            "row": self.row,
            "seen": self.seen,
            "sums": self._sums,
            "river": _RIVER,
            "judged": [isinstance(each, drift.binary.HDDMA) for each in self._detectors],
            "detectors": pickle.dumps(self._detectors, protocol=pickle.HIGHEST_PROTOCOL),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "SecondOpinion":
        """Make it again of a state whose signature has been checked; another River's detectors begin anew. Raises what
        a pickle does, and ValueError where River does not take its part."""
        second = cls()
        second.row, second.seen, second._sums = state["row"], list(state["seen"]), state["sums"]
        if state["river"] == _RIVER:
            second._detectors = _read(state["detectors"])
        else:
            second._detectors = [_hddm() if judged else _adwin() for judged in state["judged"]]
        return second


def _read(pickled: bytes) -> Any:
    try:
        return pickle.loads(pickled)  # noqa: S301  # its signature has been checked
    except BaseException as error:
        if is_panic(error):
            raise ValueError("River's detectors do not take this for a state of theirs.") from None
        raise


def _adwin() -> drift.ADWIN:
    return drift.ADWIN(delta=_DELTA, clock=1, grace_period=5)  # type: ignore[no-untyped-call]  # River gives no types


def _hddm() -> drift.binary.HDDMA:
    return drift.binary.HDDMA(drift_confidence=_DELTA)  # type: ignore[no-untyped-call]  # River gives no types
