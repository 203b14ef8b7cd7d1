"""Stage 2, the plain part: measurements go through the detectors of their segment; scores and findings come out."""

from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from detectors.bank import SegmentBank, Verdict
from detectors.base import Measurements
from detectors.budget import Budget
from detectors.episodes import SLOT_NS
from detectors.held import LATEST
from detectors.learned import Learned
from detectors.metrics import METRICS, Kind
from detectors.sealed import seal
from detectors.usage import UsageBank
from streams.commands import Command
from streams.events import Finding, ReferenceRow
from streams.findings import finding, finding_id
from streams.forgetting import Forget
from streams.pace import Pace
from streams.segments import Bank, Segments

_UNITS = {"duration_s": "s", "time_to_first_chunk_s": "s", "tokens_per_s": "tokens/s", "cost_usd": "USD"}


@dataclass
class Watched:
    """What a block of measurements gave: an anomaly score for each inference that was new, findings, and references
    that were learned anew."""

    ids: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    references: list[ReferenceRow] = field(default_factory=list)


class Watch:
    """The watch over all segments of a worker: what was measured of them goes in, in any order of time."""

    def __init__(
        self, sealed: Mapping[bytes, bytes], key: bytes, budget: Budget, refused: Callable[[], None], salt: str = ""
    ) -> None:
        self.segments = Segments(sealed, key, budget, refused)
        self.key = key
        self.salt = salt  # of the digests by which it is told what to forget
        self.changed: set[str] = set()
        self.pace = Pace()
        self._ahead = Watched()  # what gave way to a person's word, until the next release
        self._slots: dict[int, int] = {}  # of each partition, the last in which a silence could have been seen

    def take(
        self, segment: str, measurements: Measurements, partition: int, sent_ms: int, now: float, block: int
    ) -> None:
        """Give a segment its next measurements; what it has seen before changes nothing.

        `partition` and `sent_ms` are those of the Kafka record, `block` is the number of the block that it was read in.
        `now` is seconds of a clock that never goes back: a source that is silent for long is not waited for.
        """
        self.segments.awake(segment, partition, now).take(measurements)
        self.changed.add(segment)
        self.pace.note(measurements, partition, sent_ms, now, block)

    def obey(self, segment: str, command: Command, partition: int) -> None:
        """Do what a person says about a segment's metrics, once, however often it is delivered.

        What came before it is watched before it: else what is read again after a crash would have opened nothing yet
        that could be accepted.
        """
        bank = self.segments.awake(segment, partition)
        if isinstance(bank, SegmentBank):  # who uses much has no reference that a person could set
            self._release(self._ahead, segment, bank, LATEST, passed=0)
            signals = bank.obey(command.command_id, command.action, command.metric, command.time_unix_nano)
            self._ahead.findings += [finding(segment, signal) for signal in signals]
            self._ahead.references += _references(segment, bank)
            self.changed.add(segment)

    def drop(self, segment: str, wish: Forget, partition: int) -> None:
        """Forget inferences and users, wherever the segment's detectors hold them; twice is once."""
        self.segments.awake(segment, partition).forget(wish.gone(self.salt), partial(finding_id, segment))
        self.changed.add(segment)

    def wake(self, segment: str, partition: int, now: float) -> None:
        """Begin with a segment that was kept: rows may wait in it, and that nothing more comes is a finding, too."""
        bank = self.segments.recall(segment, partition)
        if bank is not None and bank.holds:
            self.pace.begin(now)

    def rest(self, now: float) -> None:
        """Let segments rest for which nothing came for long: to be called when what was checkpointed is kept."""
        self.segments.rest(now, self.changed)

    def release(self, now: float, behind: Container[int] = (), unread: Collection[int] = ()) -> Watched:
        """Watch what is complete: what happened before the point that all sources have reached.

        `behind` are partitions of which measurements are known to be there that were not taken yet; `unread` are
        sources that lag.
        """
        watched, self._ahead = self._ahead, Watched()
        segments = self.segments
        partitions = set(segments.partition_of.values())
        reached = {each: self.pace.reached(each, now, behind=each in behind, unread=unread) for each in partitions}
        passed = {each: self.pace.passed(each, now, behind=each in behind, unread=unread) for each in partitions}
        turned = {each for each in partitions if passed[each] // SLOT_NS > self._slots.get(each, 0)}
        self._slots |= {each: passed[each] // SLOT_NS for each in turned}
        for segment, bank in segments.live.items():
            partition = segments.partition_of[segment]
            if bank.holds or partition in turned:
                self._release(watched, segment, bank, reached[partition], passed[partition])
        for segment, resting in list(segments.resting.items()):
            partition = segments.partition_of[segment]
            if partition in turned and resting.hear(min(reached[partition], passed[partition])):
                self._release(watched, segment, segments.rouse(segment), reached[partition], passed[partition])
        return watched

    def _release(self, watched: Watched, segment: str, bank: Bank, until: int, passed: int) -> None:
        held = bank.holds
        if isinstance(bank, UsageBank):
            signals = bank.release(until).signals
        else:
            verdict = bank.release(until, passed)
            signals = verdict.signals
            _score(watched, verdict)
            watched.references += _references(segment, bank)
        watched.findings += [finding(segment, signal) for signal in signals]
        if held or signals:
            self.changed.add(segment)

    @property
    def held(self) -> int:
        """How many rows wait until all sources have come as far."""
        return sum(bank.holds for bank in self.segments.live.values())

    def forget(self) -> None:
        """Drop what is ahead of the last checkpoint; segments wake from `sealed` again."""
        self.segments.forget()
        self.changed.clear()
        self._slots.clear()
        self._ahead, self.pace = Watched(), Pace()

    def checkpoint(self) -> Iterator[tuple[str, bytes]]:
        """Give the signed state of each segment that changed since the last checkpoint."""
        for name in sorted(self.changed):
            yield name, seal(self.segments.live[name].dumps(), self.key, context=name)
        self.changed.clear()


def _score(watched: Watched, verdict: Verdict) -> None:
    scored = ~np.isnan(verdict.scores)
    watched.ids += [id_ for id_, known in zip(verdict.inference_id, scored, strict=True) if known]
    watched.times += verdict.time_unix_nano[scored].tolist()
    watched.scores += verdict.scores[scored].tolist()


def _references(segment: str, bank: SegmentBank) -> Iterator[ReferenceRow]:
    for metric in sorted(bank.learned):
        yield from (_reference(segment, week, bank.latest) for week in bank.drift.learned(metric))
    bank.learned.clear()


def _reference(segment: str, week: Learned, said: int) -> ReferenceRow:
    kind = METRICS[week.metric].kind if week.metric in METRICS else None
    unit = "share" if kind is Kind.RATE or "=" in week.metric else _UNITS.get(week.metric, "")
    return ReferenceRow(
        segment=segment,
        metric=week.metric,
        said_unix_nano=said,
        state="pinned" if week.pinned else "rolling" if week.share_seen >= 1 else "learning",
        weeks=week.weeks,
        unit=unit,
        expected=tuple(week.expected.tolist()),
        band_low=tuple(week.low.tolist()),
        band_high=tuple(week.high.tolist()),
        events=week.events,
    )
