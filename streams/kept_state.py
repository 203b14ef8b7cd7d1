"""What the detectors have kept in Kafka: the last signed state by segment, read as a worker reads it, and put back."""

import time
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from streams.kafka import connection
from streams.offsets import ends_of, partitions_of
from streams.produce import Record, produce
from streams.settings import Settings
from streams.topics import KafkaUnreachable, create

TABLE = "detector-state"
# By the broker's time: by their own, those of a worker whose clock is more than an hour ahead would be refused.
TOPIC = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}


async def sealed(settings: Settings) -> dict[str, bytes]:
    """Return the last state of each segment, still sealed; none before a worker has kept any.

    Raises KafkaUnreachable.
    """
    consumer = AIOKafkaConsumer(**connection(settings).options(), enable_auto_commit=False, fetch_max_wait_ms=50)
    found: dict[str, bytes] = {}
    try:
        await consumer.start()
        partitions = await partitions_of(consumer, {changelog(settings)})
        ends = await ends_of(consumer, partitions) if partitions else {}
        if partitions:
            await consumer.seek_to_beginning(*partitions)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found |= {record.key.decode(): record.value for record in records if record.key and record.value}
    except (KafkaError, OSError) as away:
        raise KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__) from None
    finally:
        await consumer.stop()
    return found


async def any_kept(settings: Settings) -> bool:
    """Say whether there is any state; nothing of it is read. Raises KafkaUnreachable."""
    consumer = AIOKafkaConsumer(**connection(settings).options(), enable_auto_commit=False, fetch_max_wait_ms=50)
    try:
        await consumer.start()
        partitions = await partitions_of(consumer, {changelog(settings)})
        return any((await ends_of(consumer, partitions)).values()) if partitions else False
    except (KafkaError, OSError) as away:
        raise KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__) from None
    finally:
        await consumer.stop()


async def put(settings: Settings, states: Mapping[str, bytes]) -> None:
    """Give Kafka the sealed states of segments, for workers to wake from. Raises KafkaUnreachable."""
    name = changelog(settings)
    await create(settings, [NewTopic(name, settings.partitions, settings.replication, topic_configs=TOPIC)])
    now_ms = time.time_ns() // 1_000_000
    # By key, as measurements are: so that whoever gets a segment's measurements has its state.
    records = [Record(name, segment.encode(), state, now_ms) for segment, state in sorted(states.items())]
    produced = await produce(records, connection(settings))
    if produced.refused:
        raise KafkaUnreachable(settings.kafka_bootstrap, "it refuses detectors' states")


def changelog(settings: Settings) -> str:
    """Name the topic of the state, as Faust does."""
    return f"{settings.group}-{TABLE}-changelog"
