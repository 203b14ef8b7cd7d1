"""How far all sources have come in event time: rows behind that point are complete, and may be watched in order."""

import time
from collections.abc import Callable
from types import TracebackType

import numpy as np

from detectors.base import Measurements
from detectors.held import LATEST

SILENT_S = 2.0
GONE_S = 300.0
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


class Pace:
    """How far the sources have come, in event time.

    A worker that catches up reads a stretch of one source, then the same stretch of the next; in between, what it has
    of the later part must wait for the rest. A source from which nothing came for SILENT_S seconds is not waited for,
    and after a start or a rebalance, when nobody knows yet which there are, nothing is complete for as long.
    """

    def __init__(self) -> None:
        self._times: dict[int, int] = {}
        self._heard: dict[int, float] = {}
        self._answer: set[int] = set()  # sources of which answers have come
        self._began: float | None = None

    def passed(self, now: float) -> int:
        """Return the event time, nanoseconds, that is past everywhere, so that who did not answer in it was silent; 0
        where nobody knows. A source that is away for a while may only be slow to be read: it is waited for longer.
        One of which no answer ever came, a topic of feedback for instance, is not waited for at all."""
        heard = (s for s, at in self._heard.items() if s in self._answer and now - at < GONE_S)
        return min((self._times[s] for s in heard), default=0)

    def begin(self, now: float) -> None:
        """Start to listen, if that is not done yet."""
        if self._began is None:
            self._began = now

    def note(self, measurements: Measurements, now: float) -> None:
        """Hear from the sources of these measurements."""
        self.begin(now)
        if (errors := measurements.values.get("error")) is not None:
            self._answer.update(measurements.source[~np.isnan(errors)].tolist())
        for source in np.unique(measurements.source).tolist():
            latest = int(measurements.time_unix_nano[measurements.source == source].max())
            self._times[source] = max(latest, self._times.get(source, 0))
            self._heard[source] = now

    def reached(self, now: float) -> int:
        """Return the event time, nanoseconds, up to which rows are complete."""
        if self._began is None or now - self._began < SILENT_S:
            return 0
        return min((self._times[s] for s, heard in self._heard.items() if now - heard < SILENT_S), default=LATEST)
