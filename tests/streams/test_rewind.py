"""A group is put back to what it lost, never forward, no further than Kafka has records, and not while it works."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.broker import KafkaServer
from sinks.ledger import PartitionLedger
from streams import offsets, topics
from streams.rewind import RewindRefused, Rewound, rewind, to_first_measurements, to_first_records, to_gaps
from streams.settings import Settings, load


@pytest.fixture
async def settings(broker: KafkaServer) -> Settings:
    """A group that has read ten records of each of two topics."""
    name = uuid4().hex[:10]
    made = load(kafka_bootstrap=broker.bootstrap, topic_prefix=f"r{name}.", group=f"g{name}", partitions=1)
    await topics.ensure(made)
    read = [TopicPartition(made.topic_prefix + each.name, 0) for each in (topics.REQUESTS, topics.MEASUREMENTS)]
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for tp in read:
            for _ in range(10):
                await producer.send_and_wait(tp.topic, b"x", partition=0)
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap, group_id=made.group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(read)
        await consumer.commit(dict.fromkeys(read, 10))
    return made


async def test_a_group_goes_back_to_its_gap_and_nowhere_else(settings: Settings) -> None:
    requests = settings.topic_prefix + topics.REQUESTS.name
    wanted = to_gaps([PartitionLedger(requests, 0, 0, 9, 2, [(3, 4), (7, 7)])])
    assert await rewind(settings, wanted) == [Rewound(requests, 0, at=10, to=3, wanted=3)]
    committed = (await offsets.progress(settings)).committed
    assert committed == {(requests, 0): 3, (settings.topic_prefix + topics.MEASUREMENTS.name, 0): 10}
    assert await rewind(settings, {(requests, 0): 8}) == [], "what it will read anyway is not skipped"


async def test_records_and_measurements_go_back_to_their_begin(settings: Settings) -> None:
    read = await offsets.progress(settings)
    records, measurements = to_first_records(settings, read), to_first_measurements(settings, read)
    assert records == {(settings.topic_prefix + topics.REQUESTS.name, 0): 0}
    assert measurements == {(settings.topic_prefix + topics.MEASUREMENTS.name, 0): 0}
    await rewind(settings, records | measurements)
    assert set((await offsets.progress(settings)).committed.values()) == {0}


async def test_a_group_at_work_is_left_alone(settings: Settings) -> None:
    requests = settings.topic_prefix + topics.REQUESTS.name
    member = AIOKafkaConsumer(requests, bootstrap_servers=settings.kafka_bootstrap, group_id=settings.group)
    async with member:
        await member.getmany(timeout_ms=500)
        with pytest.raises(RewindRefused, match=r"Workers of the group .* run.*stop all of them"):
            await rewind(settings, {(requests, 0): 0})
