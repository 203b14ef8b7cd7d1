"""All scalar and categorical metrics of a segment go in, row by row in order of time; openings and returns come out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base

from detectors import levels, mix
from detectors.base import Opening, Words
from detectors.budget import Budget, alarms
from detectors.learned import HOURS, Learned, Shapes
from detectors.levels import Levels
from detectors.metrics import Kind, metric_of
from detectors.mix import Mix
from detectors.week import bin_number

_FIRST = 512  # rows after which what has come is learned at once; then after as many again, and so on
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows `start` to `stop` of a block, which were watched: their scores (float64[n, S]; NaN: not known), and what is
    to be said of the last: metrics that left what is expected, the clearest first, and such that are back at it, with
    their detector. `learned` are metrics whose reference is another since the first of them."""

    start: int
    stop: int
    scores: NDArray[np.float64]
    opened: tuple[Opening, ...]
    returned: tuple[tuple[str, str], ...]
    learned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    words: dict[str, NDArray[np.intp]]

    def part(self, start: int, stop: int) -> "_Columns":
        words = {name: codes[start:stop] for name, codes in self.words.items()}
        return _Columns(self.times[start:stop], self.values[start:stop], words)


class Drift:
    """The drift detectors of one segment: `Levels` of rates and numbers, a `Mix` for each categorical metric.

    Rows are taken in spans in which nothing has to be learned anew: up to the next hour, the next look of young
    references, or the first row at which a metric fires. So blocks of any size end in the same openings.
    """

    def __init__(self, budget: Budget, parent: Shapes | None = None) -> None:
        self.budget = budget
        self.levels = Levels(budget, parent)
        self.mixes: dict[str, Mix] = {}
        self.rows = 0
        self._latest = _NEVER

    def walk(
        self, times: NDArray[np.int64], values: Mapping[str, NDArray[np.float64]], words: Mapping[str, Words]
    ) -> Iterator[Taken]:
        """Take the next n rows, in order of time, piece by piece; what is to be said is about a piece's last row."""
        columns = self._columns(times, values, words)
        start, latest = 0, np.maximum.accumulate(np.maximum(times, self._latest))
        hours = bin_number(latest, HOURS)
        while start < len(times):
            learned = self._advance(int(latest[start]))
            hour = int(np.searchsorted(hours, hours[start], side="right"))
            stop = min(len(times), hour, start + self.levels.room, start + self._until_look())
            taken = self._span(columns.part(start, stop), start, learned)
            start = taken.stop
            self._latest = int(latest[start - 1])
            yield taken

    def _columns(
        self, times: NDArray[np.int64], values: Mapping[str, NDArray[np.float64]], words: Mapping[str, Words]
    ) -> _Columns:
        new = {name: each.codes >= 0 for name, each in words.items() if name not in self.mixes}
        came = sorted((int(told.argmax()), name) for name, told in new.items() if told.any())
        for _, name in came:
            metric = metric_of(name, words=True)
            if metric is not None and metric.kind is Kind.CATEGORY:
                self.mixes[name] = Mix(metric, self.budget, self.rows)
        absent = np.full(len(times), -1, np.intp)
        codes = {name: mix.column(words[name]) if name in words else absent for name, mix in self.mixes.items()}
        return _Columns(times, self.levels.columns(values, len(times)), codes)

    def _until_look(self) -> int:
        """How many rows come before young references are to learn at once: at 512 rows, and whenever these double."""
        look = _FIRST
        while look <= self.rows:
            look *= 2
        return look - self.rows

    def _advance(self, time: int) -> tuple[str, ...]:
        """Tell all that events have reached a time; return the metrics whose reference is another now."""
        begin = self.rows >= _FIRST and self.rows & (self.rows - 1) == 0
        anew = self.levels.advance(time, begin=begin)
        anew += [name for name, each in self.mixes.items() if each.advance(time, begin=begin)]
        if anew:
            self.budget.streams = max(1, self.levels.watched + sum(mix.watched for mix in self.mixes.values()))
            self.levels.arm()
            for each in self.mixes.values():
                each.arm()
        return tuple(anew)

    def _span(self, columns: _Columns, start: int, learned: tuple[str, ...]) -> Taken:
        """Watch rows up to the first at which anything is to be said."""
        level = self.levels.weigh(columns.times, columns.values)
        mixes = {name: mix.weigh(columns.times, columns.words[name]) for name, mix in self.mixes.items()}
        excess = np.column_stack([level.excess, *(span.excess for span in mixes.values())])
        back = np.column_stack([level.back, *(span.back for span in mixes.values())])
        fires, over = alarms(excess), np.flatnonzero((back >= 0).any(axis=1))
        n = len(columns.times)
        took = min(n, fires[0] + 1 if fires else n, int(over[0]) + 1 if len(over) else n)
        self.levels.keep(level, took)
        for name, each in self.mixes.items():
            each.keep(mixes[name], took)
        self.rows += took
        row = took - 1
        names = [self.names()[stream] for stream in np.flatnonzero(back[row] >= 0).tolist()]
        returned = [(name, detector) for name in names for detector in self.detectors(name)]
        for metric in names:
            self.close(metric)
        opened = [self._opening(stream, level, mixes, row) for stream in fires[1]] if fires and fires[0] == row else []
        known = [opening for opening in opened if opening is not None]
        known.sort(key=lambda opening: -opening.log10_e)
        return Taken(start, start + took, level.scores[:took], tuple(known), tuple(returned), learned)

    def _opening(self, stream: int, level: Any, mixes: Mapping[str, Any], row: int) -> Opening | None:
        if stream < len(self.levels.metrics):
            return self.levels.opening(stream, level, row)
        name = self.names()[stream]
        return self.mixes[name].opening(mixes[name], row)

    def names(self) -> list[str]:
        """Return the metrics that are watched, in the order of streams."""
        return [metric.name for metric in self.levels.metrics] + list(self.mixes)

    def stream(self, metric: str) -> int | None:
        """Return the place of a rate or number among scores; None for words."""
        names = [known.name for known in self.levels.metrics]
        return names.index(metric) if metric in names else None

    def detectors(self, metric: str) -> list[str]:
        """Return by what a metric is watched."""
        level = [levels.DETECTOR] if self.stream(metric) is not None else []
        return level + ([mix.DETECTOR] if metric in self.mixes else [])

    def learned(self, metric: str) -> list[Learned]:
        """Return the week that is expected of a metric, of a word's share each where it is one of words."""
        stream = self.stream(metric)
        level = self.levels.learned(stream) if stream is not None else None
        return ([level] if level else []) + (self.mixes[metric].learned() if metric in self.mixes else [])

    def close(self, metric: str) -> None:
        """A metric is back: it is watched for changes again."""
        self._do(metric, self.levels.close, lambda each: each.close())

    def accept(self, metric: str) -> None:
        """What an open metric has become is what is expected from now on."""
        self._do(metric, self.levels.accept, lambda each: each.accept())

    def pin(self, metric: str, pinned: bool) -> None:
        """Keep a metric's reference as it is, or let it go on learning."""
        self._do(metric, lambda stream: self.levels.pin(stream, pinned), lambda each: each.pin(pinned))

    def reset(self, metric: str) -> None:
        """Forget all that was learned of a metric."""
        self._do(metric, self.levels.reset, lambda each: each.reset())
        self.levels.arm()

    def _do(self, metric: str, level: Callable[[int], None], words: Callable[[Mix], None]) -> None:
        for stream, known in enumerate(self.levels.metrics):
            if known.name == metric:
                level(stream)
        if metric in self.mixes:
            words(self.mixes[metric])

    def state(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "latest": self._latest,
            "streams": self.budget.streams,
            "levels": self.levels.state(),
            "mixes": [mix.state() for mix in self.mixes.values()],
        }

    @classmethod
    def restore(cls, budget: Budget, state: Mapping[str, Any]) -> "Drift":
        drift = cls(budget)
        drift.rows, drift._latest, budget.streams = state["rows"], state["latest"], state["streams"]
        drift.levels = Levels.restore(budget, state["levels"])
        for each in state["mixes"]:
            metric = metric_of(each["metric"], words=True)
            if metric is not None:
                drift.mixes[metric.name] = Mix.restore(metric, budget, each)
        return drift


