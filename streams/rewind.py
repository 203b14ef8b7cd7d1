"""The group is put back to offsets that it has read before, so that workers read again what was lost; twice is once."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalGenerationError, KafkaError, UnknownMemberIdError

from sinks.ledger import PartitionLedger
from streams import topics
from streams.kafka import connection
from streams.movement import Partition
from streams.offsets import Progress
from streams.settings import Settings


class RewindRefused(Exception):
    """Kafka will not put the group back; the message names the cure."""


@dataclass(frozen=True, slots=True)
class Rewound:
    """A partition that was put back. `wanted` is before `to` where Kafka has deleted what lay between."""

    topic: str
    partition: int
    at: int
    to: int
    wanted: int


def to_gaps(ledgers: list[PartitionLedger]) -> dict[Partition, int]:
    """Return the first offset of each partition that is committed and not in the ledger."""
    return {(each.topic, each.partition): min(each.gaps)[0] for each in ledgers if each.gaps}


def to_first_records(settings: Settings, read: Progress) -> dict[Partition, int]:
    """Return the begin of every partition of what gateways sent: after a table was lost."""
    sources = topics.sources(settings)
    return {place: 0 for place in read.committed if place[0] in sources}


def to_first_measurements(settings: Settings, read: Progress) -> dict[Partition, int]:
    """Return the begin of every partition of the measurements: after the detectors' state was lost."""
    return {place: 0 for place in read.committed if place[0] == settings.topic_prefix + topics.MEASUREMENTS.name}


async def rewind(settings: Settings, wanted: Mapping[Partition, int]) -> list[Rewound]:
    """Put partitions back as far as wanted, or as far as Kafka still has records; none goes forward.

    Raises KafkaUnreachable, and RewindRefused while workers of the group run.
    """
    consumer = AIOKafkaConsumer(**connection(settings).options(), group_id=settings.group, enable_auto_commit=False)
    try:
        await consumer.start()
        places = [TopicPartition(*place) for place in sorted(wanted)]
        consumer.assign(places)
        first = await consumer.beginning_offsets(places)
        at = {tp: await consumer.committed(tp) or 0 for tp in places}
        back = [
            Rewound(tp.topic, tp.partition, at[tp], to, wanted[tp.topic, tp.partition])
            for tp in places
            if (to := max(wanted[tp.topic, tp.partition], first[tp])) < at[tp]
        ]
        if back:
            await _commit(consumer, {TopicPartition(each.topic, each.partition): each.to for each in back}, settings)
    except (KafkaError, OSError) as away:
        raise topics.KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__) from None
    finally:
        await consumer.stop()
    return back


async def _commit(consumer: AIOKafkaConsumer, to: Mapping[TopicPartition, int], settings: Settings) -> None:
    try:
        await consumer.commit(to)
    except (CommitFailedError, UnknownMemberIdError, IllegalGenerationError):
        raise RewindRefused(
            f"Workers of the group {settings.group} run, and Kafka keeps its offsets for them: stop all of them "
            "(one that was killed counts for another 10 s or so), and try again."
        ) from None
