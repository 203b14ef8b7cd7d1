"""Openings and returns of single metrics go in; what is said of them together comes out: one incident, one finding."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from detectors.base import Gone, Moved, Signal, signal_of

_JOIN_NS = 3_600_000_000_000  # what began so soon after something else opened, or opens so soon after it closed


@dataclass
class _Case:
    """What was said last, and what is still open: metrics, each with the detector that saw it."""

    said: Signal
    open: set[tuple[str, str]]


class Cases:
    """The findings of one segment.

    A metric whose change began before an hour (event time) had passed since another opened joins that one, however
    late it is noticed; one that comes back and opens again within an hour opens the same finding again. A finding
    closes when the last of its metrics is back.
    """

    def __init__(self) -> None:
        self._cases: list[_Case] = []

    def opened(self, signal: Signal) -> Signal:
        """Return what is to be said when a metric opens: a new finding, or one to which it belongs."""
        now = signal.said_unix_nano
        self._cases = [case for case in self._cases if case.open or now - case.said.said_unix_nano <= _JOIN_NS]
        for case in reversed(self._cases):
            again = signal.metric == case.said.metric or any(moved.metric == signal.metric for moved in case.said.also)
            began_with_it = signal.since_unix_nano - case.said.time_unix_nano <= _JOIN_NS
            if (again and not case.open) or (case.open and began_with_it):
                return self._joined(case, signal, again=again)
        self._cases.append(_Case(signal, {(signal.metric, signal.detector)}))
        return signal

    def _joined(self, case: _Case, signal: Signal, *, again: bool) -> Signal:
        moved = Moved(signal.metric, signal.direction, signal.before.mean, signal.after.mean)
        also = case.said.also if again else (*case.said.also, moved)
        case.open.add((signal.metric, signal.detector))
        case.said = replace(
            case.said,
            state="open",
            said_unix_nano=signal.said_unix_nano,
            also=also,
            versions=tuple(dict.fromkeys(case.said.versions + signal.versions)),
            seconded=case.said.seconded or signal.seconded,
        )
        return case.said

    def returned(self, metric: str, detector: str, now: int) -> Signal | None:
        """Return what is to be said when a metric is back: that a finding is over, where it was its last one."""
        for case in self._cases:
            if (metric, detector) in case.open:
                case.open.discard((metric, detector))
                if not case.open:
                    case.said = replace(case.said, state="closed", said_unix_nano=max(now, case.said.said_unix_nano))
                    return case.said
        return None

    def forget(self, gone: Gone, name: Callable[[Signal], str]) -> int:
        """Say no more which inferences it was that are to be forgotten; return in how many findings there was one."""
        found = 0
        for case in self._cases:
            said = case.said.without(gone, name)
            found += said is not case.said
            case.said = said
        return found

    def state(self) -> dict[str, Any]:
        return {"cases": [{"said": asdict(case.said), "open": sorted(map(list, case.open))} for case in self._cases]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Cases":
        cases = cls()
        cases._cases = [
            _Case(signal_of(each["said"]), {(metric, detector) for metric, detector in each["open"]})
            for each in state["cases"]
        ]
        return cases
