"""Segments wake from the state that was kept of them when something comes, and rest again when nothing does."""

import logging
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from detectors.bank import Resting, SegmentBank
from detectors.budget import Budget
from detectors.learned import HOURS, Shapes
from detectors.sealed import StateRefused, unseal
from detectors.usage import QUANTITIES, UsageBank
from streams.usage import is_usage

Bank = SegmentBank | UsageBank
REST_S = 60.0  # without anything new, after which a segment rests: to wake it costs a millisecond or two
_ALIKE, _SIBLINGS = 2, 5  # parts of the name that siblings share, of four; how many a young segment leans on
log = logging.getLogger("sluice.detect")


class Segments:
    """The detectors of a worker's segments, of which most rest most of the time.

    Live detectors are a cache: the truth is what was last checkpointed, `sealed` (segment → signed state). At rest
    there is nothing but that and the segment's minutes, as that nothing comes is a finding, too; usage has none. Awake
    again it is what it would have been if it had never rested.
    """

    def __init__(self, sealed: Mapping[bytes, bytes], key: bytes, budget: Budget, refused: Callable[[], None]) -> None:
        self.sealed = sealed
        self.live: dict[str, Bank] = {}
        self.resting: dict[str, Resting] = {}
        self.partition_of: dict[str, int] = {}  # of each that is live or rests, where its measurements come
        self._key = key
        self.budget = budget
        self._refused = refused
        self._used: dict[str, float] = {}  # when something last came

    def awake(self, segment: str, partition: int, now: float = -math.inf) -> Bank:
        """Return the detectors of a segment, for which something came now, seconds, or where nothing did."""
        if segment not in self.live:
            bank = self._woken(segment)
            rested = self.resting.pop(segment, None)
            if rested is not None and isinstance(bank, SegmentBank):
                bank.release(rested.latest, rested.latest)  # it had heard that time passed, and that all was well
            self.live[segment], self.partition_of[segment] = bank, partition
        self._used[segment] = max(now, self._used.get(segment, now))
        return self.live[segment]

    def rouse(self, segment: str) -> Bank:
        """Return the detectors of one that rests as they were kept: they are yet to hear what their minutes heard."""
        del self.resting[segment]
        bank = self.live[segment] = self._woken(segment)
        return bank

    def recall(self, segment: str, partition: int) -> Bank | None:
        """Begin with a segment that was kept, as nothing more may come for it; return its detectors if they stay awake:
        rows wait in them, or what was kept was refused."""
        if segment in self.live or segment in self.resting:
            return None
        bank = self._woken(segment)
        self.partition_of[segment] = partition
        if not (bank.holds or bank.fresh):  # what was refused is not refused once more
            self._lay_down(segment, bank)
            return None
        self.live[segment] = bank
        return bank

    def rest(self, now: float, changed: Collection[str]) -> None:
        """Let those rest for which nothing came for REST_S seconds, and that are as they were kept: not `changed`."""
        for segment, bank in list(self.live.items()):
            idle = now - self._used.get(segment, -math.inf) >= REST_S
            if idle and segment not in changed and segment.encode() in self.sealed and not (bank.holds or bank.fresh):
                del self.live[segment]
                self._used.pop(segment, None)
                self._lay_down(segment, bank)

    def forget(self) -> None:
        """Drop what is ahead of the last checkpoint; segments wake from `sealed` again."""
        for each in (self.live, self.resting, self.partition_of, self._used):
            each.clear()

    def _lay_down(self, segment: str, bank: Bank) -> None:
        """Leave of detectors what stays awake: of usage nothing, as a user who is silent is no finding."""
        if isinstance(bank, SegmentBank):
            self.resting[segment] = bank.rest()
        else:
            del self.partition_of[segment]

    def _woken(self, segment: str) -> Bank:
        sealed = self.sealed.get(segment.encode())
        usage = is_usage(segment)
        try:
            if sealed is not None:
                bank = opened(segment, sealed, self._key, self.budget)
                return self._armed(bank) if isinstance(bank, UsageBank) else bank
        except StateRefused as refused:
            self._refused()
            log.error("The detectors of %s start anew: %s", segment, refused)
        return self._armed(UsageBank()) if usage else SegmentBank(self.budget, self._parent(segment))

    def _parent(self, segment: str) -> Shapes:
        """Return, for a new segment, what the weeks of those that are most like it have in common.

        Of segments of this worker, at least half of service, route, model and environment being the same. It is kept
        with the segment: later, nothing depends on which segments share a worker.
        """
        own = segment.split("|")
        alike = [
            (-sum(a == b for a, b in zip(own, name.split("|"), strict=False)), name)
            for name in (*self.live, *self.resting)
            if not is_usage(name)
        ]
        nearest = (name for likeness, name in sorted(alike) if likeness <= -_ALIKE)
        found = islice((each for each in map(self._shapes, nearest) if each), _SIBLINGS)
        shapes: dict[str, list[NDArray[np.float32]]] = {}
        for metric, shape in ((metric, shape) for each in found for metric, shape in each.items()):
            shapes.setdefault(metric, []).append(shape)
        return {metric: np.mean(several, axis=0, dtype=np.float32) for metric, several in shapes.items()}

    def _shapes(self, segment: str) -> Shapes:
        bank = self.live.get(segment)
        if bank is None and self.resting[segment].shaped:
            bank = opened(segment, self.sealed[segment.encode()], self._key, self.budget)
        return bank.drift.levels.shapes() if isinstance(bank, SegmentBank) else {}

    def _armed(self, bank: UsageBank) -> UsageBank:
        """Give a bank of usage its threshold: it looks at each of its quantities once an hour."""
        bank.log_threshold = self.budget.log_weekly(len(QUANTITIES)) + math.log(HOURS)
        return bank

    def __len__(self) -> int:
        return len(self.live) + len(self.resting)

    def __iter__(self) -> Iterator[str]:
        yield from self.live
        yield from self.resting


def opened(segment: str, sealed: bytes, key: bytes, budget: Budget) -> Bank:
    """Return the detectors whose sealed state this is. Raises StateRefused."""
    state = unseal(sealed, key, context=segment)
    return UsageBank.loads(state) if is_usage(segment) else SegmentBank.loads(state, budget)
