"""What people did after answers goes in among them; shares of answers come out: of 0 and 1, as other rates are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.metrics import metric_of


class Afterwards:
    """Counts each answer as 0 in what people may do after it, from the first time that they did it in the segment.

    What is done after one answer is a 1, whenever it comes; of what is done before the next answer, the first counts.
    So where answers stop for the night, those who still edit what was said are not taken for all who are there.
    """

    def __init__(self) -> None:
        self._answered: dict[str, bool] = {}  # by metric: whether an answer has come since the last that counted

    def among(self, values: Mapping[str, NDArray[np.float64]], n: int) -> dict[str, NDArray[np.float64]]:
        """Return the columns of n rows (float64[n], NaN: not known), those of what is done afterwards filled in.

        How rows are cut into blocks changes nothing.
        """
        answered = ~np.isnan(values["error"]) if "error" in values else np.zeros(n, np.bool_)
        answers = np.cumsum(answered)
        filled = dict(values)
        for name in sorted(self._answered.keys() | {name for name in values if _is_afterwards(name)}):
            column = values.get(name)
            done = np.flatnonzero(~np.isnan(column)) if column is not None else np.empty(0, np.intp)
            if name in self._answered or len(done):
                first = 0 if name in self._answered else int(done[0])
                filled[name] = self._counted(name, answered, answers, done, first)
        return filled

    def _counted(
        self,
        name: str,
        answered: NDArray[np.bool_],
        answers: NDArray[np.int64],
        done: NDArray[np.intp],
        first: int,
    ) -> NDArray[np.float64]:
        """Return a metric's column: 0 for each answer from row `first` on, 1 for what was `done` and counts."""
        column = np.full(len(answered), np.nan)
        column[first:][answered[first:]] = 0.0
        so_far = answers[done]
        counts = np.diff(so_far, prepend=-1) > 0
        if len(done) and not so_far[0]:
            counts[0] = self._answered.get(name, True)
        column[done[counts]] = 1.0
        last = int(so_far[-1]) if len(done) else 0
        more = bool(len(answers)) and int(answers[-1]) > last
        self._answered[name] = more or (not len(done) and self._answered.get(name, True))
        return column

    def state(self) -> dict[str, Any]:
        return {"answered": dict(self._answered)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Afterwards":
        """Return what `state` was taken of."""
        afterwards = cls()
        afterwards._answered = dict(state["answered"])
        return afterwards


def _is_afterwards(name: str) -> bool:
    metric = metric_of(name)
    return metric is not None and metric.afterwards
