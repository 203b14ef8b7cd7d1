"""Events of a stream are gathered into blocks by size and age."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

T = TypeVar("T")


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
