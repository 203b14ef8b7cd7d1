"""Features of sampled texts go in; that what a segment is asked or answers has become other, or is back, comes out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import Estimate, Measurements, Opening, Texts
from detectors.budget import Budget
from detectors.metrics import Kind
from detectors.text import StateUnknown, TextDrift
from detectors.week import WEEK_NS

QUIET = 1000  # texts in a row without an alarm, after which a change is over
_UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"), 0)


@dataclass(frozen=True, slots=True)
class Said:
    """A side (input_text, output_text) that opens at a row, or, without an opening, is back."""

    row: int
    side: str
    detector: str
    opening: Opening | None


@dataclass
class _Side:
    """One side: its detector, how many texts came since when; where it is open, by what, and when it last fired."""

    drift: TextDrift
    first: int  # event time
    texts: int = 0
    open: str = ""
    fired: int = 0  # texts before it last fired


class TextWatch:
    """The text detectors of a segment, one for what is asked and one for what is answered.

    Text has no way back that could be tested for: a side is back when 1,000 texts in a row raised no alarm.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._sides: dict[str, _Side] = {}
        self._asleep: dict[str, Any] = {}  # states of sides for which no text has come since they were restored

    def sides(self) -> list[str]:
        return [*self._sides, *self._asleep]

    def take(self, m: Measurements, first: int) -> Iterator[Said]:
        """Take the texts of the segment's rows `first` and following, and return what is to be said, in order."""
        for name, texts in m.texts.items():
            if not len(texts.rows):
                continue
            times = m.time_unix_nano[texts.rows].tolist()
            side = self._side(name) or self._sides.setdefault(name, _Side(TextDrift(), times[0]))
            # Nothing is to be said of texts that become the reference: they are taken at once.
            begun = 0 if side.open else min(len(times), side.drift.wanted)
            if begun:
                self._arm(side, begun, times[begun - 1])
                side.drift.update_many(*_of(texts, 0, begun))
            for number, at in enumerate(texts.rows[begun:].tolist(), start=begun):
                time = times[number]
                self._arm(side, 1, time)
                alarms = side.drift.update_many(*_of(texts, number, number + 1))
                if alarms:
                    opened, side.fired = side.open, side.texts
                    if not opened:
                        side.open = f"text {alarms[0].part}"
                        yield Said(first + at, name, side.open, self._opening(name, side, alarms[0], first + at, time))
                elif side.open and side.texts - side.fired >= QUIET:
                    detector, side.open = side.open, ""
                    yield Said(first + at, name, detector, None)

    def _arm(self, side: _Side, texts: int, time: int) -> None:
        """Count texts that come, the last of them at a time, and set the threshold by how many there are in a week."""
        side.texts += texts
        weeks = max(1.0, (time - side.first) / WEEK_NS)
        side.drift.log_threshold = self.budget.log_threshold(Kind.TEXT, side.texts / weeks, 1.0)

    def _opening(self, name: str, side: _Side, alarm: Any, row: int, time: int) -> Opening:
        return Opening(
            metric=name,
            detector=side.open,
            subject=alarm.subject,
            direction="other",
            before=_UNKNOWN,
            after=_UNKNOWN,
            log10_e=alarm.log10_e,
            seconded=False,
            learning=False,
            since_row=row,
            since_unix_nano=time,
        )

    def accept(self, name: str) -> list[str]:
        """Take what a side has become for the new normal: it learns anew. Return the detector that had it open."""
        side = self._side(name)
        if side is None:
            return []
        detector, side.open = side.open, ""
        side.drift.accept()
        return [detector] if detector else []

    def _side(self, name: str) -> _Side | None:
        """Return a side, which is read from its state when it is first needed: most segments of a worker sleep."""
        if name in self._asleep:
            each = self._asleep.pop(name)
            try:
                drift = TextDrift.restore(each["drift"])
            except StateUnknown:  # an upgrade changed what is looked at: nothing to repair, it learns anew
                drift = TextDrift()
            self._sides[name] = _Side(drift, each["first"], each["texts"], each["open"], each["fired"])
        return self._sides.get(name)

    def state(self) -> dict[str, Any]:
        return self._asleep | {
            name: {
                "drift": side.drift.state(),
                "first": side.first,
                "texts": side.texts,
                "open": side.open,
                "fired": side.fired,
            }
            for name, side in self._sides.items()
        }

    @classmethod
    def restore(cls, budget: Budget, state: Mapping[str, Any]) -> "TextWatch":
        watch = cls(budget)
        watch._asleep = dict(state)
        return watch


def _of(texts: Texts, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8] | None]:
    vectors = None if texts.vectors is None else texts.vectors[start:stop]
    return texts.style[start:stop], texts.grams[start:stop], vectors
