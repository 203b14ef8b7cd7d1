"""How late an event's row and a finding come, at shares of a worker's top rate: events carry the time of their sending.

A probe is an event in so many; its row has come when a query sees it, so that what is measured contains the broker,
the worker, the insert, and up to POLL_S of waiting for the next query. A finding's event is the one that tipped it: in
the last third of a step four busy segments answer five times slower, others in each step: where a finding is open, no
second one opens. A segment has to have learned what is usual before: the commonest come first.
"""

import asyncio
import itertools
import math
import re
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from bench.records import native_records
from bench.runs import resident_mb
from sinks.clickhouse import connect
from streams.kafka import Connection
from streams.produce import Record, produce
from streams.settings import Settings
from streams.stack import LocalWorker
from streams.topics import REQUESTS

# Shares of the top rate, and the models that answer slowly at each; model-0 is the commonest.
STEPS = {0.1: {0, 1, 2, 3}, 0.5: {4, 5, 6, 7}, 0.8: {8, 9, 10, 11}}
WARM_S, WARM = 10.0, 0.5  # before the first step, for the detectors to learn what is usual
STEP_S = 15.0
SETTLE_S, DRAIN_S = 8.0, 15.0  # how long rows and findings are waited for after a step, at least and at most
POLL_S = 0.1
PROBES_PER_S = 50.0
POOL = 4_000  # inferences that are sent again and again under other ids
_MODEL = re.compile(rb'"gen_ai.request.model":"model-([0-9]+)"')
_ANSWER = b'"gen_ai.response.id":"'
_SEEN = "SELECT DISTINCT inference_id FROM inference_parts WHERE inference_id IN {ids:Array(String)}"
_FOUND = """
SELECT finding_id, min(toUnixTimestamp64Nano(time)) FROM finding_events
WHERE state = 'open' AND time >= fromUnixTimestamp64Nano({since:Int64}) GROUP BY finding_id
"""


@dataclass(slots=True)
class Step:
    """What came of a rate: seconds of each probe's row and of each finding, in the order in which they were seen; how
    many probes were not; and the worker's memory after it, megabytes."""

    share: float
    events_per_s: float = 0.0
    row_s: list[float] = field(default_factory=list)
    finding_s: list[float] = field(default_factory=list)
    unseen: int = 0
    resident_mb: float = 0.0


def quantile(values: Sequence[float], q: float) -> float:
    """Return the least of the values at or below which a share `q` of them lies."""
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def measure(settings: Settings, top: float) -> list[Step]:
    """Run a worker under shares of `top`, events a second, one after the other."""
    pool = list(_pool())
    with LocalWorker(settings) as worker:
        asyncio.run(_Sending(pool, WARM_S).run(settings, WARM * top))
        return [asyncio.run(_step(share, top, pool, settings, worker)) for share in STEPS]


async def _step(share: float, top: float, pool: Sequence["_Template"], settings: Settings, worker: LocalWorker) -> Step:
    sending, step = _Sending(pool, STEP_S, STEPS[share]), Step(share)
    watching = asyncio.create_task(_watch(step, sending, connect(settings.clickhouse_url)))
    step.events_per_s = await sending.run(settings, share * top)
    await watching
    step.unseen, step.resident_mb = len(sending.probes), resident_mb(worker.pid)
    return step


async def _watch(step: Step, sending: "_Sending", client: Client) -> None:
    """Ask for what has come until all has, or the step has been over for too long."""
    found: set[str] = set()
    while (over := sending.over_s()) < DRAIN_S and (sending.probes or over < SETTLE_S):
        asked = list(sending.probes)
        seen = await asyncio.to_thread(client.query, _SEEN, parameters={"ids": asked})
        now = time.time_ns()
        step.row_s += [(now - sending.probes.pop(row[0])) / 1e9 for row in seen.result_rows]
        told = await asyncio.to_thread(client.query, _FOUND, parameters={"since": sending.slow_from_ns})
        now = time.time_ns()
        new = [(finding, tipped) for finding, tipped in told.result_rows if finding not in found]
        found.update(finding for finding, _ in new)
        step.finding_s += [(now - tipped) / 1e9 for _, tipped in new]
        await asyncio.sleep(POLL_S)


class _Template(NamedTuple):
    """A record to send again, the number of its model where it has one, and its value where that answers slowly."""

    record: Record
    model: int | None
    slow: bytes


def _pool() -> Iterator[_Template]:
    for record in native_records(POOL, seed=1):
        named = _MODEL.search(record.value)
        slow = re.sub(
            rb'"duration_s":([0-9.]+)', lambda told: b'"duration_s":%.4f' % (5 * float(told[1])), record.value
        )
        yield _Template(record, int(named[1]) if named else None, slow)


class _Sending:
    """Records that get their ids and the time as they are drawn, for some seconds, in whose last third `slow` models
    are slow; `probes` are the ids of those whose rows are asked for, with their times, nanoseconds."""

    def __init__(self, pool: Sequence[_Template], seconds: float, slow: Set[int] = frozenset()) -> None:
        self._pool, self._seconds, self._slow = pool, seconds, slow
        self._began = time.time_ns()
        self.slow_from_ns = self._began + round(seconds * 2 / 3 * 1e9)
        self.probes: dict[str, int] = {}

    async def run(self, settings: Settings, events_per_s: float) -> float:
        """Send at a rate; return what it was, which is less where this process gets too little of the machine."""
        sent = await produce(self._records(), Connection(settings.kafka_bootstrap), settings.topic_prefix, events_per_s)
        return sent.records / (time.time_ns() - self._began) * 1e9

    def over_s(self) -> float:
        """Return the seconds since the last record was drawn; negative before."""
        return (time.time_ns() - self._began) / 1e9 - self._seconds

    def _records(self) -> Iterator[Record]:
        next_probe = 0
        for lap in itertools.count():
            unique = f"{self._began // 10**9 + lap:08x}".encode()
            for template in self._pool:
                now = time.time_ns()
                if now > self._began + self._seconds * 1e9:
                    return
                record = template.record
                value = template.slow if now > self.slow_from_ns and template.model in self._slow else record.value
                inference_id = unique + (record.key or b"")[8:]
                value = value.replace(record.key or b"", inference_id).replace(_ANSWER, _ANSWER + unique)
                value = value.replace(b"%d000000" % record.timestamp_ms, b"%d" % now)
                if now > next_probe and record.topic == REQUESTS.name:
                    next_probe = now + round(1e9 / PROBES_PER_S)
                    self.probes[inference_id.decode()] = now
                yield Record(record.topic, inference_id, value, now // 1_000_000)
