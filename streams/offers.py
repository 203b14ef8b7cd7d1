"""Work for a sink goes in and is offered until the sink takes it; out comes since when it has not."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from sinks.base import SinkBusy

log = logging.getLogger("sluice.offers")

LONGEST_PAUSE = 30.0  # seconds between two offers: a sink that is back should not stay idle for long


class Offers:
    """What the two stages of a worker offer to one sink. That it is away is said by the first that waits, and once.

    Args:
        refused: called once for each refusal.
        now: seconds, of a clock that only goes on.
    """

    def __init__(self, refused: Callable[[], None], now: Callable[[], float] = monotonic) -> None:
        self._refused = refused
        self._now = now
        self._waiting: dict[object, float] = {}  # since when, of what has been refused and not yet taken
        self._at_work: dict[object, float] = {}  # since when, of calls that have not come back

    @property
    def waiting_s(self) -> float:
        """For how many seconds the sink has refused; 0 while it takes what it is offered."""
        return self._longest(self._waiting)

    @property
    def silent_s(self) -> float:
        """For how many seconds the sink has neither taken nor refused what it was offered; 0 without such a call."""
        return self._longest(self._at_work)

    async def until_taken(self, write: Callable[[], None], wanted: Callable[[], bool]) -> bool:
        """Run a blocking `write` in a thread, again after a pause for as long as it raises SinkBusy.

        `wanted` is called after each pause: once the work belongs to nobody here any more, it is let go. Return whether
        it was taken. Any other exception goes to the caller.
        """
        refusals, work = 0, object()
        try:
            while True:
                try:
                    await self._once(write, work)
                except SinkBusy as busy:
                    self._refused()
                    if not self._waiting:
                        log.warning("%s. Partitions wait until it takes blocks again; nothing is lost.", busy)
                    self._waiting.setdefault(work, self._now())
                    await asyncio.sleep(min(busy.retry_after * 2**refusals, LONGEST_PAUSE))
                    refusals = min(refusals + 1, 10)
                    if not wanted():
                        log.warning("Partitions moved while the sink was away; whoever has them reads the block again.")
                        return False
                else:
                    if self._waiting.keys() == {work}:
                        log.warning("The sink takes blocks again.")
                    return True
        finally:
            self._waiting.pop(work, None)

    async def _once(self, write: Callable[[], None], work: object) -> None:
        self._at_work[work] = self._now()
        try:
            await asyncio.to_thread(write)
        finally:
            del self._at_work[work]

    def _longest(self, since: dict[object, float]) -> float:
        return self._now() - min(since.values()) if since else 0.0
