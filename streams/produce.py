"""Records go to Kafka: as fast as it takes them, so many a second, or each when its time has come."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidMessageError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from streams.kafka import Connection
from streams.topics import KafkaUnreachable

GROUP = 1000  # records sent before their confirmations are awaited, which bounds memory
TICK = 0.05  # seconds of sending between two pauses, at a given speed
START_SECONDS = 15
REQUEST_MS = 20_000
REQUEST_BYTES = 16 * 1024 * 1024
BATCH_BYTES = 256 * 1024  # larger records travel alone, so that their refusal takes no other with it

Speed = float | Literal["max", "live"]  # records a second; "live" sends each record at its own timestamp

# What a broker can have against a record, as opposed to being away.
_REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidTimestampError, InvalidMessageError)


def speed_of(text: str) -> Speed:
    """Read a speed as a person writes it. Raises ValueError that says what it takes."""
    if text == "max":
        return "max"
    if text == "live":
        return "live"
    try:
        if 0 < float(text) < float("inf"):
            return float(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no speed: give max, live, or a number of records a second")


class Record(NamedTuple):
    """A record as it is to be produced; the topic is named without the prefix."""

    topic: str
    key: bytes | None
    value: bytes
    timestamp_ms: int
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(slots=True)
class Produced:
    """How many records Kafka has confirmed and how many it has refused, by topic without the prefix."""

    confirmed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        return self.confirmed.total() + self.refused.total()


async def produce(
    records: Iterable[Record],
    kafka: Connection,
    topic_prefix: str = "",
    speed: Speed = "max",
    progress: Callable[[int], None] = lambda _records: None,
) -> Produced:
    """Send records in order and wait until Kafka has confirmed each (acks=all); the topics have to exist.

    A record that the broker refuses (too large, its time too far ahead) is counted and the rest goes on.

    Args:
        records: taken as they are sent, a group at a time.
        kafka: the way there.
        topic_prefix: put before every topic's name.
        speed: records a second, "max", or "live".
        progress: called with the number of records so far, after each group.

    Raises:
        KafkaUnreachable: no broker answers, or it stopped answering; the message says how far it came.
    """
    # Not idempotent: the embedded broker has no producer ids. What a retry doubles, event ids make one again.
    producer = AIOKafkaProducer(
        **kafka.options(),
        acks="all",
        compression_type="zstd",
        linger_ms=20,
        max_batch_size=BATCH_BYTES,
        max_request_size=REQUEST_BYTES,
        request_timeout_ms=REQUEST_MS,
    )
    produced = Produced()
    try:
        await asyncio.wait_for(producer.start(), START_SECONDS)
        async for group in _paced(records, speed):
            await _send(producer, topic_prefix, group, produced)
            progress(produced.records)
    except (KafkaError, OSError, TimeoutError) as away:
        far = f" after {produced.records:,} records" if produced.records else ""
        raise KafkaUnreachable(kafka.bootstrap, f"{str(away).rstrip('.') or type(away).__name__}{far}") from None
    finally:
        with contextlib.suppress(TimeoutError):  # what could not be sent by now is not going to be
            await asyncio.wait_for(producer.stop(), START_SECONDS)
    return produced


async def _send(producer: AIOKafkaProducer, prefix: str, group: list[Record], produced: Produced) -> None:
    sent = []
    for record in group:
        try:
            sent.append((record, await _enqueue(producer, prefix, record)))
        except _REFUSALS:
            produced.refused[record.topic] += 1
    results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
    for (record, _), result in zip(sent, results, strict=True):
        if isinstance(result, _REFUSALS):
            await _send_alone(producer, prefix, record, produced)
        elif isinstance(result, BaseException):
            raise result
        else:
            produced.confirmed[record.topic] += 1


async def _send_alone(producer: AIOKafkaProducer, prefix: str, record: Record, produced: Produced) -> None:
    """Send a record of a refused batch again by itself: a broker refuses the batch for any one of its records."""
    try:
        await (await _enqueue(producer, prefix, record))
        produced.confirmed[record.topic] += 1
    except _REFUSALS:
        produced.refused[record.topic] += 1


async def _enqueue(producer: AIOKafkaProducer, prefix: str, record: Record) -> asyncio.Future[object]:
    future: asyncio.Future[object] = await producer.send(
        prefix + record.topic,
        record.value,
        key=record.key,
        timestamp_ms=record.timestamp_ms,
        headers=list(record.headers),
    )
    return future


async def _paced(records: Iterable[Record], speed: Speed) -> AsyncIterator[list[Record]]:
    """Yield groups when they are due; a record is never sent early."""
    group: list[Record] = []
    size = GROUP if isinstance(speed, str) else max(1, min(GROUP, round(speed * TICK)))
    began, yielded = time.monotonic(), 0
    for record in records:
        if speed == "live" and record.timestamp_ms > time.time() * 1000:
            if group:
                yield group
                group = []
            await asyncio.sleep(max(0.0, record.timestamp_ms / 1000 - time.time()))
        group.append(record)
        if len(group) == size:
            if not isinstance(speed, str):
                await asyncio.sleep(max(0.0, began + yielded / speed - time.monotonic()))
            yielded += size
            yield group
            group = []
    if group:
        yield group
