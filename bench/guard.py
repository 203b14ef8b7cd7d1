"""`python -m bench.guard`: fails when an event costs more, beside the floor of the same run, than it may.

Both are run in one process over the same fetches, in turns, and measured in CPU, so that a slow or busy machine slows
both. Never absolute times: what holds is the ratio of the least of a few runs each.
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

INFERENCES = 8_000
FETCHES = 8  # in a block: about 10,000 records, as in a worker that catches up
ROUNDS = 3
# Of the floor. Measured: 1.8 to 2.1 and 2.0 to 2.6, on a machine with a load of 20 on two cores; the room is for noise.
MAY_BE = {"stage 1": 2.9, "stage 2": 3.6}
_STAGES = {"stage 1": ("fetch", "read", "confirm"), "stage 2": ("detect",)}


def ratios(settings: Settings, rounds: int = ROUNDS) -> dict[str, float]:
    """Return what each stage costs, as a multiple of the floor."""
    cut = list(blocks(fetches(native_records(INFERENCES, seed=7)), FETCHES))
    asyncio.run(_walked(settings, cut))  # what is made on first use
    gc.collect()
    gc.freeze()
    gc.disable()  # as the worker does
    least: dict[str, float] = defaultdict(lambda: float("inf"))
    try:
        for _ in range(rounds):
            least["floor"] = min(least["floor"], _floor(cut))
            seconds = asyncio.run(_walked(settings, cut))
            for stage, parts in _STAGES.items():
                least[stage] = min(least[stage], sum(seconds[part] for part in parts))
            gc.collect()
    finally:
        gc.enable()
    return {stage: least[stage] / least["floor"] for stage in _STAGES}


def _floor(cut: Sequence[Sequence[Fetch]]) -> float:
    began, store = time.process_time(), Store()
    for block in cut:
        of_topic: dict[str, list[ConsumerRecord[bytes, bytes]]] = defaultdict(list)
        for fetch in block:
            of_topic[fetch.topic] += fetch.records()
        for topic, records in of_topic.items():
            events = floor.validated(floor.MODELS[topic], [record.value or b"" for record in records])
            store.insert(*floor.table(events))
    return time.process_time() - began


async def _walked(settings: Settings, cut: Sequence[Sequence[Fetch]]) -> dict[str, float]:
    walk = Walk(settings)
    for block in cut:
        await walk.take(block)
    await walk.checkpoint()
    return walk.seconds


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
