"""Blocks are full or old when they come, and nothing is left out."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.blocks import gathered


async def _source(batches: list[int], pause: float = 0.0, then_wait: bool = False) -> AsyncIterator[int]:
    for batch in batches:
        await asyncio.sleep(pause)
        yield batch
    if then_wait:
        await asyncio.Event().wait()


async def _blocks(source: AsyncIterator[int], full: int, linger: float) -> list[list[int]]:
    return [block async for block in gathered(source, lambda batch: batch, full=full, linger=linger)]


async def test_a_block_is_full_when_its_sizes_add_up() -> None:
    assert await _blocks(_source([4, 4, 4, 4, 9, 1]), full=8, linger=60) == [[4, 4], [4, 4], [9], [1]]


async def test_a_block_that_is_old_goes_as_it_is() -> None:
    blocks = gathered(_source([1, 1], then_wait=True), lambda batch: batch, full=8, linger=0.05)
    assert await asyncio.wait_for(anext(blocks), timeout=60) == [1, 1]
    await blocks.aclose()  # type: ignore[attr-defined]  # an async generator, which AsyncIterator does not say


async def test_nothing_that_came_is_left_out_at_the_end_or_by_an_error() -> None:
    async def breaks() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ConnectionError("the stream broke")

    blocks = gathered(breaks(), lambda batch: batch, full=100, linger=60)
    assert await anext(blocks) == [1, 2]
    with pytest.raises(ConnectionError):
        await anext(blocks)


async def test_a_slow_reader_loses_nothing() -> None:
    seen: list[int] = []
    async for block in gathered(_source([1] * 50, pause=0.001), lambda batch: batch, full=7, linger=0.002):
        await asyncio.sleep(0.005)
        seen += block
    assert seen == [1] * 50
