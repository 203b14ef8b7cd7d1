"""THE WALK, stage 1: records come from Kafka, are read, stored, joined, measured, and only then acknowledged.

Stateless over partitions. Each step stands in the order in which it happens; what a step does in detail is in the
module that it calls.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from sinks import columns
from sinks.base import Sink
from sinks.joins import Placed
from sinks.prometheus import Metrics
from streams import ingest, measure, usage
from streams.blocks import gathered
from streams.dead_letters import PoisonWatch
from streams.delivery import Current, Delivered, Send, records
from streams.durations import Joined, Requests, joined
from streams.erased import Erased
from streams.judged import Targets, judged
from streams.measure import Judgements, Questions, Row, Segments
from streams.offers import Offers
from streams.pace import WorkClock
from streams.redaction import Redactor
from streams.sealing import Sealing
from streams.settings import Settings
from streams.sources import Source


class Joiner(Requests, Targets, Protocol):
    """Joins what the workers have stored; see `sinks.joins.Joins`. Blocking; raises SinkBusy and SinkBroken."""

    def shadow(self, told: Sequence[Placed]) -> None: ...


@dataclass
class Ingest:
    """Stage 1: read → store and join → measure → ledger → acknowledge."""

    settings: Settings
    sources: Mapping[str, Source]
    clickhouse: Sink
    joins: Joiner
    metrics: Metrics
    publish: Send
    current: Current
    clock: WorkClock
    offers: Offers

    erased: Erased | None = None
    sealing: Sealing | None = None

    def __post_init__(self) -> None:
        self.redactor = Redactor(self.settings.pseudonyms)
        segments = Segments(self.settings.segments)
        questions = Questions(segments, self.settings.text_share)
        self.reader = ingest.Reader(self.sources, segments, self.redactor, self.settings.event_bytes, questions)
        self.judgements = Judgements()
        self.embed = measure.Meanings() if self.settings.text_vectors == "minilm" else None
        self.poison = PoisonWatch(self.settings.poison_share)

    async def walk(self, events: AsyncIterator[Delivered]) -> None:
        confirming: asyncio.Task[None] | None = None
        full, linger = self.settings.block_records, self.settings.linger_seconds
        try:
            # A group: a block that breaks ends the walk at once, also while no further block comes.
            async with asyncio.TaskGroup() as tasks:
                async for gathering in gathered(events, records, full=full, linger=linger):
                    if not await self.look(gathering):
                        continue
                    block = self.read(gathering)
                    # Blocks are confirmed one after another, so that each partition's measurements leave in order; the
                    # next block is read meanwhile.
                    if confirming is not None:
                        await confirming
                    confirming = tasks.create_task(self.confirm(block, gathering))
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None

    async def look(self, events: list[Delivered]) -> bool:
        """Look what was erased, now and then; False once the events are not this worker's any more."""
        erased = self.erased
        if erased is None or not erased.due:
            return True

        def look() -> None:
            if erased.look() and self.sealing is not None:
                self.sealing.forget()

        return await self._taken(look, events)

    def read(self, events: list[Delivered]) -> ingest.Block:
        with self.clock, self.metrics.stage_seconds.labels("read").time():
            block = self.reader.read(event.value for event in events)
            if self.erased is not None and (gone := self.erased.among(block)):
                block = self.reader.read((event.value for event in events), gone)
                self.metrics.erased_again.inc(len(gone))
        self.poison.note(block.ledger, block.letters, block.failed_again)
        return block

    async def confirm(self, block: ingest.Block, events: list[Delivered]) -> None:
        # The block before was perhaps let go because partitions moved. It is read again, and so is this one: were it
        # measured now, the detectors would take what is read again for what they have seen.
        if not any(map(self.current, events)):
            return
        with self.clock, self.metrics.stage_seconds.labels("confirm").time():
            stored, durations = await asyncio.gather(self.store(block, events), self.measure(block, events))
            if not stored or durations is None or not await self.account(block, events):
                return  # partitions moved while the sink was away: the block is read again by whoever has them
        for event in events:
            event.ack()
        self.count(block, durations)

    async def store(self, block: ingest.Block, events: list[Delivered]) -> bool:
        def write() -> None:
            tables = block.tables() if self.sealing is None else self.sealing.tables(block)
            for table, rows in columns.by_table(tables):
                self.clickhouse.insert(table, rows)
            if told := block.told_responses():
                self.joins.shadow(told)

        return await self._taken(write, events)

    async def measure(self, block: ingest.Block, events: list[Delivered]) -> list[float | None] | None:
        """Publish the measurements and return how long the answers took; None once the block is not this worker's."""
        known: list[tuple[Joined, list[Row]]] = []

        def look_up() -> None:
            known[:] = [(joined(block, self.joins), judged(block, self.joins, self.judgements))]

        if not await self._taken(look_up, events):
            return None
        ((answers, feedback),) = known
        every = block.measurements(*answers, feedback, self.settings.text_share, self.embed)
        measured = measure.thinned(every, self.settings.segment_shares)
        if self.embed is not None:
            measured = iter(await asyncio.to_thread(list, measured))  # seconds, in which Kafka must hear from this loop
        used = usage.by_shard(block.responses, block.watched, block.feedback)
        headers = measure.of_block(time.time_ns())
        sent = [
            await self.publish(key=name.encode(), value=message, headers=headers)
            for name, measurements in chain(measured, used)
            for message in measure.messages(measurements)
        ]
        await asyncio.gather(*sent)
        return answers.durations

    async def account(self, block: ingest.Block, events: list[Delivered]) -> bool:
        def write() -> None:
            self.clickhouse.insert("ledger", columns.ledger_rows(block.ledger, time.time_ns() // 1_000_000))

        return await self._taken(write, events)

    def count(self, block: ingest.Block, durations: list[float | None]) -> None:
        self.metrics.confirmed(block.ledger)
        self.metrics.read(block.formats(), block.judgements())
        self.metrics.set_aside(block.letters)
        self.metrics.answered(block.served(durations), block.latest_ns())
        self.metrics.redacted(self.redactor.counts)
        self.redactor.counts.clear()

    async def _taken(self, work: Callable[[], None], events: list[Delivered]) -> bool:
        """Offer the store some work until it takes it; False once nothing of the block is this worker's any more."""
        return await self.offers.until_taken(work, lambda: any(map(self.current, events)))
