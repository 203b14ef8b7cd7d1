"""What the walk's two stages are handed: batches to acknowledge, and ways to publish, to keep and to ask Kafka."""

from collections.abc import Awaitable, Mapping
from typing import Protocol

from streams.batches import RecordBatch

UNACKED_BATCHES = 64  # what the transport hands out of one partition before an ack; its limit on bytes holds besides


class Delivered(Protocol):
    """A batch of records as an agent gets it: acknowledged once, when every sink has confirmed what was in it."""

    @property
    def value(self) -> RecordBatch: ...

    def ack(self) -> bool: ...


class Send(Protocol):
    """Publish to a topic; the awaitable it returns is done when Kafka has confirmed the message."""

    async def __call__(
        self, *, key: bytes, value: bytes, headers: Mapping[str, bytes] | None = None
    ) -> Awaitable[object]: ...


class Keep(Protocol):
    """Write a segment's state to the changelog partition of its measurements; done when Kafka has confirmed it."""

    def __call__(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]: ...


class Current(Protocol):
    """Say whether acknowledging a batch would still count: after a rebalance it is read again, here or elsewhere."""

    def __call__(self, event: Delivered) -> bool: ...


def records(event: Delivered) -> int:
    """Count the records of a batch."""
    return len(event.value.records)
