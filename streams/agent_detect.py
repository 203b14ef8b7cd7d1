"""THE WALK, stage 2: measurements come from Kafka, are watched in order of event time, and only then acknowledged.

Owns whole segments. Each step stands in the order in which it happens; what a step does in detail is in the module that
it calls.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass

import pyarrow as pa
from aiokafka.structs import ConsumerRecord

from sinks import columns
from sinks.base import Sink
from sinks.prometheus import Metrics
from streams import commands, forgetting, measure, topics
from streams.blocks import gathered
from streams.dead_letters import dead_letter
from streams.delivery import UNACKED_BATCHES, Current, Delivered, Keep, Send, records
from streams.detect import Watch, Watched
from streams.events import DeadLetter, Finding, LedgerRow
from streams.findings import message
from streams.gateways.base import InvalidEvent
from streams.ingest import ledger_row
from streams.movement import Partition
from streams.offers import Offers
from streams.pace import WorkClock
from streams.settings import Settings

log = logging.getLogger("sluice.walk")

# Seconds of measurements that are watched together. A segment's turn costs as much as its rows do: by quarters of a
# second it is half as much again. Nothing waits longer for it than for a source that may still be behind.
TURN_S = 1.0
EARLY = UNACKED_BATCHES // 2  # batches of one partition after which stage 2 does not wait for its timer
KEEPING = 0.1  # share of the time that goes into packing state: a worker that catches up has better things to do


@dataclass
class Detect:
    """Stage 2: unpack → watch → store and publish → (from time to time) keep the state, ledger, acknowledge."""

    settings: Settings
    clickhouse: Sink
    metrics: Metrics
    publish: Send
    keep: Keep
    watch: Watch
    current: Current
    generation: Callable[[], int]
    home: Callable[[bytes], int | None]  # the partition of a segment's measurements, where it is this worker's
    behind: Callable[[int, int | None], bool]  # whether a partition has more than what was taken, None for nothing yet
    lagging: Callable[[], Collection[Partition]]
    clock: WorkClock
    offers: Offers

    def __post_init__(self) -> None:
        self.measured = self.settings.topic_prefix + topics.MEASUREMENTS.name
        self.seen_generation = self.generation()
        self.recovered_generation: int | None = None
        self.asleep = True
        self.unconfirmed: list[tuple[Delivered, LedgerRow]] = []
        self.taken: dict[int, int] = {}  # of each partition of the measurements, up to which offset
        self.turn = asyncio.Lock()  # a checkpoint must not see half a block
        self.next_checkpoint = 0.0  # by time.monotonic()
        self.turned = -math.inf  # when the last block was watched, by time.monotonic()

    async def walk(self, events: AsyncIterator[Delivered]) -> None:
        full, linger = self.settings.block_records, max(self.settings.linger_seconds, TURN_S)
        async for gathering in gathered(events, records, full=full, linger=linger):
            async with self.turn:
                await self.take(gathering)
            if max(Counter(row.partition for _, row in self.unconfirmed).values(), default=0) >= EARLY:
                await self.checkpoint()

    async def take(self, gathering: list[Delivered]) -> None:
        """Watch a block and store what came of it; until the next checkpoint nothing of it is kept or acknowledged."""
        self.follow_rebalance()
        # What is left from before a rebalance is read again by whoever has its partition, whose state it is to keep.
        events = [event for event in gathering if self.current(event)]
        try:
            # While a block is stored, nobody listens: that is no silence of its sources.
            with self.clock:
                letters = self.unpack(events)
                await self.release(letters)
            self.turned = time.monotonic()
        except BaseException:
            self.forget()  # a checkpoint in waiting must not keep, nor acknowledge, what is not stored
            raise

    def follow_rebalance(self) -> None:
        """When partitions moved, forget what is ahead of the last checkpoint: it is read again from there."""
        generation = self.generation()
        if generation != self.seen_generation or not all(self.current(event) for event, _ in self.unconfirmed):
            self.seen_generation = generation
            self.forget()

    def recovered(self, generation: int) -> None:
        """Begin with what is kept: to be called when the changelog is read, and nothing else yet, after a rebalance.

        Its generation may be over by then: segments that have moved on do not wake from what was kept of them here.
        """
        self.recovered_generation = generation
        self.forget()

    def wake(self) -> None:
        """Wake the segments that were kept with rows in waiting: it may be that nothing more comes for them."""
        if self.asleep and self.recovered_generation == self.generation():
            self.asleep = False
            for key in list(self.watch.segments.sealed):
                partition = self.home(key)
                if partition is not None:
                    self.watch.wake(key.decode(), partition, self.clock())

    def forget(self) -> None:
        self.asleep = True
        self.watch.forget()
        self.unconfirmed.clear()
        self.taken.clear()

    def unpack(self, events: list[Delivered]) -> list[DeadLetter]:
        """Give the segments their measurements, and return what are none."""
        letters: list[DeadLetter] = []
        with self.metrics.stage_seconds.labels("detect").time():
            for event in events:
                dead = len(letters)
                for record in event.value.records:
                    self.taken[record.partition] = record.offset + 1
                    try:
                        self.read(record)
                    except InvalidEvent as poison:
                        letters.append(dead_letter(record, poison))
                self.unconfirmed.append(
                    (event, ledger_row(event.value, len(letters) - dead, events=0, letters=len(letters) - dead))
                )
        return letters

    def read(self, record: ConsumerRecord) -> None:
        """Give a segment its measurements, or a person's word. Raises InvalidEvent for what is none of these."""
        segment = measure.segment_of(record.key)
        if commands.is_command(record.value):
            self.watch.obey(segment, commands.unpack(record.value), record.partition)
        elif forgetting.is_forget(record.value):
            self.watch.drop(segment, forgetting.unpack(record.value), record.partition)
        else:
            measured = measure.unpack(record.value)
            block = measure.block_of(record.headers, record.timestamp)
            self.watch.take(segment, measured, record.partition, record.timestamp, self.clock(), block)

    async def release(self, letters: list[DeadLetter]) -> None:
        """Watch what is complete, and store and publish what came of it."""
        with self.metrics.stage_seconds.labels("watch").time():
            lagging = self.lagging()
            # What is paused is not fetched, so that nobody hears of its end: it lags, too.
            behind = {
                each
                for each in set(self.watch.segments.partition_of.values())
                if (self.measured, each) in lagging or self.behind(each, self.taken.get(each))
            }
            unread = {measure.source_of(*each) for each in lagging}
            watched = self.watch.release(self.clock(), behind, unread)
        if watched.ids or watched.findings or watched.references or letters:
            await asyncio.gather(self.store(watched, letters), self.announce(watched.findings))
        self.metrics.held.set(self.watch.held)  # now that what is no longer held is stored

    async def release_in_time(self) -> None:
        """Watch what waited for a partition that has gone silent; called every second.

        While blocks come, each is a turn of all segments: one more between two would cost as much, for fewer rows.
        """
        async with self.turn:
            self.follow_rebalance()
            self.wake()
            if time.monotonic() - self.turned < TURN_S:
                return
            try:
                with self.clock:
                    await self.release([])
            except BaseException:
                self.forget()
                raise

    async def store(self, watched: Watched, letters: list[DeadLetter]) -> None:
        def write() -> None:
            now_ms = _now_ms()
            scores = columns.score_parts(watched.ids, watched.times, watched.scores, now_ms)
            self.clickhouse.insert("inference_parts", scores)
            if watched.findings:
                self.clickhouse.insert("finding_events", columns.finding_rows(watched.findings))
            if watched.references:
                self.clickhouse.insert("references", columns.reference_rows(watched.references))
            if letters:
                self.clickhouse.insert("dead_letters", columns.dead_letter_rows(letters))

        generation = self.generation()
        if await self.offers.until_taken(write, lambda: self.generation() == generation):
            self.metrics.set_aside(letters)
            self.metrics.learned(watched.references)

    async def announce(self, findings: list[Finding]) -> None:
        sent = [
            await self.publish(key=f.segment.encode(), value=message(f, self.settings.finding_page(f.finding_id)))
            for f in findings
        ]
        await asyncio.gather(*sent)
        for finding in findings:
            log.log(logging.WARNING if finding.state == "open" else logging.INFO, "%s", finding)
            self.metrics.found(finding)

    async def checkpoint_in_time(self) -> None:
        """Checkpoint, but where the last one took so long that this would be too soon; called every few seconds."""
        if time.monotonic() >= self.next_checkpoint:
            await self.checkpoint()

    async def checkpoint(self) -> None:
        """Keep the detectors' state, then acknowledge what it has seen: after a crash both are read from one point."""
        async with self.turn:
            self.follow_rebalance()
            confirmed, self.unconfirmed = self.unconfirmed, []
            if not (confirmed or self.watch.changed):
                return
            events, rows = [event for event, _ in confirmed], [row for _, row in confirmed]

            def account() -> None:
                if rows:  # else only what was held has been watched since the last checkpoint
                    self.clickhouse.insert("ledger", _ledger(rows))

            with self.clock, self.metrics.stage_seconds.labels("checkpoint").time():
                began = time.monotonic()
                kept = [
                    self.keep(self.watch.segments.partition_of[segment], segment.encode(), state)
                    for segment, state in self.watch.checkpoint()
                ]
                packed = time.monotonic()
                self.next_checkpoint = packed + (packed - began) * (1 / KEEPING - 1)
                await asyncio.gather(*kept)
                if rows and not await self.offers.until_taken(account, lambda: any(map(self.current, events))):
                    return  # partitions moved while the sink was away
            for event in events:
                event.ack()
            self.metrics.confirmed(rows)
            self.watch.rest(self.clock())
            self.metrics.segments.set(len(self.watch.segments))


def _ledger(rows: list[LedgerRow]) -> pa.Table:
    return columns.ledger_rows(rows, _now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
