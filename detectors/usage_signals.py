"""Quantities of a user that go over a limit, or back, come in; what is said of it, one incident for all, goes out."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from detectors.base import Estimate, Gone, Moved, Signal
from detectors.usage_watch import Opening

_LARGEST_E = 300.0


class Place(NamedTuple):
    """The row at which something is noticed: its number in the shard, its event time, whose inference it is, and the
    calls of its user, faded: usually a week, and in the window that is over its limit."""

    event: int
    time_unix_nano: int
    inference_id: str
    calls: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Incident:
    """What was said of a user, and the quantities that are still over their limits."""

    said: Signal
    open: frozenset[str]


class UsageSignals:
    """The incidents that are open: a user has one, whatever is used too much."""

    def __init__(self) -> None:
        self._incidents: dict[str, _Incident] = {}

    def opened(self, user: str, metric: str, opening: Opening, place: Place, *, learning: bool) -> Signal | None:
        """Say what opens, or that one more quantity has joined; None where that was said before.

        Means are amounts an hour, halfway between what was surely used and what may have been, which are `low` and
        `high`: here they are bounds, not a confidence interval.
        """
        incident = self._incidents.get(user)
        if incident is None:
            said = _signal(user, metric, opening, place, learning=learning)
            self._incidents[user] = _Incident(said, frozenset([metric]))
            return said
        said, open_ = incident.said, incident.open | {metric}
        if metric == said.metric or metric in (moved.metric for moved in said.also):
            self._incidents[user] = _Incident(said, open_)
            return None
        joined = Moved(metric, "up", float(np.mean(opening.usual)), float(np.mean(opening.now)))
        said = replace(said, also=(*said.also, joined), said_unix_nano=place.time_unix_nano)
        self._incidents[user] = _Incident(said, open_)
        return said

    def closed(self, user: str, metric: str, time_unix_nano: int) -> Signal | None:
        """Say that an incident is over, once no quantity is over its limit any more."""
        incident = self._incidents.pop(user)
        still = incident.open - {metric}
        if still:
            self._incidents[user] = replace(incident, open=still)
            return None
        return replace(incident.said, state="closed", said_unix_nano=time_unix_nano)

    def forget(self, gone: Gone, name: Callable[[Signal], str]) -> int:
        """Drop the incidents of users, and the examples, that are to be forgotten; return how many there were.

        Of such a user nothing more is said, not even that it is over.
        """
        before = self._incidents
        self._incidents = {
            user: replace(incident, said=incident.said.without(gone, name))
            for user, incident in before.items()
            if not gone(user)
        }
        return sum(
            user not in self._incidents or before[user].said is not self._incidents[user].said for user in before
        )

    def state(self) -> dict[str, Any]:
        """Return what is open, as texts and numbers."""
        return {u: {"said": asdict(each.said), "open": sorted(each.open)} for u, each in self._incidents.items()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "UsageSignals":
        """Return what `state` was taken of. Raises KeyError, TypeError or ValueError where it is no state."""
        signals = cls()
        for user, each in state.items():
            signals._incidents[user] = _Incident(_restored(each["said"]), frozenset(each["open"]))
        return signals


def _signal(user: str, metric: str, opening: Opening, place: Place, *, learning: bool) -> Signal:
    return Signal(
        state="open",
        metric=metric,
        detector="heavy-hitter",
        subject=user,
        direction="up",
        before=Estimate(float(np.mean(opening.usual)), *opening.usual, place.calls[0]),
        after=Estimate(float(np.mean(opening.now)), *opening.now, place.calls[1]),
        log10_e=min(opening.rarity / float(np.log(10)), _LARGEST_E),
        seconded=False,
        learning=learning,
        event=place.event,
        since_event=opening.suspect.since_event,
        time_unix_nano=place.time_unix_nano,
        said_unix_nano=place.time_unix_nano,
        since_unix_nano=opening.suspect.since_unix_nano,
        inference_id=place.inference_id,
        examples_before=(),
        examples_after=opening.suspect.inference_id,
    )


def _restored(said: dict[str, Any]) -> Signal:
    """Return the signal that was made a map of; usage knows no slices and no versions."""
    texts = {name: tuple(said[name]) for name in ("examples_before", "examples_after")}
    estimates = {name: Estimate(**said[name]) for name in ("before", "after")}
    also = tuple(Moved(**moved) for moved in said["also"])
    return Signal(**{**said, **texts, **estimates, "also": also, "slices": (), "versions": ()})
