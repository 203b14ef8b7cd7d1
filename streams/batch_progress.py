"""Batches of a partition go out in order, acknowledgements come in any order; out comes what may be committed."""

from collections import deque
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """One fetch of a partition: its records, and the interval of offsets that they stand for, both ends included.

    `first_offset` is the end of the partition's previous batch plus one; `records` hold raw bytes, and are empty where
    there are only markers of transactions.
    """

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    records: list[ConsumerRecord[bytes, bytes]]


@dataclass(eq=False, slots=True)
class Delivery:
    """A batch that was handed out: where it begins, where its partition goes on after it, the bytes of its values."""

    first_offset: int
    next_offset: int
    size: int
    acked: bool = False


class PartitionProgress:
    """How far one assigned partition has been handed out and acknowledged; pure bookkeeping, no I/O.

    It replaces Faust's own for batched topics, which counts offsets inside a batch as acknowledged too early.

    Attributes:
        expected: the next offset to hand out.
        acked_to: every offset before it is acknowledged, so it may be committed.
        window: deliveries from the first that is not acknowledged on, in order of offsets.
        astray: the fetch position has to be put back to `expected`.
    """

    def __init__(self, start: int) -> None:
        self.expected = start
        self.acked_to = start
        self.window: deque[Delivery] = deque()
        self.astray = False
        self._sought: int | None = None

    @property
    def unacked_bytes(self) -> int:
        return sum(delivery.size for delivery in self.window if not delivery.acked)

    def hand_out(self, last_offset: int, size: int) -> Delivery:
        """Note that everything from `expected` to `last_offset` goes to an agent."""
        delivery = Delivery(self.expected, last_offset + 1, size)
        self.expected = delivery.next_offset
        self.window.append(delivery)
        return delivery

    def acknowledge(self, delivery: Delivery) -> bool:
        """Return whether it counts: a delivery that was forgotten meanwhile moves nothing."""
        if delivery not in self.window:
            return False
        delivery.acked = True
        while self.window and self.window[0].acked:
            self.acked_to = self.window.popleft().next_offset
        return True

    def take_back(self, delivery: Delivery) -> None:
        """Forget a delivery and all behind it, acknowledged or not: their offsets go out again."""
        if delivery in self.window:
            while self.window[-1] is not delivery:
                self.window.pop()
            self.window.pop()
            self._go_to(delivery.first_offset)

    def rewind(self) -> None:
        """Forget all deliveries behind the leading run of acknowledged ones."""
        self.restart(self.acked_to)

    def restart(self, offset: int) -> None:
        """Forget all deliveries and go on from another offset."""
        self.window.clear()
        self.acked_to = offset
        self._go_to(offset)

    def believe(self, first: int) -> bool:
        """Say whether a fetch that begins at `first` shows the log as it is, or `expected` has to be fetched once more.

        A fetch can get lost on its way, at a rebalance for one. Only a jump that repeats in the very next fetch, for
        which `expected` was sought, is a fact of the log.
        """
        again = first != self.expected and self._sought != self.expected
        self._sought = self.expected if again else None
        self.astray |= again
        return not again

    def _go_to(self, offset: int) -> None:
        self.expected = offset
        self.astray = True
        self._sought = None  # a fetch that is under way was asked for elsewhere: it proves nothing
