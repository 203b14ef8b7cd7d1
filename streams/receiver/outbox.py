"""Bodies wait here for Kafka: so many bytes at once, and each until all replicas have it or its time is up."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator

from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from streams.gateways.base import Headers
from streams.kafka import connection
from streams.receiver.refusals import Busy, Refused
from streams.settings import Settings
from streams.topics import RECEIVED, KafkaUnreachable

log = logging.getLogger("sluice.receiver")

WAITING_BYTES = 64 * 1024 * 1024
# Langfuse's and Phoenix's clients give up after 5 seconds, OpenTelemetry's after 10: they must hear before that.
CONFIRM_SECONDS = 4.0
START_SECONDS = 15
BATCH_BYTES = 256 * 1024  # larger records travel alone, so that their refusal takes no other with it
HEADER_BYTES = 1024 * 1024


class Outbox:
    """The receiver's producer, and the count of bytes that requests hold while it works."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic_prefix + RECEIVED.name
        self._most = max(WAITING_BYTES, 2 * settings.event_bytes)
        self._held = 0
        self._confirming = True

    async def running(self, _application: web.Application) -> AsyncIterator[None]:
        """Hold the producer open for as long as the application runs. Raises KafkaUnreachable."""
        # Not idempotent: the embedded broker has no producer ids. What a retry doubles, event ids make one again.
        self._producer = AIOKafkaProducer(
            **connection(self._settings).options(),
            acks="all",
            compression_type="lz4",
            linger_ms=5,
            max_batch_size=BATCH_BYTES,
            max_request_size=self._settings.event_bytes + HEADER_BYTES,
            request_timeout_ms=int(CONFIRM_SECONDS * 1000),  # what is later than that has been refused
        )
        try:
            await asyncio.wait_for(self._producer.start(), START_SECONDS)
        except (KafkaError, OSError, TimeoutError) as away:
            await self._producer.stop()
            raise KafkaUnreachable(self._settings.kafka_bootstrap, type(away).__name__) from None
        yield
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._producer.stop(), START_SECONDS)

    @contextlib.contextmanager
    def room(self) -> Iterator[Callable[[int], None]]:
        """Give a function that counts bytes as held until the block ends; it raises Busy when they are too many."""
        mine = 0

        def hold(size: int) -> None:
            nonlocal mine
            mine += size
            self._held += size
            if self._held > self._most:
                raise Busy(f"More than {self._most:,} bytes wait for Kafka.")

        try:
            yield hold
        finally:
            self._held -= mine

    async def confirmed(self, value: bytes, headers: Headers) -> None:
        """Send a record and return when all in-sync replicas have it.

        Raises:
            Busy: it is not confirmed in time. It may get there yet, and twice is once: event ids are the same.
            Refused: 413, the broker takes no record of this size.
        """
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await self._producer.send_and_wait(self._topic, value, headers=headers)
        except (MessageSizeTooLargeError, RecordListTooLargeError):
            raise Refused(
                413,
                "too_large",
                f"Kafka takes no record of {len(value):,} bytes: send smaller batches, or raise max.message.bytes of "
                f"the topic {self._topic}.",
            ) from None
        except (KafkaError, OSError, TimeoutError) as late:
            self._say(confirming=False, why=type(late).__name__)
            raise Busy(f"Kafka did not confirm within {CONFIRM_SECONDS:g} seconds.") from None
        self._say(confirming=True)

    def _say(self, *, confirming: bool, why: str = "") -> None:
        """Log the turns, not each request."""
        if confirming != self._confirming:
            self._confirming = confirming
            if confirming:
                log.info("Kafka confirms again: the receiver takes records.")
            else:
                log.error(
                    "Senders are told to try again: Kafka at %s does not confirm (%s).",
                    self._settings.kafka_bootstrap,
                    why,
                )
