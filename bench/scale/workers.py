"""A backlog grows in workers, in partitions, or in one segment: what an event costs in all of them, and how fast it
goes."""

import asyncio

from bench.cost import begins_behind, settings_for
from bench.records import native_records
from bench.runs import Cost, Servers, measure
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from streams import topics
from streams.kafka import Connection
from streams.produce import produce


def measured(workers: int, partitions: int, inferences: int) -> Cost:
    """Let so many workers, of one group, read a backlog that lies in so many partitions of each topic.

    Raises bench.runs.NotMeasured.
    """
    with EmbeddedBroker() as broker, LocalClickHouse() as clickhouse:
        settings = settings_for(broker, clickhouse, "scale", {}, partitions)
        produced = asyncio.run(produce(native_records(inferences, seed=1), Connection(broker.bootstrap)))
        return measure("sluice", settings, produced.confirmed.total(), Servers(broker, clickhouse), workers=workers)


def hot(segments: int, inferences: int) -> Cost:
    """Let one worker watch (stage 2 alone) what so many segments have.

    Raises bench.runs.NotMeasured.
    """
    with EmbeddedBroker() as broker, LocalClickHouse() as clickhouse:
        settings = settings_for(broker, clickhouse, "hot", {}, partitions=1)
        records = native_records(inferences, seed=1, segments=segments)
        events = asyncio.run(produce(records, Connection(broker.bootstrap))).confirmed.total()
        measure("sluice", settings, events, Servers(broker, clickhouse))
        watching = settings.model_copy(update={"group": "watching"})
        asyncio.run(begins_behind(watching, {topic.name for topic in topics.NATIVE}))
        return measure("sluice", watching, events, Servers(broker, clickhouse))
