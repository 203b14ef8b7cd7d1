"""The walk in one process: fetches as Kafka's brokers send them go in, both stages run, and what leaves is packed.

Everything is the worker's own but its edges: the store packs what is inserted as its client does and forgets it, and
what is published comes to stage 2 without a broker between. So a cost is CPU of our own code and of the libraries that
it calls, and two of them can be compared on a machine that others use.
"""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord, TopicPartition
from clickhouse_connect.driver.query import arrow_buffer

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
from streams.produce import Record
from streams.settings import Settings

PARTITIONS = 4
FETCH = 1_400  # records: what a partition's usual megabyte of a fetch holds of native events
BATCH = 350  # records that a producer sends as one, compressed together
_LZ4 = 3


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a broker answers of a partition: batches of records, compressed, as they lie in its log."""

    topic: str
    partition: int
    first_offset: int
    data: bytes

    def records(self) -> list[ConsumerRecord[bytes, bytes]]:
        """Unpack it as aiokafka does."""
        tp = TopicPartition(self.topic, self.partition)
        unpacked = MemoryRecords(self.data)
        return list(PartitionRecords(tp, unpacked, [], self.first_offset, None, None, True, READ_UNCOMMITTED))


def fetches(records: Iterable[Record]) -> list[Fetch]:
    """Lay records into the partitions of their topics and cut these into fetches, in the order in which they fill."""
    logs: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for number, record in enumerate(records):
        logs[record.topic, number // 2 % PARTITIONS].append(record)
    cut = [
        (start, Fetch(topic, partition, start, _packed(log[start : start + FETCH], start)))
        for (topic, partition), log in logs.items()
        for start in range(0, len(log), FETCH)
    ]
    return [fetch for _, fetch in sorted(cut, key=lambda each: each[0])]


def _packed(records: Sequence[Record], offset: int) -> bytes:
    packed = bytearray()
    for start in range(0, len(records), BATCH):
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=_LZ4,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=0,
            batch_size=2**24,
        )
        for relative, record in enumerate(records[start : start + BATCH]):
            builder.append(relative, timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=[])
        batch = builder.build()
        batch[:8] = (offset + start).to_bytes(8, "big")
        packed += batch
    return bytes(packed)


@dataclass(eq=False)
class Delivery:
    """A batch as an agent gets it."""

    value: RecordBatch

    def ack(self) -> bool:
        return True


class Store:
    """Takes Arrow tables as ClickHouse's client does, up to the bytes that it would send. Knows nothing of before."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = defaultdict(int)

    def insert(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            arrow_buffer(rows, "lz4")
            self.rows[table] += rows.num_rows

    def asked(self, _answered: Sequence[Placed]) -> Mapping[str, Asked]:
        return {}

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> list[Meant | None]:  # noqa: ARG002  # as the store's
        return [None] * len(spoken)

    def shadow(self, told: Sequence[Placed]) -> None:
        """As the store's, which is asked by another client."""


@dataclass
class Walk:
    """Both stages of a worker. `seconds` are of CPU, of all threads: what each part took since it was cleared."""

    settings: Settings
    store: Store = field(default_factory=Store)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        metrics, sealed, clock = Metrics(), dict[bytes, bytes](), itertools.count(0, int(100 * SILENT_S))
        offers = Offers(metrics.sink_busy.labels("clickhouse").inc)
        self._published: list[tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]] = []
        self._offset = 0
        self._ingest = Ingest(
            self.settings,
            topics.sources(self.settings),
            self.store,
            self.store,
            metrics,
            self._publish,
            current=lambda _event: True,
            clock=WorkClock(),
            offers=offers,
        )
        self._detect = Detect(
            self.settings,
            self.store,
            metrics,
            publish=self._forget,
            keep=self._keep,
            watch=Watch(sealed, b"k" * 32, Budget(self.settings.segments, 10.0), metrics.state_refused.inc),
            current=lambda _event: True,
            generation=lambda: 1,
            home=lambda _key: 0,
            behind=lambda _partition, _taken: False,
            lagging=lambda: (),
            clock=WorkClock(clock.__next__),  # no partition is waited for
            offers=offers,
        )

    async def take(self, block: Sequence[Fetch]) -> int:
        """Put a block of fetches through both stages; return how many records it held."""
        began = time.process_time()
        deliveries = [Delivery(_batch(fetch)) for fetch in block]
        began = self._spent("fetch", began)
        read = self._ingest.read(deliveries)  # type: ignore[arg-type]  # all that is asked of an event
        began = self._spent("read", began)
        await self._ingest.confirm(read, deliveries)  # type: ignore[arg-type]
        began = self._spent("confirm", began)
        await self._detect.take([Delivery(self._measured())])
        self._spent("detect", began)
        return sum(len(each.value.records) for each in deliveries)

    async def checkpoint(self) -> None:
        """Keep the detectors' state, as a worker does every few seconds."""
        began = time.process_time()
        await self._detect.checkpoint()
        self._spent("detect", began)

    def _spent(self, part: str, began: float) -> float:
        now = time.process_time()
        self.seconds[part] += now - began
        return now

    def _measured(self) -> RecordBatch:
        """Return what stage 1 has published since, as stage 2 reads it."""
        published, self._published, first = self._published, [], self._offset
        records = [
            ConsumerRecord(topics.MEASUREMENTS.name, 0, first + number, 0, 1, key, value, None, 0, len(value), headers)
            for number, (key, value, headers) in enumerate(published)
        ]
        self._offset += len(records)
        return RecordBatch(topics.MEASUREMENTS.name, 0, first, self._offset - 1, records)

    async def _publish(
        self, *, key: bytes, value: bytes, headers: Mapping[str, bytes] | None = None
    ) -> Awaitable[object]:
        self._published.append((key, value, tuple((headers or {}).items())))
        return asyncio.sleep(0)

    async def _forget(self, **_message: object) -> Awaitable[object]:
        return asyncio.sleep(0)

    def _keep(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:  # noqa: ARG002
        return asyncio.sleep(0)


def blocks(fetched: Sequence[Fetch], size: int) -> Iterator[Sequence[Fetch]]:
    """Gather fetches into blocks of `size`."""
    for start in range(0, len(fetched), size):
        yield fetched[start : start + size]


def _batch(fetch: Fetch) -> RecordBatch:
    records = fetch.records()
    return RecordBatch(fetch.topic, fetch.partition, records[0].offset, records[-1].offset, records)
