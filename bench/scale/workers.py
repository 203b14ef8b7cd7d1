"""Workers grow, or partitions: what an event of a backlog costs in all of them, and how fast it goes."""

import asyncio

from bench.cost import settings_for
from bench.records import native_records
from bench.runs import Cost, Servers, measure
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
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
