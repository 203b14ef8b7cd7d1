"""What stands around the walk in its tests: a stream, a sink, a producer and a changelog that say when they answer."""

import asyncio
import itertools
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from detectors.budget import Budget
from sinks.joins import Asked, Meant, Placed, Spoken
from sinks.prometheus import Metrics
from streams import topics
from streams.agent_detect import Detect
from streams.agent_ingest import Ingest
from streams.batches import RecordBatch
from streams.detect import Watch
from streams.offers import Offers
from streams.pace import SILENT_S, WorkClock
from streams.settings import load

PATIENCE_S = 60.0
KEY = "k" * 32
BUDGET = Budget(segments=10, false_alarms=10.0)
DEFAULTS: dict[str, Any] = {"state_key": KEY, "linger_seconds": 0.005, "block_records": 1}


@dataclass(eq=False)
class Batch:
    """A delivered batch of which is known how often it was acknowledged, and whether that counted."""

    value: RecordBatch
    log: list[str]
    current: bool = True
    acks: int = 0

    def ack(self) -> bool:
        self.acks += 1
        self.log.append(f"ack {self.value.topic}/{self.value.partition}/{self.value.last_offset}")
        return self.current


@dataclass
class Scene:
    """A worker's surroundings. `log` tells in which order things happened; what is not said to fail or wait does not.

    `refusals` holds, by table, what the next inserts raise; `gates`, by "insert TABLE", "publish" or "keep", what they
    wait for.
    """

    log: list[str] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    published: list[tuple[bytes, bytes]] = field(default_factory=list)
    changelog: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    sealed: dict[bytes, bytes] = field(default_factory=dict)
    refusals: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    gates: dict[str, threading.Event] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    requests: dict[str, Asked] = field(default_factory=dict)
    answers: dict[str, Meant] = field(default_factory=dict)
    shadowed: list[str] = field(default_factory=list)
    generation: int = 1
    homes: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.offers = Offers(self.metrics.sink_busy.labels("clickhouse").inc)

    def insert(self, table: str, rows: pa.Table) -> None:
        """As a sink's: blocking, in a thread."""
        if gate := self.gates.get(f"insert {table}"):
            assert gate.wait(PATIENCE_S), "nobody opened the gate"
        if self.refusals[table]:
            self.log.append(f"refused {table}")
            raise self.refusals[table].pop(0)
        self.tables[table] += rows.to_pylist()
        self.log.append(f"insert {table}")

    def asked(self, answered: Sequence[Placed]) -> dict[str, Asked]:
        """As the store's: what is known of requests that came before."""
        self._refuse("asked")
        return {id_: self.requests[id_] for id_, _ in answered if id_ in self.requests}

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> list[Meant | None]:  # noqa: ARG002  # as the store's
        """As the store's: what is known of answers that came before, by any of their names."""
        self._refuse("meant")
        named = ([self.answers[name] for name, _ in each.names if name in self.answers] for each in spoken)
        return [next(iter(found), None) for found in named]

    def _refuse(self, what: str) -> None:
        if self.refusals[what]:
            self.log.append(f"refused {what}")
            raise self.refusals[what].pop(0)

    def shadow(self, told: Sequence[Placed]) -> None:
        self.shadowed += [alias for alias, _ in told]
        self.log.append("shadow")

    async def publish(self, *, key: bytes, value: bytes, **_headers: object) -> Awaitable[object]:
        self.published.append((key, value))
        return asyncio.ensure_future(self._confirmed("publish"))

    def keep(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        self.sealed[key] = value
        self.changelog.append((partition, key, value))
        return self._confirmed("keep")

    async def _confirmed(self, what: str) -> None:
        if gate := self.gates.get(what):
            await asyncio.to_thread(gate.wait, PATIENCE_S)
        if self.refusals[what]:
            raise self.refusals[what].pop(0)
        self.log.append(what)

    def batch(self, value: RecordBatch) -> Batch:
        return Batch(value, self.log)

    def gate(self, *names: str) -> threading.Event:
        gate = threading.Event()
        self.gates |= dict.fromkeys(names, gate)
        return gate

    def ingest(self, **settings: Any) -> Ingest:
        read = load(**DEFAULTS | settings)
        return Ingest(
            read,
            topics.sources(read),
            self,
            self,
            self.metrics,
            self.publish,
            current=_is_current,
            clock=WorkClock(),
            offers=self.offers,
        )

    def detect(self, **settings: Any) -> Detect:
        watch = Watch(self.sealed, KEY.encode(), BUDGET, self.metrics.state_refused.inc)
        return Detect(
            load(**DEFAULTS | settings),
            self,
            self.metrics,
            publish=self.publish,
            keep=self.keep,
            watch=watch,
            current=_is_current,
            generation=lambda: self.generation,
            home=self.homes.get,
            behind=lambda _partition, _taken: False,
            lagging=lambda: (),
            # Each look at the clock is so late that no partition is waited for.
            clock=WorkClock(itertools.count(0, int(100 * SILENT_S)).__next__),
            offers=self.offers,
        )

    def sample(self, name: str, **labels: str) -> float:
        """Return a metric's value; 0 where nothing was counted."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not reached():  # noqa: ASYNC110  # what is waited for happens in threads
                await asyncio.sleep(0.002)


def _is_current(event: Any) -> bool:
    current: bool = event.current and not event.acks
    return current


async def stream(*batches: Batch, then_wait: bool = False) -> AsyncIterator[Batch]:
    """Yield batches, and end, or wait for more as a real stream does."""
    for each in batches:
        yield each
    if then_wait:
        await asyncio.Event().wait()
