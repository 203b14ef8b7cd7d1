"""Fetches come in from aiokafka's thread and go to Faust's conductor as single messages; acks come back as commits.

Stock Faust does the rest: its loop over `getmany`, its commit timer, its tables and their recovery. Names that Faust
keeps private are overridden here and in `batch_thread.py` alone; `pyproject.toml` pins Faust for their sake.
"""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any, cast
from weakref import WeakKeyDictionary

from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from faust.agents import current_agent
from faust.exceptions import ImproperlyConfigured
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import TPorTopicSet
from faust.types.tuples import ack_lock
from mode.utils.futures import notify

from streams.abreast import Abreast
from streams.batch_progress import Delivery, PartitionProgress, RecordBatch
from streams.batch_thread import BatchConsumerThread, Batching, Fetch

log = logging.getLogger("sluice.batches")

LOOK_AGAIN = 0.1  # seconds: the longest wait for other partitions while one waits for an acknowledgement


class BatchConsumer(driver.Consumer):
    """Faust's consumer, for which a fetch of a batched topic is one record."""

    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._batching = cast(Batching, self.transport)
        self._progress: dict[TP, PartitionProgress] = {}
        # Weak: what Faust or an agent drops must not stay here.
        self._deliveries: WeakKeyDictionary[Message, Delivery] = WeakKeyDictionary()
        self._room = asyncio.Event()
        self._abreast = Abreast(self._batching.abreast)
        self._asked: set[TP] = set()  # what the last fetch was for

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_batched(self, tp: TP) -> bool:
        return tp.topic in self._batching.batched_topics

    # In: from the broker to the agents.

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109  # Faust's
        if active_partitions is None:
            return await super()._getmany(None, timeout)
        self._take_back_dropped()
        await self._take_up({tp for tp in active_partitions if self._is_batched(tp)})
        fetchable = self._asked = self._abreast.of(self._with_room(active_partitions))
        if not fetchable:
            return await self._wait_for_room(timeout)
        if len(fetchable) < len(active_partitions):
            # A fetch that waits cannot be called off without losing what it brings, so it waits for a short while.
            fetched = await super()._getmany(fetchable, min(timeout, LOOK_AGAIN))
        else:
            fetched = await super()._getmany(active_partitions, timeout)
        return {tp: await self._batched(TP(*tp), records) for tp, records in fetched.items()}

    async def _take_up(self, tps: set[TP]) -> None:
        """Set the fetch position of partitions that are new or astray to where they go on."""
        generation = self.app.consumer_generation_id
        astray = {tp: progress for tp, progress in self._progress.items() if progress.astray and tp in tps}
        try:
            if new := tps - self._progress.keys():
                starts = await self._thread.starts(new)
                await self.seek_wait(starts)
                if generation == self.app.consumer_generation_id:
                    self._progress |= {tp: PartitionProgress(start) for tp, start in starts.items()}
            if astray:
                for progress in astray.values():
                    progress.astray = False  # before the wait, in which an agent may give a batch back
                await self.seek_wait({tp: progress.expected for tp, progress in astray.items()})
        except (KafkaError, TimeoutError) as error:  # a rebalance in between, or a broker that is away: the next try
            log.info("Partitions cannot be taken up yet: %r", error)
            for progress in astray.values():
                progress.astray = True

    def _take_back_dropped(self) -> None:
        """Have batches read again whose events are gone: no one can acknowledge them any more.

        Faust clears its queues when it resumes after a recovery, and an agent may drop what its task failed on.
        """
        held = set(self._deliveries.values())
        for tp, progress in self._progress.items():
            dropped = next((each for each in progress.window if not each.acked and each not in held), None)
            if dropped is not None:
                log.info("Offset %d of %s, partition %d, was dropped: read again", dropped.first_offset, *tp)
                progress.take_back(dropped)

    def _with_room(self, tps: set[TP]) -> set[TP]:
        unacked = sum(progress.unacked_bytes for progress in self._progress.values())
        full = unacked >= self._batching.max_unacked_bytes
        return {tp for tp in tps if not self._is_batched(tp) or (not full and self._window_is_open(tp))}

    def _window_is_open(self, tp: TP) -> bool:
        # The window counts, not what is unacknowledged in it: else others would pass a batch that is stuck without end,
        # and after a crash all of them would be read again.
        progress = self._progress.get(tp)
        return (
            progress is not None and not progress.astray and len(progress.window) < self._batching.max_unacked_batches
        )

    async def _wait_for_room(self, seconds: float) -> RecordMap:
        self._room.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), seconds)
        return {}

    async def _batched(self, tp: TP, records: list[Any]) -> list[Any]:
        """Turn a fetch into a batch that goes on where the partition's last one ended, or into nothing.

        Records are facts of the log: whichever fetch brought them, and whatever happened to the group meanwhile, they
        may go out if they go on exactly where the partition stands. Everything else is fetched again.
        """
        if not self._is_batched(tp):
            return records
        progress, fetch = self._progress.get(tp), cast(Fetch, records[0])
        if not fetch.records:
            return await self._without_records(tp, progress, fetch)
        first = fetch.records[0].offset
        if progress is None or not progress.believe(first):
            return []
        expected = progress.expected
        if first != expected:
            start = await self._start_of(tp, progress, fetch, first)
            if start is None:
                progress.astray = True
                return []
            expected = start
        going_on = [each for each in fetch.records if each.offset >= expected] if first < expected else fetch.records
        self._abreast.read(tp, fetch.records[-1].timestamp, lags=fetch.position < fetch.highwater)
        return [_batch(tp, expected, fetch, going_on)] if going_on else []

    async def _without_records(self, tp: TP, progress: PartitionProgress | None, fetch: Fetch) -> list[RecordBatch]:
        """Turn a stretch of a log in which there are only markers into a batch without records.

        Else a partition whose last transaction has ended would lag behind its marker until another record comes.
        """
        if progress is None or progress.astray or fetch.position <= progress.expected:
            return []
        if not progress.believe(fetch.position):  # records may have got lost on their way: it is fetched once more
            return []
        start = await self._start_of(tp, progress, fetch, fetch.position)
        if start is None:
            progress.astray = True
        return [] if start is None or start >= fetch.position else [_batch(tp, start, fetch, [])]

    async def _start_of(self, tp: TP, progress: PartitionProgress, fetch: Fetch, first: int) -> int | None:
        """Say where a batch begins that goes on at `first` instead of the expected offset; None if it has to be fetched
        again."""
        expected = progress.expected
        if first < expected <= fetch.highwater:
            return expected  # Faust sought the committed offset again
        try:
            beginning = (await self.earliest_offsets(tp))[tp]
        except KafkaError as error:
            log.info("The beginning of %s, partition %d, is not known yet: %r", tp.topic, tp.partition, error)
            return None
        if progress.expected != expected:
            return None  # an agent gave a batch back meanwhile
        if fetch.highwater < expected:
            log.warning(CUT, tp.topic, tp.partition, expected, beginning)
            progress.restart(beginning)
            self._committed_offset[tp] = None  # else Faust commits nothing below the old offset
            return None
        if beginning > expected:
            progress.expected = min(beginning, first)
            if not progress.window:
                progress.acked_to = progress.expected  # or it would lag behind what is gone, where nothing comes
            log.warning(DELETED, expected, progress.expected - 1, tp.topic, tp.partition)
        return progress.expected  # what is missing from here to the first record was compacted, or a marker

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, RecordBatch):
            return super()._to_message(tp, record)
        size = sum(each.serialized_value_size for each in record.records)
        at_ms, kind = ((last := record.records[-1]).timestamp, last.timestamp_type) if record.records else (0, 0)
        message = ConsumerMessage(
            record.topic,
            record.partition,
            record.last_offset,
            at_ms / 1000.0,
            kind,
            headers=[],
            key=None,
            value=cast(bytes, record),  # the codec "raw" passes it on as it is
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=size,
            tp=TP(*tp),
            generation_id=self.app.consumer_generation_id,  # streams skip all other generations without a word
        )
        progress = self._progress.get(message.tp)
        # Given back or revoked since it was fetched? Then the agent gets it all the same, but its ack counts nothing.
        if progress is not None and progress.expected == record.first_offset:
            self._deliveries[message] = progress.hand_out(record.last_offset, size)
        return message

    def verify_event_path(self, now: float, tp: TP) -> None:
        # Else it waits for the sink or for others, and Faust would blame the fetcher every few seconds.
        if tp in self._asked or not self._is_batched(tp):
            super().verify_event_path(now, tp)

    # Out: from the agents' acknowledgements to the committed offset.

    def ack(self, message: Message) -> bool:
        if not self._is_batched(message.tp):
            return super().ack(message)
        if not message.tracked:
            return False  # Faust without its Cython part acknowledges what its streams skip at a rebalance
        with ack_lock:
            delivery, progress = self._deliveries.pop(message, None), self._progress.get(message.tp)
            counts = delivery is not None and progress is not None and progress.acknowledge(delivery)
            self._n_acked += counts
        self._settle(message)
        return counts

    def give_back(self, message: Message) -> None:
        delivery, progress = self._deliveries.pop(message, None), self._progress.get(message.tp)
        if delivery is not None and progress is not None:
            progress.take_back(delivery)
        self._settle(message)

    async def on_task_error(self, exc: BaseException) -> None:
        """Have all read again that an agent held when it raised; called in the agent's task, before it starts anew."""
        await super().on_task_error(exc)
        agent = current_agent()
        topics = set(agent.get_topic_names()) if agent is not None else set()
        for tp, progress in self._progress.items():
            if tp.topic in topics:
                progress.rewind()
        self._room.set()

    def is_current(self, message: Message) -> bool:
        progress, delivery = self._progress.get(message.tp), self._deliveries.get(message)
        return progress is not None and delivery is not None and delivery in progress.window

    def confirmed(self) -> dict[TP, int]:
        return {tp: progress.acked_to for tp, progress in self._progress.items()}

    def _settle(self, message: Message) -> None:
        message.acked = True
        self._unacked_messages.discard(message)
        self._room.set()
        notify(self._waiting_for_ack)

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (tp for tp in self._progress if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        if not self._is_batched(tp):
            return super()._new_offset(tp)
        if self._acked.get(tp):
            raise ImproperlyConfigured(NOACK.format(topic=tp.topic))
        return self._progress[tp].acked_to if tp in self._progress else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if not self._is_batched(tp):
            await super()._add_gap(tp, offset_from, offset_to)

    # When partitions move.

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._abreast.clear()
        self._progress.clear()  # all of it: Faust gives up every partition and goes on at the committed offset
        self._unacked_messages -= {message for message in self._unacked_messages if self._is_batched(message.tp)}
        await super().on_partitions_assigned(assigned, generation_id)
        topics = Counter(tp.topic for tp in assigned)
        shares = ", ".join(f"{count} of {topic}" for topic, count in sorted(topics.items()))
        log.info("Partitions of this worker: %s", shares or "none")

    async def wait_empty(self) -> None:
        """Wait until agents have acknowledged what they hold, for half the rebalance timeout at most, and commit.

        Faust waits without end; meanwhile the group would go on without a worker whose sink is down.
        """
        deadline = monotonic() + self.app.conf.broker_rebalance_timeout / 2
        while self._unacked_messages and not self.should_stop and monotonic() < deadline:
            gc.collect()  # events that an agent dropped: nobody will acknowledge them
            await self.commit()
            if self._unacked_messages:
                await self._wait_for_ack(timeout=1)
        await self.commit_and_end_transactions()


def _batch(tp: TP, start: int, fetch: Fetch, records: list[ConsumerRecord[bytes, bytes]]) -> RecordBatch:
    return RecordBatch(tp.topic, tp.partition, start, fetch.position - 1, records)


DELETED = (
    "Offsets %d to %d of %s, partition %d, were deleted before they were read. Raise the topic's retention.ms (and "
    "retention.bytes), or run more workers: this one is behind by more than the topic keeps."
)
CUT = (
    "The log of %s, partition %d, ends before offset %d, up to which it was read: the topic was made anew or cut. "
    "It is read from offset %d on."
)
NOACK = (
    "An agent on the batched topic {topic} lets Faust acknowledge its events, also those at which it raises. "
    "Iterate over stream.noack().events(), and call event.ack() when the sink has confirmed."
)
