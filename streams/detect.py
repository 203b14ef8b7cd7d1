"""Stage 2, the plain part: measurements go through the detectors of their segment; scores and findings come out."""

import logging
import math
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from detectors.bank import SegmentBank, Verdict
from detectors.base import Measurements
from detectors.budget import Budget
from detectors.episodes import SLOT_NS
from detectors.held import LATEST
from detectors.learned import HOURS, Learned
from detectors.metrics import METRICS, Kind
from detectors.sealed import StateRefused, seal, unseal
from detectors.usage import QUANTITIES, UsageBank
from streams.commands import Command
from streams.events import Finding, ReferenceRow
from streams.findings import finding, finding_id
from streams.forgetting import Forget
from streams.pace import Pace
from streams.usage import SHARDED

Bank = SegmentBank | UsageBank
_ALIKE, _SIBLINGS = 2, 5  # parts of the name that siblings share, of four; how many a young segment leans on
log = logging.getLogger("sluice.detect")
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
    """The detectors of all segments of a worker.

    Live detectors are a cache: the truth is what was last checkpointed, `sealed` (segment → signed state). A segment
    is woken from it when its first measurement comes.
    """

    def __init__(
        self, sealed: Mapping[bytes, bytes], key: bytes, budget: Budget, refused: Callable[[], None], salt: str = ""
    ) -> None:
        self.sealed = sealed
        self.key = key
        self.budget = budget
        self.refused = refused
        self.salt = salt  # of the digests by which it is told what to forget
        self.live: dict[str, Bank] = {}
        self.changed: set[str] = set()
        self.partition_of: dict[str, int] = {}  # of each live segment, where its measurements come
        self.pace = Pace()
        self._ahead = Watched()  # what gave way to a person's word, until the next release
        self._slots: dict[int, int] = {}  # of each partition, the last in which a silence could have been seen

    def take(self, segment: str, measurements: Measurements, partition: int, sent_ms: int, now: float) -> None:
        """Give a segment its next measurements; what it has seen before changes nothing.

        `partition` and `sent_ms` are those of the Kafka record. `now` is seconds of a clock that never goes back: a
        source that is silent for long is not waited for.
        """
        self._bank(segment, partition).take(measurements)
        self.changed.add(segment)
        self.pace.note(measurements, partition, sent_ms, now)

    def obey(self, segment: str, command: Command, partition: int) -> None:
        """Do what a person says about a segment's metrics, once, however often it is delivered.

        What came before it is watched before it: else what is read again after a crash would have opened nothing yet
        that could be accepted.
        """
        bank = self._bank(segment, partition)
        if isinstance(bank, SegmentBank):  # who uses much has no reference that a person could set
            self._release(self._ahead, segment, bank, LATEST, passed=0)
            signals = bank.obey(command.command_id, command.action, command.metric, command.time_unix_nano)
            self._ahead.findings += [finding(segment, signal) for signal in signals]
            self._ahead.references += _references(segment, bank)
            self.changed.add(segment)

    def drop(self, segment: str, wish: Forget, partition: int) -> None:
        """Forget inferences and users, wherever the segment's detectors hold them; twice is once."""
        self._bank(segment, partition).forget(wish.gone(self.salt), partial(finding_id, segment))
        self.changed.add(segment)

    def wake(self, segment: str, partition: int, now: float) -> None:
        """Wake a segment that was kept, as nothing more may come for it.

        Rows may wait in it, and that nothing comes is a finding, too.
        """
        if segment not in self.live:
            bank = self._woken(segment)
            if isinstance(bank, SegmentBank) or bank.holds or bank.fresh:  # what was refused is not refused once more
                self.live[segment], self.partition_of[segment] = bank, partition
            if bank.holds:
                self.pace.begin(now)

    def release(self, now: float, behind: Container[int] = (), unread: Container[int] = ()) -> Watched:
        """Watch what is complete: what happened before the point that all sources have reached.

        `behind` are partitions of which measurements are known to be there that were not taken yet; `unread` are
        sources that lag.
        """
        watched, self._ahead = self._ahead, Watched()
        partitions = set(self.partition_of.values())
        reached = {each: self.pace.reached(each, now, behind=each in behind, unread=unread) for each in partitions}
        passed = {each: self.pace.passed(each, now, behind=each in behind, unread=unread) for each in partitions}
        turned = {each for each in partitions if passed[each] // SLOT_NS > self._slots.get(each, 0)}
        self._slots |= {each: passed[each] // SLOT_NS for each in turned}
        for segment, bank in self.live.items():
            partition = self.partition_of[segment]
            if bank.holds or partition in turned:
                self._release(watched, segment, bank, reached[partition], passed[partition])
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
        return sum(bank.holds for bank in self.live.values())

    def forget(self) -> None:
        """Drop what is ahead of the last checkpoint; segments wake from `sealed` again."""
        self.live.clear()
        self.changed.clear()
        self.partition_of.clear()
        self._slots.clear()
        self._ahead, self.pace = Watched(), Pace()

    def checkpoint(self) -> Iterator[tuple[str, bytes]]:
        """Give the signed state of each segment that changed since the last checkpoint."""
        for name in sorted(self.changed):
            yield name, seal(self.live[name].dumps(), self.key, context=name)
        self.changed.clear()

    def _bank(self, segment: str, partition: int) -> Bank:
        if segment not in self.live:
            self.live[segment], self.partition_of[segment] = self._woken(segment), partition
        return self.live[segment]

    def _woken(self, segment: str) -> Bank:
        sealed = self.sealed.get(segment.encode())
        usage = is_usage(segment)
        try:
            if sealed is not None:
                bank = opened(segment, sealed, self.key, self.budget)
                return self._armed(bank) if isinstance(bank, UsageBank) else bank
        except StateRefused as refused:
            self.refused()
            log.error("The detectors of %s start anew: %s", segment, refused)
        return self._armed(UsageBank()) if usage else SegmentBank(self.budget, self._parent(segment))

    def _parent(self, segment: str) -> dict[str, NDArray[np.float32]]:
        """Return, for a new segment, what the weeks of those that are most like it have in common.

        Of segments of this worker, at least half of service, route, model and environment being the same. It is kept
        with the segment: later, nothing depends on which segments share a worker.
        """
        own = segment.split("|")
        alike = [
            (-sum(a == b for a, b in zip(own, name.split("|"), strict=False)), name)
            for name, bank in self.live.items()
            if isinstance(bank, SegmentBank)
        ]
        known = (self.live[name] for likeness, name in sorted(alike) if likeness <= -_ALIKE)
        found = (bank.drift.levels.shapes() for bank in known if isinstance(bank, SegmentBank))
        nearest = islice((each for each in found if each), _SIBLINGS)
        shapes: dict[str, list[NDArray[np.float32]]] = {}
        for metric, shape in ((metric, shape) for each in nearest for metric, shape in each.items()):
            shapes.setdefault(metric, []).append(shape)
        return {metric: np.mean(several, axis=0, dtype=np.float32) for metric, several in shapes.items()}

    def _armed(self, bank: UsageBank) -> UsageBank:
        """Give a bank of usage its threshold: it looks at each of its quantities once an hour."""
        bank.log_threshold = self.budget.log_weekly(len(QUANTITIES)) + math.log(HOURS)
        return bank


def opened(segment: str, sealed: bytes, key: bytes, budget: Budget) -> Bank:
    """Return the detectors whose sealed state this is. Raises StateRefused."""
    state = unseal(sealed, key, context=segment)
    return UsageBank.loads(state) if is_usage(segment) else SegmentBank.loads(state, budget)


def is_usage(segment: str) -> bool:
    """Whether this is a shard of users, keys or tenants: a segment has bars in its name, whoever serves it."""
    return segment.startswith(SHARDED) and "|" not in segment


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
