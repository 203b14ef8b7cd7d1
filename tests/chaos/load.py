"""A steady stream with known ids goes to Kafka through one producer, in order, whatever happens to the broker."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from clickhouse_connect.driver.client import Client

from sinks.ledger import PartitionLedger
from tests.whole.events import SERVICES, answers
from tests.whole.harness import FEEDBACK, RESPONSES, Message, World

TICK_S = 0.1
LATE_S = 1.0
NEVER = 10**9
STRETCH = 3_000
PATIENCE_S = 300.0
POISON = b"\xff{ this is no event"


def by_turns(number: int, place: int) -> bool:
    """Each service is slow for every second STRETCH of its answers, the first from its 500th, the next 500 later."""
    return (number + STRETCH - 500 * (place + 1)) // STRETCH % 2 == 1


def count_doubled(client: Client, each: int) -> int:
    """Count rows beyond one an answer, and answers that nobody sent: of each service `each` were, at most."""
    sql = """
    SELECT count() - uniqExact(inference_id), uniqExactIf(inference_id, NOT ifNull(known, false))
    FROM (
        SELECT inference_id, splitByChar('-', inference_id) AS parts,
               has({services:Array(String)}, parts[1]) AND toUInt64OrNull(parts[2]) < {each:UInt64} AS known
        FROM inferences
    )"""
    ((rows, strangers),) = client.query(sql, {"services": list(SERVICES), "each": each}).result_rows
    return int(rows) + int(strangers)


class Load:
    """Sends `rate` answers a second while it is entered; `confirmed` of them are in Kafka.

    The producer is idempotent where the broker can be: what it tries again comes once, and in order.
    """

    def __init__(self, world: World, rate: float, *, idempotent: bool) -> None:
        self.rate, self.poisoned, self.confirmed = rate, 0, 0
        self._world, self._idempotent = world, idempotent
        self._stream: Iterator[Message] = answers(0, NEVER, slow=by_turns)
        self._burst = self._poison = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.broken: BaseException | None = None

    @property
    def answers_each(self) -> int:
        """How many answers of each service were sent; whole rounds of them are."""
        return self.confirmed // len(SERVICES)

    def unsent(self, accounts: Sequence[PartitionLedger]) -> int:
        """Count answers that the ledger covers beyond those that Kafka has confirmed; 0 where the producer is not
        idempotent: then what it tried again lies in the log twice."""
        held = sum(each.offsets for each in accounts if each.topic == self._world.settings.topic_prefix + RESPONSES)
        return max(held - self.confirmed, 0) if self._idempotent else 0

    def burst(self, factor: float) -> None:
        """Send the answers of so many seconds at once."""
        self._burst += round(factor * self.rate)

    def poison(self, records: int) -> None:
        """Send records that are none, among the feedback."""
        self._poison += records

    async def _run(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._world.settings.kafka_bootstrap,
            acks="all",
            enable_idempotence=self._idempotent,
            linger_ms=5,
            request_timeout_ms=int(PATIENCE_S * 1000),
        )
        try:
            await producer.start()
            last = time.monotonic()
            while not self._ends.is_set():
                now = time.monotonic()
                # What was not sent while the broker was away does not come all at once: that is a burst's part.
                due, self._burst = round(self.rate * min(now - last, LATE_S)) + self._burst, 0
                last = now
                await self._send(producer, list(islice(self._stream, due - due % len(SERVICES))))
                dead, self._poison = self._poison, 0
                await self._send(producer, [Message(FEEDBACK, POISON, None) for _ in range(dead)])
                await asyncio.sleep(TICK_S)
        except BaseException as broken:  # told where the load ends: a thread's own cry is heard by nobody
            self.broken = broken
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, messages: list[Message]) -> None:
        prefix = self._world.settings.topic_prefix
        sent = [
            await producer.send(prefix + each.topic, each.value, key=each.key, partition=each.partition)
            for each in messages
        ]
        await asyncio.gather(*sent)
        dead = sum(each.value == POISON for each in messages)
        self.poisoned += dead
        self.confirmed += len(messages) - dead
        self._world.produced.update(each.topic for each in messages)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join(timeout=PATIENCE_S + 30)
        if self.broken:
            raise AssertionError("the load could not be sent") from self.broken
