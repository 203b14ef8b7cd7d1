"""A worker process of the batch tests: what its agents take and confirm goes to a file, line by line, before the ack.

Run as `python -m tests.streams.batch_worker CONFIG`, where CONFIG is a `WorkerConfig` as JSON.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import faust
from faust import Stream
from faust.types import AppT, EventT, StreamT

from streams.batches import BatchTransport, RecordBatch, app_settings

Agent = Callable[[StreamT[Any]], Awaitable[None]]


@dataclass(frozen=True)
class WorkerConfig:
    """What one worker does; the defaults are a sink that is quick and never fails."""

    bootstrap: str
    group: str
    topic: str
    out: str
    partitions: int
    agent: str = "concurrent"
    plain_topic: str | None = None
    rebalance_seconds: float = 6.0
    max_unacked_batches: int = 8
    sink_seconds: float = 0.02  # the mean
    refused: tuple[int, ...] = ()  # which of its writes the sink refuses, counted from 0
    gate: str | None = None  # the sink confirms nothing before this file exists,
    gate_offset: int | None = None  # or only not the batch that begins at this offset

    def dumps(self) -> str:
        return json.dumps(asdict(self))


class SinkDown(Exception):
    """What the sink of these tests raises now and then."""


class Sink:
    """Stands for ClickHouse: takes its time, raises now and then, and keeps a line for each batch it confirmed."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.gate = Path(config.gate) if config.gate else None
        self.out = os.open(config.out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.held: Counter[int] = Counter()
        self.writes = 0

    async def write(self, batch: RecordBatch) -> None:
        self.held[batch.partition] += 1
        self.note(partition=batch.partition, held=self.held[batch.partition])
        try:
            await self.confirm(batch)
        finally:
            self.held[batch.partition] -= 1
        self.note(
            partition=batch.partition,
            first=batch.first_offset,
            last=batch.last_offset,
            ids=[int(record.value[:12]) for record in batch.records if record.value],
        )

    async def confirm(self, batch: RecordBatch) -> None:
        await asyncio.sleep(random.uniform(0, 2 * self.config.sink_seconds))  # noqa: S311  # no secret
        if self.gate is not None and self.config.gate_offset in (None, batch.first_offset):
            while not self.gate.exists():  # noqa: ASYNC110  # another process makes the file
                await asyncio.sleep(0.05)
        number, self.writes = self.writes, self.writes + 1
        if number in self.config.refused:
            self.note(refused=batch.first_offset)
            raise SinkDown

    def note(self, **what: object) -> None:
        line = json.dumps({**what, "cpu": time.process_time()}) + "\n"
        os.write(self.out, line.encode())  # one call: a kill leaves whole lines


def events(stream: StreamT[Any]) -> AsyncIterator[EventT[Any]]:
    return aiter(cast(Stream[Any], stream).noack().events())


def concurrent(app: AppT, transport: BatchTransport, sink: Sink) -> Agent:  # noqa: ARG001  # one signature for all
    """Batches are written side by side and acknowledged in whatever order the sink confirms them."""
    tasks: set[asyncio.Task[None]] = set()

    async def settle(event: EventT[Any]) -> None:
        try:
            await sink.write(cast(RecordBatch, event.value))
        except SinkDown:
            await asyncio.sleep(0.05)
            transport.give_back(event)
        else:
            event.ack()

    async def agent(stream: StreamT[Any]) -> None:
        async for event in events(stream):
            task = asyncio.create_task(settle(event))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    return agent


def sequential(app: AppT, transport: BatchTransport, sink: Sink) -> Agent:  # noqa: ARG001  # one signature for all
    """What the sink raises goes through the agent: Faust starts it anew, and what it held is read again."""

    async def agent(stream: StreamT[Any]) -> None:
        async for event in events(stream):
            await sink.write(cast(RecordBatch, event.value))
            event.ack()

    return agent


def counting(app: AppT, transport: BatchTransport, sink: Sink) -> Agent:  # noqa: ARG001  # one signature for all
    """A table counts each key's records, once each, and is written from tasks outside of the stream's iteration."""
    table = app.Table("counts", partitions=sink.config.partitions, key_type=str, value_type=None)

    async def settle(event: EventT[Any], previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await previous  # one batch of a partition after another: state is read, changed and written
        batch = cast(RecordBatch, event.value)
        changed: dict[str, list[int]] = {}
        for record in batch.records:
            key = str(record.key, "ascii") if record.key else ""
            count, seen = changed.get(key) or table.data.get(key) or [0, -1]
            if record.offset > seen:
                changed[key] = [count + 1, record.offset]
        await asyncio.gather(*[table.send_changelog(batch.partition, key, state) for key, state in changed.items()])
        for key, state in changed.items():
            table.data[key] = state
        await sink.write(batch)
        event.ack()

    async def agent(stream: StreamT[Any]) -> None:
        last: dict[int, asyncio.Task[None]] = {}
        async for event in events(stream):
            partition = cast(RecordBatch, event.value).partition
            last[partition] = asyncio.create_task(settle(event, last.get(partition)))

    @table.on_recover
    async def recovered() -> None:
        sink.note(table={key: count for key, (count, _) in table.data.items()})

    return agent


AGENTS = {"concurrent": concurrent, "sequential": sequential, "counting": counting}


def build(config: WorkerConfig) -> faust.App:
    settings = app_settings(config.rebalance_seconds) | {
        "consumer_max_fetch_size": 64 * 1024,  # small, so that a few thousand records make many batches;
        "broker_max_poll_records": 500,  # Tansu heeds the first limit in its own way
    }
    app = faust.App(
        config.group,
        broker=f"aiokafka://{config.bootstrap}",
        store="memory://",
        datadir=str(Path(config.out).with_suffix(".data")),
        topic_partitions=config.partitions,
        topic_disable_leader=True,
        web_enabled=False,
        **settings,
    )
    transport = BatchTransport(
        app.conf.broker_consumer,
        app,
        batched_topics=frozenset({config.topic}),
        max_unacked_batches=config.max_unacked_batches,
    )
    app.transport = transport
    sink = Sink(config)
    batched = app.topic(config.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(batched, name="batched")(AGENTS[config.agent](app, transport, sink))
    if config.plain_topic is not None:
        plain = app.topic(config.plain_topic, key_type=bytes, value_type=bytes, value_serializer="raw")

        @app.agent(plain, name="plain")
        async def stock(stream: StreamT[Any]) -> None:
            async for value in stream:
                sink.note(plain=int(value[:12]))

    @app.on_rebalance_complete.connect
    async def ready(*_: object, **__: object) -> None:
        sink.note(ready=sorted(tp.partition for tp in app.consumer.assignment() if tp.topic == config.topic))

    return app


if __name__ == "__main__":
    faust.Worker(build(WorkerConfig(**json.loads(sys.argv[1]))), loglevel="info").execute_from_commandline()
