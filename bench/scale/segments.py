"""Segments grow from tens to thousands: what is resident, what a turn and a row cost, in a process for each number.

A segment's answers are read and measured once, by the worker's own stage 1, and learned by the detectors of every
segment, each of which unpacks them for itself.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.records import native_records
from bench.walk import Walk, blocks, fetches
from detectors.bank import SegmentBank
from detectors.budget import Budget
from detectors.held import select
from detectors.sealed import seal
from streams import measure
from streams.memory import stay_small
from streams.segments import Segments
from streams.settings import Settings, load

LEARNED, SHORT, LONG = 400, 1, 101  # rows: a metric is watched from 300 on; then two turns, of which the cost is split
SAMPLE = 500  # segments whose turns are measured, and whose state is kept


@dataclass(frozen=True, slots=True)
class Grown:
    """What a number of segments takes: resident memory in MB, what of it was there without any, CPU of a turn and of
    a row in it in microseconds, bytes of sealed state of a segment."""

    segments: int
    resident_mb: float
    empty_mb: float
    turn_us: float
    row_us: float
    state_bytes: float


def measured(segments: int) -> Grown:
    """Let so many segments learn, then take their turns. To be called in a process of its own: memory is its own."""
    stay_small()
    settings = load(state_key="k" * 32, segments=max(segments, 2000))
    packed = asyncio.run(_packed(settings))
    gc.collect()
    gc.disable()  # as the worker does
    empty, budget = _resident_mb(), Budget(settings.segments, settings.false_alarms)
    banks = [SegmentBank(budget) for _ in range(segments)]
    _turns(banks, packed, 0, LEARNED)
    gc.collect()
    resident, some = _resident_mb(), banks[:SAMPLE]
    short = _turns(some, packed, LEARNED, LEARNED + SHORT)
    long = _turns(some, packed, LEARNED + SHORT, LEARNED + SHORT + LONG)
    row = (long - short) / (LONG - SHORT)
    state = sum(len(bank.dumps()) for bank in some) / len(some)
    return Grown(segments, round(resident), round(empty), round(short - row * SHORT, 1), round(row, 2), round(state))


@dataclass(frozen=True, slots=True)
class Rested:
    """What segments take that rest: resident memory in MB, what of it was there without any, bytes of sealed state of
    a segment, and CPU until one is awake, microseconds."""

    segments: int
    resident_mb: float
    empty_mb: float
    state_bytes: float
    wake_us: float


def rested(segments: int) -> Rested:
    """Let so many segments rest, as after a start: what each is, is what one of them has learned. For a process of its
    own, too."""
    stay_small()
    settings = load(state_key="k" * 32, segments=max(segments, 2000))
    packed, key = asyncio.run(_packed(settings)), b"k" * 32
    budget = Budget(settings.segments, settings.false_alarms)
    bank = SegmentBank(budget)
    _turns([bank], packed, 0, LEARNED)
    state = bank.dumps()
    gc.collect()
    gc.disable()
    empty = _resident_mb()
    names = [f"service-{number}|/v1/chat|model|production" for number in range(segments)]
    kept = {name.encode(): seal(state, key, context=name) for name in names}
    watched = Segments(kept, key, budget, lambda: None)
    for name in names:
        watched.recall(name, 0)
    gc.collect()
    resident, began = _resident_mb(), time.process_time()
    for name in names[:SAMPLE]:
        watched.awake(name, 0)
    woken = (time.process_time() - began) / min(SAMPLE, segments) * 1e6
    sealed = sum(map(len, kept.values())) / segments
    return Rested(segments, round(resident), round(empty), round(sealed), round(woken))


async def _packed(settings: Settings) -> bytes:
    """Return enough answers of one segment, as stage 1 publishes them."""
    published: list[tuple[bytes, bytes]] = []

    class Kept(Walk):
        async def _publish(
            self, *, key: bytes, value: bytes, headers: Mapping[str, bytes] | None = None
        ) -> Awaitable[object]:
            published.append((key, value))
            return await super()._publish(key=key, value=value, headers=headers)

    walk = Kept(settings)
    for block in blocks(list(fetches(native_records(4 * (LEARNED + SHORT + LONG), seed=7, segments=1))), 16):
        await walk.take(block)
    return next(value for key, value in published if b"|" in key)


def _turns(banks: list[SegmentBank], packed: bytes, first: int, last: int) -> float:
    """Give each segment its next rows and return the CPU of one of these turns, in microseconds."""
    taken = 0.0
    for bank in banks:
        rows = select(measure.unpack(packed), np.arange(first, last))
        began = time.process_time()
        bank.take(rows)
        bank.release()
        taken += time.process_time() - began
    return taken / len(banks) * 1e6


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
