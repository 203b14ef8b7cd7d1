"""A backlog lies in one segment, or in many: what watching an event costs in the walk, without broker and servers."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass

from bench.records import native_records
from bench.walk import Fetch, Walk, blocks, fetches
from streams.settings import load

INFERENCES = 48_000
FETCHES = 16  # in a block: a second's worth at full load
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Watched:
    """What stage 2 costs where so many segments have all events: microseconds of CPU an event, the least of the rounds,
    and how many events a second one core can watch at that."""

    segments: int
    watch_us: float
    events_per_s: int


def measured(segments: int) -> Watched:
    """Let stage 2 watch a backlog again and again, each time from a start without state."""
    cut = list(blocks(fetches(native_records(INFERENCES, seed=7, segments=segments)), FETCHES))
    gc.collect()
    gc.disable()  # as the worker does
    least = min(asyncio.run(_watched(cut)) for _ in range(ROUNDS))
    return Watched(segments, round(least, 1), round(1e6 / least))


async def _watched(cut: Sequence[Sequence[Fetch]]) -> float:
    walk, events = Walk(load(state_key="k" * 32)), 0
    for block in cut:
        events += await walk.take(block)
    await walk.checkpoint()
    gc.collect()
    return walk.seconds["detect"] / events * 1e6
