"""A receiver at work: it listens in a thread of its own, and what it put into Kafka can be read back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.processes import free_port
from streams.gateways.base import Decoded, InvalidEvent
from streams.gateways.formats import FORMATS, decode
from streams.receiver.alone import serving
from streams.settings import Settings
from streams.topics import RECEIVED

TOKEN = "a-token-of-the-tests"  # noqa: S105  # and of nothing else
ANOTHER = "another-token-of-theirs"


@dataclass(frozen=True, slots=True)
class Taken:
    """A record that the receiver put into Kafka."""

    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int

    @property
    def form(self) -> str:
        return dict(self.headers)["sluice-format"].decode()

    def events(self) -> list[Decoded]:
        """Read it as the worker does."""
        limit = 8 * 1024 * 1024
        return list(decode(FORMATS[self.form], self.value, self.headers, limit=limit, ingest_ms=self.timestamp_ms))


class Receiving:
    """A receiver that runs in a loop of its own, beside a consumer that reads what it puts into Kafka."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self.url = f"http://{settings.web_host}:{settings.web_port}"
        self._loop = loop
        self._partition = TopicPartition(settings.topic_prefix + RECEIVED.name, 0)
        self._offset = 0

    def taken(self) -> list[Taken]:
        """Return the records that have come since the last call."""
        return asyncio.run_coroutine_threadsafe(self._from_kafka(), self._loop).result(120)

    def end(self, ended: asyncio.Event) -> None:
        self._loop.call_soon_threadsafe(ended.set)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap, enable_auto_commit=False, fetch_max_wait_ms=50
        )
        await self._consumer.start()
        try:
            self._consumer.assign([self._partition])
            self._consumer.pause(self._partition)
            yield
        finally:
            await self._consumer.stop()

    async def _from_kafka(self) -> list[Taken]:
        end = (await self._consumer.end_offsets([self._partition]))[self._partition]
        self._consumer.seek(self._partition, self._offset)
        self._consumer.resume(self._partition)
        records = [await self._consumer.getone() for _ in range(end - self._offset)]
        self._consumer.pause(self._partition)
        self._offset = end
        return [Taken(each.key, each.value, tuple(each.headers), each.timestamp) for each in records]


def settings_for(bootstrap: str, prefix: str, **other: object) -> Settings:
    held = {"receiver_tokens": f"{ANOTHER}, {TOKEN}", "partitions": 1, "web_port": free_port()} | other
    return Settings(kafka_bootstrap=bootstrap, topic_prefix=prefix, **held)  # type: ignore[arg-type]  # pydantic checks


@contextlib.contextmanager
def receiving(settings: Settings) -> Iterator[Receiving]:
    """Run a receiver in a thread; what its start raises is raised here."""
    running: Future[Receiving] = Future()
    ended = asyncio.Event()
    with ThreadPoolExecutor(1) as thread:
        ran = thread.submit(asyncio.run, _serve(settings, running, ended))
        receiver = running.result()
        try:
            yield receiver
        finally:
            receiver.end(ended)
            ran.result()


async def _serve(settings: Settings, running: Future[Receiving], ended: asyncio.Event) -> None:
    try:
        async with serving(settings):
            receiving = Receiving(settings, asyncio.get_running_loop())
            async with receiving.reading():
                running.set_result(receiving)
                await ended.wait()
    except BaseException as broken:
        if running.done():
            raise
        running.set_exception(broken)


def invalid(decoded: list[Decoded]) -> list[InvalidEvent]:
    return [each for each in decoded if isinstance(each, InvalidEvent)]
