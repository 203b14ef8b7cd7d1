"""Changelogs are read into tables whenever the group has changed: each partition whole, or on from where it was whole.

Faust's recovery counts how far it has read a changelog, also where that reading was broken off by the next rebalance,
and where a late event of it came after its partition was gone: the partition comes back, and what lies before is never
read. Workers that came and went within seconds so woke detectors of nothing, or of older state, behind the offset that
was committed. Here such a count is believed only when the recovery that it is of has ended.

Names that Faust keeps private are overridden here, too; `pyproject.toml` pins Faust for their sake.
"""

from collections import Counter
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain
from faust.tables.recovery import Recovery as FaustRecovery
from faust.types import TP
from faust.types.transports import ConsumerT


class Recovery(FaustRecovery):
    """Faust's recovery, for tables in memory."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._whole: dict[TP, int] = {}  # changelogs that are in the tables, up to which offset
        self.recovered_generation = -1  # of the group, whose partitions are all in the tables

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Give up what has moved away, even for one generation: others may have written, and Faust drops it."""
        self._whole = {tp: offset for tp, offset in self._whole.items() if tp in assigned}
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _build_offsets(
        self,
        consumer: ConsumerT,
        tps: set[TP],
        destination: Counter[TP],
        title: str,  # noqa: ARG002  # Faust's, for a line of its log
    ) -> None:
        """Say where reading begins: behind what is whole, or at the beginning. Offsets are those of the last event."""
        earliest = await consumer.earliest_offsets(*tps)
        self.tables.changelog_queue.clear()  # of a reading that was broken off
        for tp in tps:
            destination[tp] = max(self._whole.get(tp, -1), (earliest.get(tp) or 0) - 1)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        if self.app.consumer_generation_id != generation_id:
            raise RebalanceAgain  # the next recovery begins as soon as Faust has been told
        self.note_whole()
        self.recovered_generation = generation_id
        await super().on_recovery_completed(generation_id)

    def note_whole(self) -> None:
        """Take what has been read of the worker's changelogs for all there is."""
        self._whole = {tp: offset for tp in self.active_tps if (offset := self.active_offsets[tp]) is not None}


class Tables(TableManager):
    """Faust's tables, with this recovery."""

    _recovery: Recovery | None = None

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
