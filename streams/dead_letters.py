"""Records that are not events are set aside whole; when most of what comes is of that kind, the worker stops."""

from collections import deque
from dataclasses import dataclass, field

from aiokafka.structs import ConsumerRecord

from streams.events import DeadLetter
from streams.gateways.native import InvalidEvent

WINDOW = 10_000
ENOUGH = 1_000  # records before a share says anything: a test message or two must not stop a worker


class PoisonFlood(Exception):
    """Most of what arrives cannot be read: a gateway changed, or the wrong topic is being read."""


def dead_letter(record: ConsumerRecord, poison: InvalidEvent) -> DeadLetter:
    """Set a record aside with its bytes, headers, place and reason."""
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        ingest_ms=record.timestamp,
        reason=poison.reason,
        detail=poison.detail,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )


@dataclass(slots=True)
class PoisonWatch:
    """Counts the dead among the last WINDOW records, block by block."""

    share: float
    blocks: deque[tuple[int, int]] = field(default_factory=deque)
    records: int = 0
    dead: int = 0

    def note(self, records: int, letters: list[DeadLetter]) -> None:
        """Count a block. Raises PoisonFlood; the block is then not acknowledged and will be read again."""
        self.blocks.append((records, len(letters)))
        self.records += records
        self.dead += len(letters)
        while self.records - self.blocks[0][0] >= WINDOW:
            old_records, old_dead = self.blocks.popleft()
            self.records -= old_records
            self.dead -= old_dead
        if self.records >= ENOUGH and self.dead > self.share * self.records:
            last = letters[-1]
            raise PoisonFlood(
                f"{self.dead:,} of the last {self.records:,} records cannot be read, the last of them "
                f"{last.topic}/{last.partition}/{last.offset}: {last.reason}: {last.detail} Nothing is lost: they are "
                "read again when the worker starts. Mend the gateway, or set SLUICE_POISON_SHARE=1 to set them aside."
            )
