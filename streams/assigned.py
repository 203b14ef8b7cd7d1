"""What Faust and aiokafka know of a worker's part of its group: which partitions it has, and how far they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import faust
from faust.types import TP, EventT

from streams.batches import BatchTransport
from streams.delivery import Delivered
from streams.movement import Partition


@dataclass(frozen=True)
class Assigned:
    """The worker's part of its group, as Faust knows it."""

    app: faust.App

    def settled(self) -> bool:
        # Tansu's generations begin at 0, so that they do not tell whether one has come.
        return self.app.rebalancing_count > 0 and not self.app.rebalancing

    def confirmed(self) -> Mapping[Partition, int]:
        confirmed = cast(BatchTransport, self.app.transport).confirmed()
        return {(tp.topic, tp.partition): offset for tp, offset in confirmed.items()}

    def seen(self, partition: Partition) -> int:
        try:
            return self.app.consumer.highwater(TP(*partition)) or 0
        except AssertionError:  # aiokafka's: it has just moved away, in the consumer's own thread
            return 0

    def behind(self, partition: Partition, taken: int | None) -> bool:
        """Say whether a partition has more than what was taken of it; until a fetch has told, it may."""
        end = self.seen(partition)
        if taken is None:
            return end == 0 or self.confirmed().get(partition, 0) < end
        return taken < end

    def current(self, event: Delivered) -> bool:
        """Say whether acknowledging a batch would still count."""
        return cast(BatchTransport, self.app.transport).is_current(cast(EventT[bytes], event))

    def home(self, topic: str, key: bytes) -> int | None:
        """Return the partition in which a key's records are, where it is assigned to this worker."""
        partition = self.app.consumer.key_partition(topic, key)
        return partition if partition is not None and TP(topic, partition) in self.app.consumer.assignment() else None
