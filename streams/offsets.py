"""How far the group and the topics are: committed offsets and ends of logs, asked without joining the group."""

import time
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams import topics
from streams.kafka import connection
from streams.settings import Settings

FETCH_S = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """For each (topic, partition): the next offset that the group will read, and the next to be written."""

    committed: dict[tuple[str, int], int]
    ends: dict[tuple[str, int], int]

    @property
    def lag(self) -> int:
        """Count the records that are written and not yet confirmed."""
        return sum(end - self.committed.get(tp, 0) for tp, end in self.ends.items())


async def progress(settings: Settings) -> Progress:
    """Ask the broker about every topic that Sluice reads. Raises KafkaUnreachable."""
    consumer = AIOKafkaConsumer(
        **connection(settings).options(),
        group_id=settings.group,
        enable_auto_commit=False,
        fetch_max_wait_ms=50,  # fetches at the end of a log bring nothing but that end
    )
    try:
        await consumer.start()
        wanted = {*topics.sources(settings), settings.topic_prefix + topics.MEASUREMENTS.name}
        partitions = await partitions_of(consumer, wanted)
        # In this order: what was measured before a commit is in the ends, so that no lag means that nothing is left.
        committed = {tp: await consumer.committed(tp) for tp in partitions}
        ends = await ends_of(consumer, partitions)
    except (KafkaError, OSError) as away:
        raise topics.KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__) from None
    finally:
        await consumer.stop()
    return Progress(
        committed={(tp.topic, tp.partition): offset for tp, offset in committed.items() if offset is not None},
        ends={(tp.topic, tp.partition): end for tp, end in ends.items()},
    )


async def ends_of(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Ask for the ends of logs, and believe what a fetch says where it says more.

    Tansu answers the question with the beginning of the last batch, and tells the end with every fetch.
    """
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    consumer.assign(partitions)
    for tp, end in ends.items():
        consumer.seek(tp, end)
    deadline = time.monotonic() + FETCH_S
    while any(consumer.highwater(tp) is None for tp in partitions) and time.monotonic() < deadline:
        await consumer.getmany(timeout_ms=50)
    return {tp: max(end, consumer.highwater(tp) or 0) for tp, end in ends.items()}


async def partitions_of(consumer: AIOKafkaConsumer, wanted: set[str]) -> list[TopicPartition]:
    """Find the partitions of those topics that there are.

    All topics are asked for, by aiokafka's private client: a question about one makes it, where the broker makes
    topics by itself.
    """
    names = sorted(wanted & (await consumer.topics()))
    if names:
        await consumer._client.set_topics(names)
    return [TopicPartition(name, each) for name in names for each in sorted(consumer.partitions_for_topic(name) or ())]
