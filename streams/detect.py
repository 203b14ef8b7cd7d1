"""Stage 2, the plain part: measurements go through the detectors of their segment; scores and findings come out."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from detectors.bank import SegmentBank
from detectors.base import Measurements, Signal
from detectors.sealed import StateRefused, seal, unseal
from streams.events import Finding
from streams.pace import Pace

log = logging.getLogger("sluice.detect")


@dataclass
class Watched:
    """What a block of measurements gave: an anomaly score for each inference that was new, and findings."""

    ids: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Watch:
    """The detectors of all segments of a worker.

    Live detectors are a cache: the truth is what was last checkpointed, `sealed` (segment → signed state). A segment
    is woken from it when its first measurement comes.
    """

    def __init__(self, sealed: Mapping[bytes, bytes], key: bytes, delta: float, refused: Callable[[], None]) -> None:
        self.sealed = sealed
        self.key = key
        self.delta = delta
        self.refused = refused
        self.live: dict[str, SegmentBank] = {}
        self.changed: set[str] = set()
        self.pace = Pace()

    def take(self, segment: str, measurements: Measurements, now: float) -> None:
        """Give a segment its next measurements; what it has seen before changes nothing.

        `now` is seconds of a clock that never goes back: a source that is silent for long is not waited for.
        """
        if segment not in self.live:
            self.live[segment] = self._woken(segment)
        self.live[segment].take(measurements)
        self.changed.add(segment)
        self.pace.note(measurements, now)

    def wake(self, segment: str, now: float) -> bool:
        """Wake a segment that was kept with rows in waiting, for which nothing more may come; say if it is awake."""
        if segment not in self.live:
            bank = self._woken(segment)
            if bank.holds or not bank.seen:  # what was refused begins anew here, and is not refused once more
                self.live[segment] = bank
                self.pace.begin(now)
        return segment in self.live

    def release(self, now: float) -> Watched:
        """Watch what is complete: what happened before the point that all sources have reached."""
        watched, until = Watched(), self.pace.reached(now)
        for segment, bank in self.live.items():
            if bank.holds:
                self.changed.add(segment)
                verdict = bank.release(until)
                scored = ~np.isnan(verdict.scores)
                watched.ids += [id_ for id_, known in zip(verdict.inference_id, scored, strict=True) if known]
                watched.times += verdict.time_unix_nano[scored].tolist()
                watched.scores += verdict.scores[scored].tolist()
                watched.findings += [finding(segment, signal) for signal in verdict.signals]
        return watched

    @property
    def held(self) -> int:
        """How many rows wait until all sources have come as far."""
        return sum(bank.holds for bank in self.live.values())

    def forget(self) -> None:
        """Drop what is ahead of the last checkpoint; segments wake from `sealed` again."""
        self.live.clear()
        self.changed.clear()
        self.pace = Pace()

    def checkpoint(self) -> Iterator[tuple[bytes, bytes]]:
        """Give the signed state of each segment that changed since the last checkpoint."""
        for name in sorted(self.changed):
            yield name.encode(), seal(self.live[name].dumps(), self.key, context=name)
        self.changed.clear()

    def _woken(self, segment: str) -> SegmentBank:
        sealed = self.sealed.get(segment.encode())
        if sealed is None:
            return SegmentBank(delta=self.delta)
        try:
            bank = SegmentBank.loads(unseal(sealed, self.key, context=segment))
        except StateRefused as refused:
            self.refused()
            log.error("The detectors of %s start anew: %s", segment, refused)
            return SegmentBank(delta=self.delta)
        bank.rearm(self.delta)  # the setting may have changed since
        return bank


def finding(segment: str, signal: Signal) -> Finding:
    """Turn a detector's signal into a finding whose id says only what was seen."""
    seen = "\x1f".join((segment, signal.metric, signal.detector, signal.inference_id))
    return Finding(
        finding_id=hashlib.blake2b(seen.encode(), digest_size=16).hexdigest(),
        time_unix_nano=signal.time_unix_nano,
        since_unix_nano=signal.since_unix_nano,
        segment=segment,
        metric=signal.metric,
        detector=signal.detector,
        direction=signal.direction,
        mean_before=signal.mean_before,
        mean_after=signal.mean_after,
        count_before=signal.count_before,
        count_after=signal.count_after,
        inference_id=signal.inference_id,
        examples_before=list(signal.examples_before),
        examples_after=list(signal.examples_after),
    )
