"""The topics of the map are made where they are missing, once, and what is there already is left as it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.broker import KafkaServer
from deploy.local.processes import free_port
from streams import topics
from streams.settings import Settings, load


@pytest.fixture
def settings(broker: KafkaServer) -> Settings:
    """Settings whose topics nobody else has."""
    return load(kafka_bootstrap=broker.bootstrap, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=3)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _partitions(settings: Settings) -> dict[str, int]:
    """Return how many partitions the topics with the settings' prefix have; Kafka tells of new ones after a moment."""
    async with _admin(settings) as admin, asyncio.timeout(10):
        mine: list[str] = []
        while len(mine) < len(topics.ALL):
            mine = [name for name in await admin.list_topics() if name.startswith(settings.topic_prefix)]
        return {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics(mine)}


def _named(settings: Settings, partitions: int) -> dict[str, int]:
    return {settings.topic_prefix + topic.name: partitions for topic in topics.ALL}


async def test_what_is_missing_is_made_once(settings: Settings) -> None:
    await topics.ensure(settings)
    assert await _partitions(settings) == _named(settings, 3)
    await topics.ensure(settings)
    assert await _partitions(settings) == _named(settings, 3)


async def test_a_topic_that_is_there_keeps_its_partitions(settings: Settings) -> None:
    requests = settings.topic_prefix + topics.REQUESTS.name
    async with _admin(settings) as admin:
        await admin.create_topics([NewTopic(requests, 5, 1)])
    await topics.ensure(settings)
    assert await _partitions(settings) == _named(settings, 3) | {requests: 5}


async def test_retention_and_whose_time_counts_are_set(settings: Settings) -> None:
    await topics.ensure(settings)
    await _partitions(settings)
    name = settings.topic_prefix + topics.FINDINGS.name
    async with _admin(settings) as admin:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    config = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert config["retention.ms"] == str(90 * 86_400_000)
    assert config["message.timestamp.type"] == "LogAppendTime"


async def test_what_the_broker_will_not_make_is_said_with_the_cure(settings: Settings, broker: KafkaServer) -> None:
    if broker.name == "tansu":
        pytest.skip("Tansu refuses no number of replicas")
    greedy = settings.model_copy(update={"replication": 9})
    with pytest.raises(
        topics.TopicRefused, match=r"will not make the topic \S+ \(InvalidReplication.*SLUICE_REPLICATION"
    ):
        await topics.ensure(greedy)


async def test_a_broker_that_is_away_is_said_with_the_cure() -> None:
    port = free_port()
    with pytest.raises(topics.KafkaUnreachable) as away:
        await topics.ensure(load(kafka_bootstrap=f"127.0.0.1:{port}"))
    said = str(away.value)
    assert said.startswith(f"Kafka does not answer at 127.0.0.1:{port} (")
    assert "set SLUICE_KAFKA_BOOTSTRAP" in said
    assert "\n" not in said


def test_the_map_says_of_each_topic_who_writes_and_who_reads() -> None:
    assert len({topic.name for topic in topics.ALL}) == len(topics.ALL) == 6
    for topic in topics.ALL:
        assert all(getattr(topic, name) for name in ("key", "written_by", "read_by"))
    assert replace(topics.FINDINGS, name="x").retention.days == 90
