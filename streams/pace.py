"""How far all sources have come in event time: rows behind that point are complete, and may be watched in order."""

import math
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np

from detectors.base import Measurements
from detectors.held import LATEST
from streams.movement import Partition

SILENT_S = 2.0
GONE_S = 300.0
LOOKED_S = 3 * SILENT_S  # after which `Backlog` has looked twice, and knows what lags of what has just been assigned
MOMENT_S = 0.02  # of work, in which it is remembered what had been sent
MOMENT_MS = 20  # of Kafka's time, to which it is remembered when a block was sent
TRAIL = 6000  # of moments, and of blocks
SENDING_MS = 1000  # of Kafka's time, within which all that was measured of a block is sent
FETCH_S = 1.0  # of no work, after which what was sent has been fetched, unless its partition is read behind
BUSY_SHARE = 0.1  # what a second of work counts for: at full load, a silent source is waited for this much longer


class WorkClock:
    """Seconds that go by slowly while stage 1 is at work.

    A worker that has much to do may not come to a partition for seconds; that says nothing about the partition.
    Used as a context around each piece of work, of which several may go on at once.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._working = 0
        self._seconds = 0.0
        self._at = now()

    def __call__(self) -> float:
        now = self._now()
        self._seconds += (now - self._at) * (BUSY_SHARE if self._working else 1.0)
        self._at = now
        return self._seconds

    def __enter__(self) -> None:
        self()
        self._working += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self()
        self._working -= 1


class Group(Protocol):
    """The worker's part of its consumer group."""

    def confirmed(self) -> Mapping[Partition, int]:
        """Return the next offset that may be committed, of each assigned partition."""

    def seen(self, partition: Partition) -> int:
        """Return the end of a partition's log as the last fetch had it; 0 where none came yet."""


class Backlog:
    """Knows which partitions lag: have records that were there SILENT_S seconds ago, and are not confirmed yet."""

    def __init__(self, group: Group, now: Callable[[], float] = time.monotonic) -> None:
        self._group = group
        self._now = now
        self._at = -math.inf
        self._ends: dict[Partition, int] = {}  # as they were at the last look but one
        self._later: dict[Partition, int] = {}

    def __call__(self) -> list[Partition]:
        confirmed = self._group.confirmed()
        if self._now() - self._at >= SILENT_S:
            self._at = self._now()
            self._ends, self._later = self._later, {each: self._group.seen(each) for each in confirmed}
        return [each for each, offset in confirmed.items() if offset < self._ends.get(each, 0)]


