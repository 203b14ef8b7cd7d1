"""Events of a stream are gathered into blocks by size and age, and a block is offered to a sink until it takes it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from sinks.base import SinkBusy

log = logging.getLogger("sluice.blocks")

LONGEST_PAUSE = 30.0  # seconds between two offers: a sink that is back should not stay idle for long

T = TypeVar("T")

_waiting: set[object] = set()  # blocks of both stages: that their sink is away is said by the first, and once


async def gathered(
    events: AsyncIterator[T], size: Callable[[T], int], *, full: int, linger: float
) -> AsyncIterator[list[T]]:
    """Yield events in blocks: when `size` adds up to `full`, or `linger` seconds after the block's first event."""
    loop = asyncio.get_running_loop()
    upcoming = asyncio.ensure_future(anext(events))
    try:
        while True:
            try:
                block = [await upcoming]
            except StopAsyncIteration:
                return
            upcoming = asyncio.ensure_future(anext(events))
            deadline, records = loop.time() + linger, size(block[0])
            while records < full:
                await asyncio.wait({upcoming}, timeout=max(0.0, deadline - loop.time()))
                if not upcoming.done() or upcoming.exception() is not None:
                    break
                block.append(upcoming.result())
                records += size(block[-1])
                upcoming = asyncio.ensure_future(anext(events))
            yield block
    finally:
        upcoming.cancel()


async def until_taken(write: Callable[[], None], refused: Callable[[], None], wanted: Callable[[], bool]) -> bool:
    """Run a blocking `write` in a thread, again after a pause for as long as it raises SinkBusy.

    `refused` is called once for each refusal, `wanted` after each pause: once the block belongs to nobody here any
    more, it is let go. Return whether it was taken. Any other exception goes to the caller.
    """
    refusals, block = 0, object()
    try:
        while True:
            try:
                await asyncio.to_thread(write)
            except SinkBusy as busy:
                refused()
                if not _waiting:
                    log.warning("%s. Partitions wait until it takes blocks again; nothing is lost.", busy)
                _waiting.add(block)
                await asyncio.sleep(min(busy.retry_after * 2**refusals, LONGEST_PAUSE))
                refusals = min(refusals + 1, 10)
                if not wanted():
                    log.warning("Partitions moved while the sink was away; whoever has them reads the block again.")
                    return False
            else:
                if _waiting == {block}:
                    log.warning("The sink takes blocks again.")
                return True
    finally:
        _waiting.discard(block)
