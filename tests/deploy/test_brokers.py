"""What every broker of ours must do for Sluice: one suite, run against the embedded broker and Apache Kafka."""

import asyncio
import itertools
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError, for_code

from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.kafka import CURE, ApacheKafka, missing
from tests.conftest import require_kafka_or_skip

ROOT = Path(__file__).parents[2]
PARTITIONS = 3


@pytest.fixture
async def topic(broker: KafkaServer) -> str:
    """A new topic of PARTITIONS partitions."""
    name = f"t-{uuid4().hex[:12]}"
    assert await _create(broker, name) == 0
    return name


async def _create(broker: KafkaServer, topic: str) -> int:
    """Create a topic; Kafka's error code, 0 for none."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        return int(answer.topic_errors[0][1])
    finally:
        await admin.close()


async def _produce(broker: KafkaServer, topic: str, values: list[bytes], partition: int = 0) -> list[int]:
    """Produce and confirm, in order; the offsets."""
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=8 << 20) as producer:
        sent = [await producer.send(topic, value, partition=partition) for value in values]
        return [(await record).offset for record in sent]


async def _read(broker: KafkaServer, topic: str, count: int, partition: int = 0) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    at = TopicPartition(topic, partition)
    async with consumer, asyncio.timeout(20):
        consumer.assign([at])
        return [(await consumer.getone(at)).value for _ in range(count)]


async def test_topics_are_created_once(broker: KafkaServer, topic: str) -> None:
    assert for_code(await _create(broker, topic)).__name__ == "TopicAlreadyExistsError"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    described = await admin.describe_topics([topic])
    await admin.close()
    assert len(described[0]["partitions"]) == PARTITIONS


async def test_records_come_back_whole_and_in_order(broker: KafkaServer, topic: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        sent = [
            await producer.send_and_wait(topic, b"%d" % i, key=b"k", headers=[("h", bytes([i]))], timestamp_ms=i + 1)
            for i in range(3)
        ]
        await producer.send_and_wait(topic, None, key=b"k")
    at = TopicPartition(topic, sent[0].partition)
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([at])
        read = [await asyncio.wait_for(consumer.getone(at), 90) for _ in range(4)]
    assert [(r.offset, r.value) for r in read] == [(0, b"0"), (1, b"1"), (2, b"2"), (3, None)]
    assert [(r.key, r.headers, r.timestamp) for r in read[:3]] == [
        (b"k", (("h", bytes([i])),), i + 1) for i in range(3)
    ]


@pytest.mark.parametrize("compression", ["gzip", "lz4", "zstd"])
async def test_compressed_batches(broker: KafkaServer, topic: str, compression: str) -> None:
    values = [b"%d" % i * 50 for i in range(500)]
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, compression_type=compression, linger_ms=20)
    async with producer:
        for record in [await producer.send(topic, value, partition=1) for value in values]:
            await record
    assert await _read(broker, topic, len(values), partition=1) == values


async def test_a_group_goes_on_where_it_committed(broker: KafkaServer, topic: str) -> None:
    await _produce(broker, topic, [b"%d" % i for i in range(10)])
    read: list[bytes] = []
    for _ in range(2):
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=broker.bootstrap,
            group_id=f"group-of-{topic}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=2000,  # the embedded broker lets a first member in after half of it
            heartbeat_interval_ms=300,
        )
        async with consumer, asyncio.timeout(40):
            read += [(await consumer.getone()).value for _ in range(5)]
            await consumer.commit({TopicPartition(topic, 0): len(read)})
    assert read == [b"%d" % i for i in range(10)]


async def test_a_record_of_2_mb(broker: KafkaServer, topic: str) -> None:
    """Stock Kafka refuses a batch over 1 MiB (message.max.bytes); the embedded broker has no such limit."""
    record = bytes(itertools.islice(itertools.cycle(range(256)), 2_000_000))
    if broker.name == "apache-kafka":
        with pytest.raises(MessageSizeTooLargeError):
            await _produce(broker, topic, [record])
        assert await _produce(broker, topic, [record[:1_000_000]]) == [0]
        assert await _read(broker, topic, 1) == [record[:1_000_000]]
    else:
        assert await _produce(broker, topic, [record]) == [0]
        assert await _read(broker, topic, 1) == [record]


async def test_embedded_broker_forgets_when_it_is_killed() -> None:
    with EmbeddedBroker() as broker:
        await _create(broker, "t")
        await _produce(broker, "t", [b"a"])
        broker.kill()
        broker.start()
        assert await _create(broker, "t") == 0, "the topic was gone"


async def test_apache_kafka_keeps_confirmed_records_when_it_is_killed() -> None:
    require_kafka_or_skip()
    with ApacheKafka() as broker:
        await _create(broker, "t")
        await _produce(broker, "t", [b"a", b"b"])
        broker.kill()
        broker.start()
        assert await _produce(broker, "t", [b"c"]) == [2]
        assert await _read(broker, "t", 3) == [b"a", b"b", b"c"]


def test_apache_kafka_leaves_nothing_behind() -> None:
    require_kafka_or_skip()
    broker = ApacheKafka()
    properties = Path(broker.command()[-1])  # formats its storage
    assert properties.exists()
    broker.stop()
    assert not properties.parent.exists()


def test_fetching_again_does_nothing() -> None:
    require_kafka_or_skip()
    fetched = _fetch(path="")  # neither Java nor Maven in reach
    assert (fetched.returncode, fetched.stderr) == (0, "")


def test_fetching_without_java_or_maven_names_the_cure(tmp_path: Path) -> None:
    """In a copy of the project's part that fetches, where nothing was fetched yet."""
    for source in [*ROOT.glob("deploy/__init__.py"), *ROOT.glob("deploy/local/*")]:
        if source.is_file():
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    fetched = _fetch(path="", cwd=tmp_path)
    assert (fetched.returncode, fetched.stderr) == (1, f"java is not on the PATH: {CURE}\n")


@pytest.mark.parametrize(("required", "outcome"), [("1", "1 failed"), ("", "1 skipped")])
def test_an_absent_kafka_is_skipped_unless_it_is_required(required: str, outcome: str) -> None:
    """The suite itself, run where there is no Java."""
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    chosen = ["-k", "test_apache_kafka_keeps_confirmed_records_when_it_is_killed"]
    environment = {"PATH": "", "REQUIRE_KAFKA": required}
    ran = subprocess.run([*suite, *chosen], check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert outcome in ran.stdout
    assert f"Apache Kafka needs Java, which is not on the PATH: {CURE}" in ran.stdout
    assert ran.returncode == (1 if required else 0)


def test_what_is_missing_is_nothing_or_names_the_cure() -> None:
    assert missing() is None or CURE in str(missing())


def _fetch(path: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.kafka", "fetch"],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PATH": path},
    )
