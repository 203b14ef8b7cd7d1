"""Records reach Kafka, all of them, in their partition's order and with their own times; what is refused is counted."""

import os
import time
import uuid
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.broker import KafkaServer
from deploy.local.processes import free_port
from streams.kafka import Connection
from streams.produce import Produced, Record, Speed, produce, speed_of
from streams.scenarios import Duplicates, Poison
from streams.simulate import to_kafka
from streams.topics import NATIVE, KafkaUnreachable
from streams.traffic.plan import Plan, week_start

TOPIC = "inference.responses"


@pytest.fixture
async def prefix(broker: KafkaServer) -> str:
    """A prefix of its own for each test, with the native topics under it."""
    prefix = f"t{uuid.uuid4().hex[:8]}."
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(prefix + topic.name, 3, 1) for topic in NATIVE])
    await admin.close()
    return prefix


async def consumed(broker: KafkaServer, *topics: str) -> list[ConsumerRecord[bytes, bytes]]:
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        records = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for some in (await consumer.getmany(timeout_ms=500)).values():
                records += some
        return records
    finally:
        await consumer.stop()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_a_simulation_arrives_as_it_was_simulated(broker: KafkaServer, prefix: str) -> None:
    plan = Plan(week_start("2026-W40"), timedelta(days=1), 400, scenarios=(Poison(share=0.15), Duplicates(share=0.1)))
    truth, produced = await to_kafka(plan, Connection(broker.bootstrap), prefix)
    assert produced.confirmed == truth.records
    assert not produced.refused
    arrived = await consumed(broker, *(prefix + topic.name for topic in NATIVE))
    assert len(arrived) == truth.records.total()
    assert {len(record.value or b"") > 2_000_000 for record in arrived} == {True, False}, "2 MB pass when compressed"
    start_ms = plan.start.timestamp() * 1000
    assert all(start_ms <= record.timestamp < start_ms + 8 * 24 * 3_600_000 for record in arrived)
    keys = [record.key for record in arrived]
    assert len(set(keys) - {None}) >= 400
    partition_of = {(record.topic, record.key): record.partition for record in arrived if record.key}
    assert all(partition_of[record.topic, record.key] == record.partition for record in arrived if record.key)


async def test_a_refused_record_is_counted_and_takes_no_other_with_it(broker: KafkaServer, prefix: str) -> None:
    noise = os.urandom(2_000_000)  # does not compress
    records = [Record(TOPIC, b"one key", b"%d" % number, 1_790_000_000_000) for number in range(20)]
    records.insert(10, Record(TOPIC, b"one key", noise, 1_790_000_000_000))
    records.insert(5, Record(TOPIC, b"one key", bytes(20_000_000), 1_790_000_000_000))
    ahead_ms = now_ms() + 30 * 24 * 3_600_000
    records.insert(15, Record(TOPIC, b"one key", b"next month", ahead_ms))
    produced = await produce(records, Connection(broker.bootstrap), prefix)
    arrived = await consumed(broker, prefix + TOPIC)
    small = [record.value for record in arrived if record.value and len(record.value) < 3]
    assert sorted(small, key=int) == [b"%d" % number for number in range(20)]
    refused = {"tansu": 1, "apache-kafka": 3}[broker.name]  # the embedded broker takes what its client lets through
    assert produced == Produced({TOPIC: 23 - refused}, {TOPIC: refused})  # type: ignore[arg-type]  # compares as a Counter
    assert len(arrived) == 23 - refused
    assert produced.records == 23


async def test_one_key_keeps_its_order(broker: KafkaServer, prefix: str) -> None:
    told: list[int] = []
    records = [Record(TOPIC, b"k%d" % (n % 7), b"%d" % n, 1_790_000_000_000 + n) for n in range(5000)]
    await produce(records, Connection(broker.bootstrap), prefix, progress=told.append)
    arrived = await consumed(broker, prefix + TOPIC)
    for key in {record.key for record in records}:
        mine = [int(record.value or b"") for record in arrived if record.key == key]
        assert mine == sorted(mine)
    assert told == [1000, 2000, 3000, 4000, 5000]


async def test_a_speed_is_kept(broker: KafkaServer, prefix: str) -> None:
    records = [Record(TOPIC, None, b"x", 1_790_000_000_000) for _ in range(100)]
    began = time.monotonic()
    await produce(records, Connection(broker.bootstrap), prefix, speed=100.0)
    assert 0.9 <= time.monotonic() - began < 20


async def test_live_records_are_not_sent_before_their_time(broker: KafkaServer, prefix: str) -> None:
    began_ms = now_ms()
    sent: list[tuple[int, int]] = []
    records = [Record(TOPIC, None, b"x", began_ms + later) for later in (-1000, 200, 600, 1000)]
    await produce(
        records, Connection(broker.bootstrap), prefix, speed="live", progress=lambda n: sent.append((n, now_ms()))
    )
    assert sent[-1][0] == 4
    for number, at_ms in sent:
        assert at_ms >= records[number - 1].timestamp_ms
    assert now_ms() - began_ms < 5000


@pytest.mark.parametrize(("text", "means"), [("max", "max"), ("live", "live"), ("250", 250.0), ("0.5", 0.5)])
def test_a_speed_is_read_as_written(text: str, means: Speed) -> None:
    assert speed_of(text) == means


@pytest.mark.parametrize("text", ["fast", "0", "-1", "2x", "inf", "nan", ""])
def test_what_is_no_speed_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="give max, live, or a number of records a second"):
        speed_of(text)


async def test_a_broker_that_is_away_gets_one_line_with_the_cure() -> None:
    bootstrap = f"127.0.0.1:{free_port()}"
    with pytest.raises(KafkaUnreachable, match=rf"{bootstrap}.*sluice up.*SLUICE_KAFKA_BOOTSTRAP") as away:
        await produce([Record(TOPIC, None, b"x", 0)], Connection(bootstrap))
    assert "\n" not in str(away.value)
