"""A week with a busy hour a day goes through a worker at full speed; out comes what its detectors keep of it.

That is the state of each segment, as it lies in the changelog: a worker that is given it goes on from there.
"""

import asyncio
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.outage.watched import Watched
from streams.kafka import connection
from streams.produce import Record
from streams.settings import Settings
from streams.simulate import simulate
from streams.traffic.plan import Plan

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALM = 1 / 120  # of the traffic of the busy hour, in all others
SEED = 41
RECORDS_PER_SECOND = 5_000.0  # what a worker keeps up with: of minutes that lag, more would wait than is held


@dataclass(frozen=True, slots=True)
class Learned:
    """The state of each segment by the partition and the key under which it is kept, how far it reaches, and what
    follows within an hour from what was asked by then: answers, and feedback."""

    until: datetime
    states: dict[tuple[int, bytes], bytes]
    follows: list[Record]


def stretches(now: datetime) -> Iterator[tuple[datetime, timedelta, float]]:
    """Yield the beginning and length of each stretch of a week, and its share of the busy hour's traffic.

    Outages are measured of what is known, so a week has to have been seen. That this hour of the day is the busy one
    saves most of the records.
    """
    first = now.replace(minute=0, second=0, microsecond=0)
    for days in range(7, 0, -1):
        yield first - days * DAY, HOUR, 1.0
        yield first - days * DAY + HOUR, DAY - HOUR, CALM
    yield first, now - first, 1.0


async def kept(settings: Settings) -> dict[tuple[int, bytes], bytes]:
    """Read what the detectors have kept: the last state of each segment."""
    topic, states = changelog(settings), dict[tuple[int, bytes], bytes]()
    consumer = AIOKafkaConsumer(topic, **connection(settings).options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        while records := await consumer.getmany(timeout_ms=3000):
            states |= {(r.partition, r.key): r.value for several in records.values() for r in several}
    finally:
        await consumer.stop()
    return states


async def give(settings: Settings, learned: Learned) -> None:
    """Put states where a worker with these settings looks for its own when it starts."""
    options = connection(settings).options()
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        compacted = {"cleanup.policy": "compact"}
        await admin.create_topics([NewTopic(changelog(settings), settings.partitions, 1, topic_configs=compacted)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(**options, max_request_size=16 << 20) as producer:
        for (partition, key), state in learned.states.items():
            await producer.send_and_wait(changelog(settings), state, key=key, partition=partition)


def changelog(settings: Settings) -> str:
    return f"{settings.group}-detector-state-changelog"


def live_through(watched: Watched, per_second: float) -> Learned:
    """Let a worker see the past, in the order in which it came: feedback comes for days."""
    now = datetime.now(UTC).replace(microsecond=0)
    plans = (
        Plan(start, duration, round(share * per_second * duration.total_seconds()), SEED + number, until=now + HOUR)
        for number, (start, duration, share) in enumerate(stretches(now))
    )
    records = heapq.merge(*(simulate(plan)[0] for plan in plans), key=attrgetter("timestamp_ms"))
    follows: list[Record] = []

    def until_now() -> Iterator[Record]:
        for record in records:
            if record.timestamp_ms > now.timestamp() * 1000:
                follows.append(record)
                break
            yield record
        follows.extend(records)

    watched.send(until_now(), speed=RECORDS_PER_SECOND)
    watched.settle()
    return Learned(now, asyncio.run(kept(watched.settings)), follows)
