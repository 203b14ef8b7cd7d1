"""A Sluice of a test's own on shared servers: topics, group and database of one name, workers as child processes."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from deploy.local.processes import free_port
from sinks import ledger
from sinks.clickhouse import connect, migrate
from sinks.ledger import PartitionLedger
from streams import offsets, topics
from streams.settings import Settings
from streams.stack import LocalWorker

REQUESTS, RESPONSES, FEEDBACK = (topic.name for topic in topics.NATIVE)
PARTITIONS = 4
PATIENCE_S = 180.0  # which costs nothing where all goes well
WAKES_WITHIN_S = 2.0
LARGEST = 8 * 1024 * 1024  # bytes of a record that the topics take
KEY = "0123456789abcdef" * 2


class Message(NamedTuple):
    """A record as a gateway sends it; `topic` is named without the prefix, `partition` None leaves it to the key."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class Place(NamedTuple):
    """Where a record came to lie; the topic is named without the prefix."""

    topic: str
    partition: int
    offset: int


class World:
    """Topics under a prefix, a consumer group and a ClickHouse database, all with the same new name."""

    def __init__(self, bootstrap: str, clickhouse_url: str, folder: Path, **changes: Any) -> None:
        name = f"w{uuid4().hex[:12]}"
        own: dict[str, Any] = {
            "kafka_bootstrap": bootstrap,
            "clickhouse_url": f"{clickhouse_url}/{name}",
            "group": name,
            "topic_prefix": f"{name}.",
            "partitions": PARTITIONS,
            "state_key": SecretStr(KEY),
            "batches": folder / "batches",
            "rebalance_seconds": 4.0,
            "checkpoint_seconds": 1.0,
            "event_bytes": 1_000_000,
            "linger_seconds": 0.1,
        }
        self.settings = Settings(**own | changes)
        self.folder = folder
        self.produced: Counter[str] = Counter()
        self.workers: list[LocalWorker] = []
        self._client: Client | None = None

    def __enter__(self) -> Self:
        asyncio.run(self._create_topics())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            if error is not None and worker.log.exists():
                error.add_note(f"--- {worker.log.name} ends:\n{worker.log.read_text()[-3000:]}")
            worker.kill()
            worker.stop()
        if self._client is not None:
            self._client.close()

    # ---- workers

    def start(self, **changes: Any) -> LocalWorker:
        """Start a worker with these settings changed; return when it serves metrics, it may join its group later."""
        worker = self.worker(**changes)
        worker.start()
        return worker

    def worker(self, make: Callable[[Settings, Path], LocalWorker] = LocalWorker, /, **changes: Any) -> LocalWorker:
        """Return a worker with these settings changed, which is not started yet."""
        settings = self.settings.model_copy(update={"web_port": free_port()} | changes)
        worker = make(settings, self.folder / f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        return worker

    def sluice(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of `sluice` with the world's settings in its environment."""
        # Not click's runner: it swaps this process's environment and stdout, under the feet of other threads' worlds.
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env={**os.environ, **LocalWorker(self.settings).environment()},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    # ---- Kafka

    def produce(self, messages: Iterable[Message], rate: float | None = None) -> list[Place]:
        """Send records, `rate` of them a second, and wait until the broker has confirmed all of them."""
        places = asyncio.run(self._produce(list(messages), rate))
        self.produced.update(place.topic for place in places)
        return places

    @contextmanager
    def load(self, messages: Iterable[Message], rate: float = 2_000.0) -> Iterator[None]:
        """Send records while the body runs; what is left of them after it is still sent."""
        with ThreadPoolExecutor(1) as thread:
            sending = thread.submit(self.produce, messages, rate)
            yield
            sending.result()

    def replay(self, file: Path) -> None:
        """Replay a file as fast as the broker takes it, by the command."""
        replayed = self.sluice("replay", str(file))
        assert replayed.returncode == 0, replayed.stderr
        prefix = re.escape(self.settings.topic_prefix)
        for count, topic in re.findall(rf"^([\d,]+) records to {prefix}(\S+)$", replayed.stdout, re.MULTILINE):
            self.produced[topic] += int(count.replace(",", ""))

    def consumed(self, topic: str, count: int) -> list[bytes]:
        """Read the values of a topic's records from its beginning; there have to be this many by now."""
        return asyncio.run(self._consumed(self.settings.topic_prefix + topic, count))

    async def _create_topics(self) -> None:
        # Larger records than Kafka takes by default, so that it is Sluice that has to say no.
        configs = {"max.message.bytes": str(LARGEST), "message.timestamp.type": "LogAppendTime"}
        names = [self.settings.topic_prefix + topic.name for topic in topics.NATIVE]
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs=configs) for name in names])
        finally:
            await admin.close()
        await topics.ensure(self.settings)

    async def _produce(self, messages: list[Message], rate: float | None) -> list[Place]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap, max_request_size=LARGEST, linger_ms=5
        )
        await producer.start()
        begun, sent = time.monotonic(), []
        try:
            for number, each in enumerate(messages):
                topic = self.settings.topic_prefix + each.topic
                sent.append(
                    await producer.send(
                        topic, each.value, key=each.key, partition=each.partition, headers=list(each.headers)
                    )
                )
                if rate is not None and number % 100 == 0:
                    await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            done = await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return [Place(each.topic, one.partition, one.offset) for each, one in zip(messages, done, strict=True)]

    async def _consumed(self, topic: str, count: int) -> list[bytes]:
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        values: list[bytes] = []
        deadline = time.monotonic() + PATIENCE_S
        try:
            while len(values) < count:
                assert time.monotonic() < deadline, f"{len(values)} of {count} records in {topic}"
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    values += [record.value for record in records]
        finally:
            await consumer.stop()
        return values

    # ---- ClickHouse

    def use_clickhouse(self, url: str) -> None:
        """Use another server than the shared one; called before anything else."""
        self.settings = self.settings.model_copy(
            update={"clickhouse_url": f"{url}/{self.settings.clickhouse_url.rpartition('/')[2]}"}
        )

    @property
    def client(self) -> Client:
        """A connection to the world's database, whose tables are there from the first look on."""
        if self._client is None:
            self._client = connect(self.settings.clickhouse_url)
            migrate(self._client)
        return self._client

    def rows(self, query: str, **parameters: object) -> list[Any]:
        return list(self.client.query(query, parameters).result_rows)

    def count(self, table: str) -> int:
        """Count a table's or view's rows after all merges."""
        final = "" if table in ("inferences", "feedback", "findings") else " FINAL"
        ((count,),) = self.rows(f"SELECT count() FROM {table}{final}")  # noqa: S608  # our own names
        return int(count)

    # ---- waiting and proof

    def until_at_least(self, count: Callable[[], float], wanted: float, what: str) -> None:
        """Wait until there are so many of something."""
        deadline = time.monotonic() + PATIENCE_S
        while (so_far := count()) < wanted:
            assert time.monotonic() < deadline, f"{so_far:g} of {wanted:g} {what} within {PATIENCE_S:g} s"
            time.sleep(0.05)

    def lag(self) -> int:
        """Count records that are written and not yet confirmed, measurements included."""
        return asyncio.run(offsets.progress(self.settings)).lag

    def held(self) -> float:
        """Count answers that wait in the running workers for other partitions to come as far."""
        return sum(worker.metric("sluice_held_rows") for worker in self.workers if worker.exit_code is None)

    def settle(self) -> list[PartitionLedger]:
        """Wait until every record is accounted for, committed, and seen by the detectors; then prove it.

        Returns the ledger, which has no gap and covers all of the topics, and all that was produced.
        """
        deadline, quiet_since = time.monotonic() + PATIENCE_S, None
        # A worker that has just taken over wakes, with its next look at the clock, rows that nobody counts until then.
        while quiet_since is None or time.monotonic() - quiet_since < WAKES_WITHIN_S:
            progress = asyncio.run(offsets.progress(self.settings))
            if progress.lag or self.held():
                quiet_since = None
                running = sum(worker.exit_code is None for worker in self.workers)
                assert time.monotonic() < deadline, (
                    f"{progress.lag} records unconfirmed, {self.held():g} rows unwatched, {running} workers run"
                )
            elif quiet_since is None:
                quiet_since = time.monotonic()
            time.sleep(0.1)
        accounts = ledger.read(self.client, progress.committed)
        covered: Counter[str] = Counter()
        for account in accounts:
            assert account.gaps == []
            assert account.first_offset == 0
            assert account.last_offset + 1 == progress.ends[account.topic, account.partition]
            covered[account.topic.removeprefix(self.settings.topic_prefix)] += account.offsets
        native = (REQUESTS, RESPONSES, FEEDBACK)  # what the worker measured comes on top of what was sent to its topic
        found = {name: covered[name] for name in native}
        sent = {name: self.produced[name] for name in native}
        # A producer that had to try again may have written a record twice; the events' ids make it one again.
        assert all(found[name] >= sent[name] for name in native), f"the ledger covers {found}, produced were {sent}"
        return accounts


class Line(NamedTuple):
    """A line of a worker's log."""

    level: str
    logger: str
    message: str


def logged(worker: LocalWorker) -> list[Line]:
    """Read a worker's log, of which every line is one JSON object."""
    said = [json.loads(line) for line in worker.log.read_text().splitlines()]
    assert all("traceback" not in each for each in said), said
    return [Line(each["level"], each["logger"], each["message"]) for each in said]


def ended(worker: LocalWorker) -> int:
    """Wait until a worker ends by itself, and return its exit code."""
    deadline = time.monotonic() + PATIENCE_S
    while worker.exit_code is None:
        assert time.monotonic() < deadline, f"the worker still runs after {PATIENCE_S:g} s"
        time.sleep(0.05)
    return worker.exit_code
