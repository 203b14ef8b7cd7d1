"""How far a group is, asked without joining it: committed offsets and ends of logs, on every broker."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.broker import KafkaServer
from deploy.local.processes import free_port
from streams import offsets, topics
from streams.offsets import Progress
from streams.settings import Settings, load


@pytest.fixture
def settings(broker: KafkaServer) -> Settings:
    name = uuid4().hex[:10]
    return load(kafka_bootstrap=broker.bootstrap, topic_prefix=f"o{name}.", group=f"g{name}", partitions=2)


async def _produce(settings: Settings, topic: str, counts: dict[int, int]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap) as producer:
        for partition, count in counts.items():
            batch = producer.create_batch()
            for n in range(count):
                batch.append(key=None, value=b"%d" % n, timestamp=None)
            await (await producer.send_batch(batch, settings.topic_prefix + topic, partition=partition))


async def _commit(settings: Settings, topic: str, committed: dict[int, int]) -> None:
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=settings.group, enable_auto_commit=False
    ) as consumer:
        at = {
            TopicPartition(settings.topic_prefix + topic, partition): offset for partition, offset in committed.items()
        }
        consumer.assign(list(at))
        await consumer.commit(at)


async def test_topics_that_are_not_there_are_no_lag_and_asking_makes_none(settings: Settings) -> None:
    found = await offsets.progress(settings)
    assert (found.committed, found.ends, found.lag) == ({}, {}, 0)
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap) as consumer:
        assert not [name for name in await consumer.topics() if name.startswith(settings.topic_prefix)]


async def test_ends_and_commits_are_told_for_every_topic_that_is_read(settings: Settings) -> None:
    await topics.ensure(settings)
    requests, measurements = (settings.topic_prefix + each.name for each in (topics.REQUESTS, topics.MEASUREMENTS))
    await _produce(settings, topics.REQUESTS.name, {0: 7, 1: 3})
    await _produce(settings, topics.MEASUREMENTS.name, {1: 4})
    await _produce(settings, topics.FINDINGS.name, {0: 50})  # which Sluice does not read
    await _commit(settings, topics.REQUESTS.name, {0: 5})
    found = await offsets.progress(settings)
    assert found.committed == {(requests, 0): 5}
    assert {tp: end for tp, end in found.ends.items() if end} == {
        (requests, 0): 7,
        (requests, 1): 3,
        (measurements, 1): 4,
    }
    assert len(found.ends) == 5 * 2
    assert found.lag == 2 + 3 + 4

    await _commit(settings, topics.REQUESTS.name, {0: 7, 1: 3})
    await _commit(settings, topics.MEASUREMENTS.name, {1: 4})
    assert (await offsets.progress(settings)).lag == 0


async def test_asking_does_not_make_the_group_move(settings: Settings) -> None:
    await topics.ensure(settings)
    await _produce(settings, topics.REQUESTS.name, {0: 1})
    name = settings.topic_prefix + topics.REQUESTS.name
    async with AIOKafkaConsumer(
        name, bootstrap_servers=settings.kafka_bootstrap, group_id=settings.group, auto_offset_reset="earliest"
    ) as member:
        await member.getone()
        assigned = member.assignment()
        await offsets.progress(settings)
        await member.getmany(timeout_ms=300)
        assert member.assignment() == assigned
        assert len(assigned) == 2


async def test_a_broker_that_is_away_is_said_with_the_cure() -> None:
    port = free_port()
    with pytest.raises(topics.KafkaUnreachable, match="SLUICE_KAFKA_BOOTSTRAP"):
        await offsets.progress(load(kafka_bootstrap=f"127.0.0.1:{port}"))


def test_lag_is_what_is_written_and_not_confirmed() -> None:
    assert Progress({}, {}).lag == 0
    assert Progress({("t", 0): 4}, {("t", 0): 10, ("t", 1): 3}).lag == 9
