"""How far each partition is in Kafka's time goes in; out comes which may be read on, so that those that lag keep up.

A worker that catches up would read a stretch of one partition, then the same stretch of the next. What is watched in
order of event time would have to hold the first until the second has come: so much of it that it does not fit.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Set
from dataclasses import dataclass
from time import monotonic

from faust.types import TP

AHEAD_MS = 1_000  # that a partition may be ahead of one that lags
APART_MS = 86_400_000  # of which nobody waits for the other: a past is replayed into one topic, another is live
WAITS_S = 3.0  # for a partition that is asked for, and of which nothing comes
HELD_S = 10.0  # after which one that is ahead has a turn: it moves, if slowly


@dataclass(frozen=True, slots=True)
class _Read:
    time_ms: int  # of its last record
    lags: bool
    at: float


_UNREAD = _Read(time_ms=0, lags=True, at=-math.inf)


class Abreast:
    """Topics of one group are read abreast, by the times of their records, while any of them lags.

    >>> a, b = TP("inference.responses", 0), TP("inference.responses", 1)
    >>> abreast = Abreast([{"inference.responses"}])
    >>> abreast.read(a, 60_000, lags=True)
    >>> abreast.read(b, 5_000, lags=True)
    >>> abreast.of({a, b}) == {b}
    True
    """

    def __init__(self, groups: Collection[Set[str]], now: Callable[[], float] = monotonic) -> None:
        self._groups = groups
        self._now = now
        self._read: dict[TP, _Read] = {}
        self._asked: dict[TP, float] = {}  # since when, of those of which nothing came since

    def read(self, tp: TP, time_ms: int, *, lags: bool) -> None:
        """Note that a partition was read up to a record of that time, and whether more of it is known to be there."""
        self._read[tp] = _Read(time_ms, lags, self._now())
        self._asked.pop(tp, None)

    def clear(self) -> None:
        self._read.clear()
        self._asked.clear()

    def of(self, tps: Set[TP]) -> set[TP]:
        """Return those of some partitions that are not ahead of another of them, and are to be asked for now."""
        now, ahead = self._now(), set[TP]()
        for topics in self._groups:
            group = {tp: self._read.get(tp, _UNREAD) for tp in tps if tp.topic in topics}
            awaited = [each for tp, each in group.items() if each.lags and now - self._asked.get(tp, now) < WAITS_S]
            unknown = _UNREAD in awaited
            times = sorted(each.time_ms for each in awaited if each is not _UNREAD)
            for tp, each in group.items():
                nearest = bisect_right(times, each.time_ms - APART_MS)  # the earliest for which this one would wait
                far = nearest < len(times) and each.time_ms - times[nearest] > AHEAD_MS
                if (far or (unknown and each.lags)) and now - each.at < HELD_S:
                    ahead.add(tp)
        for tp in tps - ahead:
            self._asked.setdefault(tp, now)
        return set(tps) - ahead
