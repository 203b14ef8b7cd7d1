"""What the detectors have kept in Kafka is read as a worker does when it starts: the last signed state by segment."""

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streams.kafka import connection
from streams.offsets import ends_of, partitions_of
from streams.settings import Settings
from streams.topics import KafkaUnreachable

TABLE = "detector-state"


async def sealed(settings: Settings) -> dict[str, bytes]:
    """Return the last state of each segment, still sealed; none before a worker has kept any.

    Raises KafkaUnreachable.
    """
    consumer = AIOKafkaConsumer(**connection(settings).options(), enable_auto_commit=False, fetch_max_wait_ms=50)
    found: dict[str, bytes] = {}
    try:
        await consumer.start()
        partitions = await partitions_of(consumer, {f"{settings.group}-{TABLE}-changelog"})
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