class Pace:
    """How far the sources have come, in event time.

    A worker that catches up reads a stretch of one source, then the same stretch of the next; in between, what it has
    of the later part must wait for the rest. A source from which nothing came for SILENT_S seconds is not waited for,
    unless it is `unread`: records of it are known to be there. After a start or a rebalance, when nobody knows yet
    which there are, nothing is complete for as long.

    What stage 1 has read of its sources, block by block, it sends to all partitions of the measurements, segment by
    segment, and they are fetched one after the other. So a partition's rows are complete up to where the sources were
    with the block before the one of its last record (`sent_ms`), or, where it is not known to be read `behind`, before
    the one that was sent as long ago as a fetch may take.
    """

    def __init__(self) -> None:
        self._sources: dict[int, _Source] = {}
        self._began: float | None = None
        self._sent_ms: dict[int, int] = {}  # of the last record of each partition
        self._newest: deque[tuple[float, int]] = deque([(-math.inf, 0)], TRAIL)  # when heard, and the latest of these

    def begin(self, now: float) -> None:
        """Start to listen, if that is not done yet."""
        if self._began is None:
            self._began = now

    def note(self, measurements: Measurements, partition: int, sent_ms: int, now: float, block: int) -> None:
        """Hear from the sources of measurements that came in a partition, in a record of that Kafka time, and that are
        of a block: a number that rises from one to the next."""
        self.begin(now)
        self._sent_ms[partition] = max(sent_ms, self._sent_ms.get(partition, 0))
        newest_ms = max(sent_ms, self._newest[-1][1])
        if now // MOMENT_S == self._newest[-1][0] // MOMENT_S:  # one of many messages of a moment
            self._newest.pop()
        self._newest.append((now, newest_ms))
        answers = _answered(measurements)
        for number in np.unique(measurements.source).tolist():
            latest = int(measurements.time_unix_nano[measurements.source == number].max())
            source = self._sources.setdefault(number, _Source())
            source.hear(latest, sent_ms, now, block)
            source.answers |= number in answers

    def passed(self, partition: int, now: float, *, behind: bool = False, unread: Collection[int] = ()) -> int:
        """Return the event time, nanoseconds, that is past everywhere, so that who did not answer in it was silent; 0
        where nobody knows. A source that is away for a while may only be slow to be read: it is waited for longer.
        One of which no answer ever came, a topic of feedback for instance, is not waited for at all. After a start or a
        rebalance nobody knows at first which are there: those that lag, and of which nothing was heard yet, may be
        what answers for all of that time."""
        listened = now - self._began if self._began is not None else 0.0
        if listened < LOOKED_S or (listened < GONE_S and not self._sources.keys() >= set(unread)):
            return 0
        answering = {number: source for number, source in self._sources.items() if source.answers}
        heard = min((source.time for source in answering.values() if now - source.heard < GONE_S), default=0)
        return min(heard, self._complete(answering, partition, now, behind=behind, unread=unread))

    def reached(self, partition: int, now: float, *, behind: bool = False, unread: Collection[int] = ()) -> int:
        """Return the event time, nanoseconds, up to which a partition's rows are complete."""
        if self._began is None or now - self._began < SILENT_S:
            return 0
        awaited = (
            source.time
            for number, source in self._sources.items()
            if now - source.heard < (GONE_S if number in unread else SILENT_S)
        )
        until = min(awaited, default=LATEST)
        return min(until, self._complete(self._sources, partition, now, behind=behind, unread=unread))

    def _complete(
        self, sources: Mapping[int, "_Source"], partition: int, now: float, *, behind: bool, unread: Collection[int]
    ) -> int:
        """Return how far sources were when all was sent that is surely here of a partition."""
        sent_ms = self._sent_ms.get(partition, 0)
        if not behind:
            sent_ms = max(sent_ms, self._fetched_ms(now - FETCH_S))
        times = (
            source.as_of(sent_ms, 1000 * (GONE_S if number in unread else SILENT_S))
            for number, source in sources.items()
        )
        return min((time for time in times if time is not None), default=LATEST)

    def _fetched_ms(self, then: float) -> int:
        """Return what Kafka's time was, as far as was heard by then, and has passed since."""
        heard, sent_ms = next((each for each in reversed(self._newest) if each[0] <= then), (then, 0))
        return sent_ms + int(1000 * (then - heard)) if heard > -math.inf else 0


@dataclass(slots=True)
class _Block:
    """When, in moments of Kafka's time, the first and the last of a block that was heard were sent; how far a source
    was before it."""

    first: int
    last: int
    before: int


class _Source:
    """What was heard of one source: its latest event time, when, and its blocks of late."""

    def __init__(self) -> None:
        self.time, self.heard, self.answers = 0, 0.0, False
        self._block = -1
        self._trail: deque[_Block] = deque(maxlen=TRAIL)

    def hear(self, time: int, sent_ms: int, now: float, block: int) -> None:
        moment = sent_ms // MOMENT_MS
        if block > self._block:
            self._trail.append(_Block(moment, moment, self.time))
            self._block = block
        elif block == self._block:
            latest = self._trail[-1]
            latest.first, latest.last = min(moment, latest.first), max(moment, latest.last)
        self.time, self.heard = max(time, self.time), now

    def as_of(self, sent_ms: int, still_ms: float) -> int | None:
        """Return how far it surely was at a moment, 0 before it began; None where it had been silent for so long then.

        What of a block was heard in one partition does not say that all of it has been sent to the others: that is
        known when the next has begun, or some time later.
        """
        moment, after = sent_ms // MOMENT_MS, self.time
        for block in reversed(self._trail):
            if block.first <= moment:
                quiet_ms = (moment - block.last) * MOMENT_MS
                if quiet_ms >= still_ms:
                    return None
                return after if quiet_ms >= SENDING_MS else block.before
            after = block.before
        return 0


def _answered(measurements: Measurements) -> set[int]:
    """Return the sources of which answers are among measurements."""
    errors = measurements.values.get("error")
    return set() if errors is None else set(measurements.source[~np.isnan(errors)].tolist())
