"""What aiokafka fetches in its thread leaves it together with the position at which the fetch ended."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, cast

from aiokafka.structs import ConsumerRecord
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class Batching(Protocol):
    """What the consumer asks of its transport."""

    batched_topics: frozenset[str]
    abreast: Collection[Set[str]]
    max_unacked_batches: int
    max_unacked_bytes: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """What aiokafka read of a partition, perhaps nothing, where it will read on, and the end of the log as the broker
    gave it."""

    records: list[ConsumerRecord[bytes, bytes]]
    position: int
    highwater: int


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka lives; methods with an underscore run there."""

    def _stopped_set(self) -> None:
        if self.thread_loop.is_closed():  # a crash elsewhere has ended the thread, and its loop tells nobody any more
            self._stopped.set()
        else:
            super()._stopped_set()

    async def starts(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """Ask where partitions go on: the committed offset, or the end of the log that the reset policy names."""
        return cast(Mapping[TP, int], await self.call_thread(self._starts, list(tps)))

    async def _starts(self, tps: list[TP]) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        starts = dict(zip(tps, await asyncio.gather(*map(consumer.committed, tps)), strict=True))
        if fresh := [tp for tp, committed in starts.items() if committed is None]:
            latest = self.app.conf.consumer_auto_offset_reset == "latest"
            starts |= await (consumer.end_offsets if latest else consumer.beginning_offsets)(fresh)
        return starts

    async def _highwaters(self, partitions: list[TP]) -> Mapping[TP, int]:
        """Find the ends of logs; Faust calls it before it recovers tables up to there.

        Tansu 0.6 answers ListOffsets with the first offset of the last batch, which would cut a recovery short. The
        fetches that aiokafka sends by itself, once a partition is assigned, say where a log really ends.
        """
        ends = dict(await super()._highwaters(partitions))
        deadline = monotonic() + self.app.conf.broker_request_timeout / 3
        for tp in [tp for tp, end in ends.items() if end]:
            while (fetched := self._fetched_end(tp)) is None and monotonic() < deadline:  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.02)
            ends[tp] = max(ends[tp], fetched or 0)
        return ends

    def _fetched_end(self, tp: TP) -> int | None:
        consumer = self._ensure_consumer()
        return cast(int | None, consumer.highwater(tp)) if tp in consumer.assignment() else 0

    async def _fetch_records(self, consumer: Any, active_partitions: set[TP], *args: Any, **kwargs: Any) -> RecordMap:
        batched = cast(Batching, self.transport).batched_topics
        fetched = dict(await super()._fetch_records(consumer, active_partitions, *args, **kwargs))
        for tp, records in fetched.items():
            if tp.topic in batched:
                # Nothing else runs between the fetch and here, so the position is where this fetch ended. It lies
                # behind the markers of transactions, which records do not show.
                fetched[tp] = [Fetch(records, await consumer.position(tp), consumer.highwater(tp))]
        # A marker of a transaction that comes alone moves the position, and nothing else. `consumer.position` would
        # wait where there is none, and hold up a rebalance.
        for tp in (active_partitions or set()) & (consumer.assignment() - fetched.keys()):
            state = consumer._subscription.subscription.assignment.state_value(tp)
            if tp.topic in batched and state.highwater and state.has_valid_position:
                fetched[tp] = [Fetch([], state.position, state.highwater)]
        return fetched
