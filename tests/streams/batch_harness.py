"""A topic with known ids and the worker processes that read it; what they noted is read back from their files."""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from tests.streams.batch_worker import WorkerConfig

VALUE_BYTES = 300


@dataclass
class WorkerProcess:
    """A worker, its log, and what it noted so far."""

    process: subprocess.Popen[bytes]
    out: Path
    log: Path
    notes: list[dict[str, Any]] = field(default_factory=list)
    _read: int = 0

    def look(self) -> list[dict[str, Any]]:
        if self.out.exists():
            with self.out.open("rb") as lines:
                lines.seek(self._read)
                fresh = lines.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read += len(whole)
            self.notes += [json.loads(line) for line in whole.splitlines()]
        return self.notes

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=90)

    @property
    def partitions(self) -> list[int]:
        """What it was assigned last."""
        return next((note["ready"] for note in reversed(self.look()) if "ready" in note), [])


class Scene:
    """One topic, one consumer group; workers that are still alive are killed at the end."""

    def __init__(self, bootstrap: str, directory: Path, partitions: int = 4) -> None:
        self.bootstrap = bootstrap
        self.directory = directory
        self.partitions = partitions
        self.topic = f"batched-{uuid.uuid4().hex[:12]}"
        self.plain_topic = f"{self.topic}-plain"
        self.group = f"group-{self.topic}"
        self.gate = directory / "gate"
        self.workers: list[WorkerProcess] = []
        # Not asked of the broker: Tansu's ListOffsets gives the base offset of the last batch.
        self.ends: dict[str, dict[int, int]] = {self.topic: {}, self.plain_topic: {}}

    async def __aenter__(self) -> Self:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await self._admin.start()
        await self._admin.create_topics(
            [NewTopic(name, self.partitions, 1) for name in (self.topic, self.plain_topic)], timeout_ms=10_000
        )
        self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        await self._producer.stop()
        await self._admin.close()

    def start(self, **config: Any) -> WorkerProcess:
        name = f"worker-{len(self.workers)}"
        out, log = self.directory / f"{name}.jsonl", self.directory / f"{name}.log"
        whole = WorkerConfig(self.bootstrap, self.group, self.topic, str(out), self.partitions, **config)
        command = [sys.executable, "-m", "tests.streams.batch_worker", whole.dumps()]
        stream: IO[bytes]
        with log.open("wb") as stream:
            process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        self.workers.append(WorkerProcess(process, out, log))
        return self.workers[-1]

    async def produce(self, ids: Iterable[int], topic: str | None = None, rate: float | None = None) -> None:
        """Send records that begin with their id; id % partitions is the partition, each has three keys of its own."""
        begun, sent = time.monotonic(), []
        for number, identity in enumerate(ids):
            partition = identity % self.partitions
            key, value = f"{partition}-{identity // self.partitions % 3}", f"{identity:012d}".ljust(VALUE_BYTES, ".")
            sent.append(
                await self._producer.send(topic or self.topic, value.encode(), key=key.encode(), partition=partition)
            )
            if rate is not None and number % 100 == 0:
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        for done in await asyncio.gather(*sent):
            self.ends[done.topic][done.partition] = done.offset + 1

    def notes(self, what: str) -> list[dict[str, Any]]:
        return [note for worker in self.workers for note in worker.look() if what in note]

    def ids(self) -> Counter[int]:
        """How often each id was confirmed."""
        return Counter(identity for note in self.notes("ids") for identity in note["ids"])

    async def until(self, reached: Callable[[], bool], seconds: float = 120.0, what: str = "it") -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s\n{self._logs()}"
            await asyncio.sleep(0.1)

    async def until_confirmed(self, count: int, seconds: float = 120.0) -> None:
        await self.until(lambda: len(self.ids()) >= count, seconds, f"{count} ids confirmed")

    async def committed(self, topic: str | None = None) -> dict[int, int | None]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False)
        await consumer.start()
        try:
            tps = self._tps(topic)
            consumer.assign(tps)
            return {tp.partition: await consumer.committed(tp) for tp in tps}
        finally:
            await consumer.stop()

    async def until_committed(self, topic: str | None = None, seconds: float = 60.0) -> None:
        """Wait until the group has committed the end of every partition that was produced to."""
        ends, deadline = self.ends[topic or self.topic], time.monotonic() + seconds
        while not ends.items() <= (committed := await self.committed(topic)).items():
            assert time.monotonic() < deadline, f"committed {committed}, the log ends at {ends}\n{self._logs()}"
            await asyncio.sleep(0.2)

    async def delete_before(self, partition: int, offset: int) -> None:
        await self._admin.delete_records({TopicPartition(self.topic, partition): RecordsToDelete(offset)})

    def _tps(self, topic: str | None) -> list[TopicPartition]:
        return [TopicPartition(topic or self.topic, partition) for partition in range(self.partitions)]

    def _logs(self) -> str:
        return "\n".join(f"--- {worker.log.name}\n{worker.log.read_text()[-3000:]}" for worker in self.workers)
