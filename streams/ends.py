"""Which offset each partition's log ends at, asked of Kafka by a client that takes no part in the group."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka import Connection
from streams.movement import Partition

ANSWER_S = 10.0


class KafkaAway(Exception):
    """Kafka does not answer; another try may succeed."""


class Ends:
    """Asks for the ends of logs. Its client is not the worker's own, so that it answers also while that one hangs."""

    def __init__(self, kafka: Connection) -> None:
        self._kafka = kafka
        self._client: AIOKafkaConsumer | None = None

    async def ask(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the next offset to be written of each partition. Raises KafkaAway, within 10 s."""
        wanted = [TopicPartition(*each) for each in partitions]
        try:
            async with asyncio.timeout(ANSWER_S):
                client = await self._started()
                ends = await client.end_offsets(wanted) if wanted else await self._alive(client)
        except (KafkaError, OSError, TimeoutError) as away:
            await self.close()  # a new client next time: this one may hold a dead connection
            raise KafkaAway(type(away).__name__) from None
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.stop()

    async def _started(self) -> AIOKafkaConsumer:
        if self._client is None:
            client = AIOKafkaConsumer(**self._kafka.options(), enable_auto_commit=False)
            try:
                await client.start()
            except BaseException:
                await client.stop()
                raise
            self._client = client
        return self._client

    async def _alive(self, client: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        await client.topics()
        return {}
