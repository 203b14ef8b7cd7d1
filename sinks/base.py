"""What a sink promises to the walk, and how it says "slow down" and "broken"."""

from typing import Protocol

import pyarrow as pa


class Sink(Protocol):
    """Takes rows for tables. Called in threads, several at a time; twice with the same rows counts once."""

    def insert(self, table: str, rows: pa.Table) -> None:
        """Store rows, blocking; on return they are confirmed. Raises SinkBusy or SinkBroken."""
        ...


class SinkError(Exception):
    """A sink could not take a block; nothing of the block may be acknowledged."""


class SinkBusy(SinkError):
    """The sink is away or overloaded: the same block is offered again after a pause, for as long as it takes.

    The partitions are paused meanwhile, so that memory stays flat.
    """

    def __init__(self, reason: str, retry_after: float = 1.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class SinkBroken(SinkError):
    """The sink cannot take this block as things stand (a missing table, a wrong type): the worker stops and says so."""
