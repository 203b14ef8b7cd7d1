"""One fetch of a partition passes through as one event: the Faust transport for agents that work in batches.

Faust spends about 100 µs on each message; here it spends them on each fetch. Everything that Faust does with a message
it does with a `RecordBatch`, whose offset is the last that it covers:

    app.transport = BatchTransport(app.conf.broker_consumer, app, batched_topics=frozenset({"inference.requests"}))
    topic = app.topic("inference.requests", key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(topic, name="ingest")
    async def ingest(stream):
        async for event in stream.noack().events():   # without noack() Faust acknowledges what raised as well
            await write(event.value.records)          # or in a task of its own: acks may come in any order
            event.ack()                               # in the event loop's thread

**What is committed** is the end of the leading run of acknowledged batches, never anything behind it. An agent either
acknowledges an event or gives it back (`BatchTransport.give_back`); one that it keeps holds up the partition, one that
it drops is read again, and when the agent itself raises, all that it held is (Faust may take 5 s to start it anew). A
batch from before a rebalance, or given back, is read again by whoever has the partition: acknowledging the old event
does no harm, and `is_current` tells an agent that it may stop trying.

**Writing to a Faust table** while a batch is processed, in or out of the loop over the stream: `table[key] = value`
needs the event that Faust finds in the task's context and drops the future of its delivery. Say the partition instead,
and wait for Kafka's confirmation before the ack; the table has to have the topic's number of partitions:

    await table.send_changelog(event.value.partition, key, value)
    table.data[key] = value                           # the store itself: table[key] would send it once more

**Holes.** `first_offset` is where the last batch ended, so compacted records and the markers of transactions lie inside
an interval, and the intervals of a partition join without gaps. Records that retention deleted before they were read do
not: there the intervals have a gap, and a line in the log says which offsets are gone.
"""

from collections.abc import Collection, Set
from datetime import timedelta
from typing import Any, ClassVar, cast

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, EventT
from faust.types.transports import ConsumerT
from yarl import URL

from streams.batch_consumer import BatchConsumer
from streams.batch_progress import RecordBatch
from streams.recovery import Tables

__all__ = ["BatchTransport", "RecordBatch", "app_settings"]


def app_settings(rebalance_seconds: float) -> dict[str, Any]:
    """Give the settings of a Faust app that this transport was tested with, on Apache Kafka 4 and on Tansu 0.6.

    Args:
        rebalance_seconds: how long the group waits for its workers when it changes, seconds. Half of it is what a
            worker may take to finish its batches. Tansu lets half of it pass, 3 s at least, before any worker joins.
    """
    session = max(6.0, min(rebalance_seconds, 45.0))  # Kafka refuses less than group.min.session.timeout.ms = 6 s
    return {
        "broker_rebalance_timeout": rebalance_seconds,
        "broker_session_timeout": session,  # after this a worker that was killed loses its partitions
        "broker_request_timeout": 90.0,
        "broker_heartbeat_interval": min(3.0, rebalance_seconds / 8),  # a rebalance is noticed at the next heartbeat
        "broker_commit_interval": 1.0,  # bounds what is read twice after a crash
        # Never. aiokafka counts the time since the last fetch, and leaves the group when it is longer than this: with a
        # slow sink, for which fetching pauses, or while a rebalance takes long. It comes back at the next fetch, for
        # which Faust waits until it is back: the worker would be stuck for good. Liveness is for a health check.
        "broker_max_poll_interval": timedelta(days=365).total_seconds(),
        # Of all partitions together, and of the first that has so many: how far one of them gets ahead at once.
        "broker_max_poll_records": 2_000,
        "consumer_max_fetch_size": 1024 * 1024,  # bytes of a partition in one fetch, compressed as they are
        "consumer_auto_offset_reset": "earliest",  # "latest" would skip what came before the first commit
        "TableManager": Tables,  # whose recovery leaves nothing out where partitions move quickly
        "stream_wait_empty": True,  # finish and commit batches before partitions move
    }


class BatchTransport(driver.Transport):
    """Set as `app.transport` before the app starts.

    Args:
        url, app: as Faust's transports take them: `app.conf.broker_consumer` and the app.
        batched_topics: topics whose agents get a `RecordBatch` as `event.value`; all others work as in stock Faust.
        max_unacked_batches: how many batches of a partition may go out beyond the last offset that can be committed.
        max_unacked_bytes: bytes of values that agents may hold, over all partitions, before fetching pauses; the fetch
            that passes the limit is still handed out.
        abreast: groups of batched topics of which no partition is read ahead of one that lags (`streams.abreast`).
    """

    Consumer: ClassVar[type[ConsumerT]] = BatchConsumer

    def __init__(
        self,
        url: list[URL],
        app: AppT,
        *,
        batched_topics: frozenset[str],
        max_unacked_batches: int = 16,
        max_unacked_bytes: int = 64 * 1024 * 1024,
        abreast: Collection[Set[str]] = (),
    ) -> None:
        super().__init__(url, app)
        self.batched_topics = batched_topics
        self.max_unacked_batches = max_unacked_batches
        self.max_unacked_bytes = max_unacked_bytes
        self.abreast = abreast

    def give_back(self, event: EventT[Any]) -> None:
        """Have a batch read again, and with it all that its partition has handed out since; for a sink that raised.

        Wait a while before, else the broker is read in circles. A batch that is no longer current is just let go.
        """
        self._consumer.give_back(event.message)

    def is_current(self, event: EventT[Any]) -> bool:
        """Say whether acknowledging the event would still count."""
        return self._consumer.is_current(event.message)

    def confirmed(self) -> dict[TP, int]:
        """Return, for each assigned partition of batched topics, the next offset that may be committed."""
        return self._consumer.confirmed()

    @property
    def _consumer(self) -> BatchConsumer:
        return cast(BatchConsumer, self.app.consumer)
