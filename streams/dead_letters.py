"""Records that are not events are set aside whole; when most of what comes is of that kind, the worker stops."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiokafka.structs import ConsumerRecord

from streams.events import DeadLetter, LedgerRow
from streams.gateways.base import InvalidEvent

WINDOW = 10_000
ENOUGH = 1_000  # records before a share says anything: a test message or two must not stop a worker


class PoisonFlood(Exception):
    """Most of what arrives cannot be read: a gateway changed, or the wrong topic is being read."""


def dead_letter(record: ConsumerRecord, poison: InvalidEvent, item: int = 0, *, whole: bool = True) -> DeadLetter:
    """Set a record, or an item of it, aside with its bytes, headers, place and reason.

    `whole` says whether the record's own bytes are to stand for an item that brings none.
    """
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        item=item,
        ingest_ms=record.timestamp,
        reason=poison.reason,
        detail=poison.detail,
        key=record.key,
        value=poison.item if poison.item is not None else record.value if whole else None,
        headers=tuple(record.headers),
    )


@dataclass(slots=True)
class PoisonWatch:
    """Counts the dead among the last WINDOW records, block by block."""

    share: float
    blocks: deque[tuple[int, int]] = field(default_factory=deque)
    records: int = 0
    dead: int = 0

    def note(self, ledger: Iterable[LedgerRow], letters: list[DeadLetter], failed_again: int = 0) -> None:
        """Count a block. Raises PoisonFlood; the block is then not acknowledged and will be read again.

        `failed_again` of its records were replayed by a person, and are no flood: nothing changed at a gateway.
        """
        rows = list(ledger)
        records = sum(row.records for row in rows) - failed_again
        dead = sum(row.dead for row in rows) - failed_again
        self.blocks.append((records, dead))
        self.records += records
        self.dead += dead
        while self.records - self.blocks[0][0] >= WINDOW:
            old_records, old_dead = self.blocks.popleft()
            self.records -= old_records
            self.dead -= old_dead
        if dead and self.records >= ENOUGH and self.dead > self.share * self.records:
            last = letters[-1]
            raise PoisonFlood(
                f"{self.dead:,} of the last {self.records:,} records cannot be read, the last of them "
                f"{last.topic}/{last.partition}/{last.offset}: {last.reason}: {last.detail} Nothing is lost: they are "
                "read again when the worker starts. Mend the gateway, or set SLUICE_POISON_SHARE=1 to set them aside."
            )
