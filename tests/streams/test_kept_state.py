"""What detectors keep in Kafka: a broker takes it whatever the worker's clock says, and says whether there is any."""

import time
from uuid import uuid4

from aiokafka.admin import NewTopic

from deploy.local.broker import KafkaServer
from streams import kept_state, topics
from streams.kafka import connection
from streams.produce import Record, produce
from streams.settings import load

DAY_MS = 86_400_000


async def test_state_is_kept_by_a_worker_whose_clock_is_a_day_off(broker: KafkaServer) -> None:
    settings = load(kafka_bootstrap=broker.bootstrap, group=f"k{uuid4().hex[:10]}", partitions=1)
    assert not await kept_state.any_kept(settings), "there is no topic yet"
    name = kept_state.changelog(settings)
    await topics.create(settings, [NewTopic(name, 1, 1, topic_configs=kept_state.TOPIC)])
    assert not await kept_state.any_kept(settings)
    now_ms = time.time_ns() // 1_000_000
    records = [Record(name, b"%d" % off, b"sealed", now_ms + off) for off in (-DAY_MS, DAY_MS)]
    produced = await produce(records, connection(settings))
    assert (produced.confirmed.total(), produced.refused.total()) == (2, 0)
    assert await kept_state.any_kept(settings)
    assert len(await kept_state.sealed(settings)) == 2