class SeasonalDrift(base.DriftDetector):
    """One metric's drift detector, as River has them: `update(x, time)`, then `drift_detected`.

    Parameters
    ----------
    metric
        A name of `detectors.metrics`.
    budget
        How many false alarms a week are accepted, over how many segments.
    rearms
        Watch for the next change at once, against the same reference, instead of waiting for the return from this one.

    >>> rng = np.random.default_rng(3)
    >>> detector = SeasonalDrift("duration_s", Budget(segments=1, false_alarms=1.0))
    >>> for n in range(4000):
    ...     detector.update(rng.lognormal(0.0 if n < 3000 else 0.5, 0.5), time=n * 60_000_000_000)
    ...     if detector.drift_detected:
    ...         break
    >>> n, round(detector.opening.before.mean, 1), round(detector.opening.after.mean, 1)
    (3070, 1.0, 1.5)
    """

    def __init__(self, metric: str, budget: Budget, *, rearms: bool = False) -> None:
        super().__init__()
        self.metric = metric
        self.rearms = rearms
        self.opening: Opening | None = None
        self._drift = Drift(budget)

    def update(self, x: float | str, time: int) -> None:  # type: ignore[override]  # a season needs to know the time
        """Take the next value, and its event time in nanoseconds."""
        fired = self.update_many(np.array([time]), [x] if isinstance(x, str) else [float(x)])
        self._drift_detected = bool(fired)

    def update_many(self, times: NDArray[np.int64], values: Sequence[float] | Sequence[str]) -> list[int]:
        """Take values in order and return the indices at which it fires; `opening` is the last."""
        words, numbers = {}, {}
        if len(values) and isinstance(values[0], str):
            labels = tuple(dict.fromkeys(map(str, values)))
            words[self.metric] = Words(np.array([labels.index(str(value)) for value in values], np.int32), labels)
        else:
            numbers[self.metric] = np.asarray(values, np.float64)
        fired = []
        for taken in self._drift.walk(times, numbers, words):
            for self.opening in taken.opened:
                fired.append(taken.stop - 1)
                if self.rearms:
                    self._drift.close(self.metric)
        return fired
