"""`make guard`: fails when an event costs more, beside the floor of the same run, than it may.

Floor and stages go over the same blocks in one process, block by block in turns, in CPU, so that a slow or a busy
machine slows both. Of each block the least of all rounds counts: what disturbs only adds, and hardly ever to the same
block each time. Never absolute times; docs/performance.md says how far the ratios scatter.
"""

import asyncio
import gc
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from aiokafka.structs import ConsumerRecord

from bench import floor
from bench.records import native_records
from bench.walk import Fetch, Store, Walk, blocks, fetches
from streams.settings import Settings, load

INFERENCES = 10_000
FETCHES = 8  # in a block: about 10,000 records, as in a worker that catches up
ROUNDS = 8
# Of the floor: above all that was measured, below what a quarter more makes of the least (docs/performance.md).
MAY_BE = {"stage 1": 2.2, "stage 2": 2.05}
_STAGES = {"stage 1": ("fetch", "read", "confirm"), "stage 2": ("detect",)}


def ratios(settings: Settings, rounds: int = ROUNDS) -> dict[str, float]:
    """Return what each stage costs, as a multiple of the floor."""
    cut = list(blocks(fetches(native_records(INFERENCES, seed=7)), FETCHES))
    asyncio.run(_round(settings, cut))  # what is made on first use
    gc.collect()
    gc.freeze()
    gc.disable()  # as the worker does
    least: dict[tuple[str, int], float] = defaultdict(lambda: float("inf"))
    try:
        for _ in range(rounds):
            for place, seconds in asyncio.run(_round(settings, cut)).items():
                least[place] = min(least[place], seconds)
            gc.collect()
    finally:
        gc.enable()
    total: dict[str, float] = defaultdict(float)
    for (part, _), seconds in least.items():
        total[part] += seconds
    return {stage: sum(total[part] for part in parts) / total["floor"] for stage, parts in _STAGES.items()}


async def _round(settings: Settings, cut: Sequence[Sequence[Fetch]]) -> dict[tuple[str, int], float]:
    """Return the seconds of the floor and of each part of the walk, by block."""
    walk, spent = Walk(settings), dict[tuple[str, int], float]()
    for number, block in enumerate(cut):
        spent["floor", number] = _floor(block)
        walk.seconds.clear()
        await walk.take(block)
        if number == len(cut) - 1:
            await walk.checkpoint()
        spent |= {(part, number): seconds for part, seconds in walk.seconds.items()}
    return spent


def _floor(block: Sequence[Fetch]) -> float:
    began, store = time.process_time(), Store()
    of_topic: dict[str, list[ConsumerRecord[bytes, bytes]]] = defaultdict(list)
    for fetch in block:
        of_topic[fetch.topic] += fetch.records()
    for topic, records in of_topic.items():
        events = floor.validated(floor.MODELS[topic], [record.value or b"" for record in records])
        store.insert(*floor.table(events))
    return time.process_time() - began


def main() -> None:
    """Measure, say what came out, and end with 1 where it is too much."""
    measured = ratios(load(state_key="k" * 32))
    for stage, ratio in measured.items():
        print(f"{stage}: {ratio:.2f} times the floor, may be {MAY_BE[stage]:g}")
    if slow := [stage for stage, ratio in measured.items() if ratio > MAY_BE[stage]]:
        sys.exit(
            f"{' and '.join(slow)} got slower: `make profile` says where it goes; docs/performance.md says what was"
        )


if __name__ == "__main__":
    main()
