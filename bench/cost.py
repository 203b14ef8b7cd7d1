"""`make bench`: what an event costs in Sluice's two stages, beside the floor, stock Faust and other frameworks, and how
late its row and a finding come, in one run.

All workers read the same records, one worker after another, from a broker of their own round. Broker and ClickHouse are
processes of their own; what they took meanwhile stands in a column of its own. An event is a record. Stage 2 alone is
a worker whose group has read the native topics already and finds only measurements; stage 1 is what both stages cost
together less that. Rounds are as many as the minutes allow: on a busy machine they are fewer, not longer.
"""

import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from pathlib import Path

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr
from rich.console import Console

from bench import decoding, latency, tables
from bench.records import LITELLM, litellm_records, native_records
from bench.runs import DEADLINE_S, Cost, NotMeasured, Servers, environment_of, measure, measure_peer
from bench.worker import Kind
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from sinks.clickhouse import connect, migrate
from streams import offsets, topics
from streams.kafka import Connection
from streams.produce import produce
from streams.settings import Settings
from streams.sources import Source

LATEST = Path(__file__).with_name("latest.json")
# The workers of ours by their names in the table, those first that the proportions need.
KINDS: Mapping[str, Kind] = {
    "floor": "floor",
    "both": "sluice",
    "stock": "stock",
    "detect": "sluice",
    "idiomatic": "idiomatic",
}
PEERS = ("quix", "bytewax", "arroyo")
LATENCY_S = 120.0  # what measuring it takes, of the minutes of a run
READING_S = 25.0


class Round:
    """One backlog of native events and the workers that read it."""

    def __init__(self, number: int, inferences: int, broker: EmbeddedBroker, clickhouse: LocalClickHouse) -> None:
        self._servers = Servers(broker, clickhouse)
        self._settings = settings_for(broker, clickhouse, f"bench_{number}", {LITELLM: Source(format="litellm")})
        records = native_records(inferences, seed=number)
        self.events = asyncio.run(produce(records, Connection(broker.bootstrap))).confirmed.total()
        self._litellm = litellm_records(inferences // 10, seed=number)

    def taken(self, name: str, within_s: float) -> Cost:
        """Run a worker by its name in the table. Raises NotMeasured."""
        own = self._settings.model_copy(update={"group": name})
        if name in PEERS:
            return measure_peer(name, own, self.events, self._servers, within_s)
        if name == "litellm":  # by a group that begins behind all else
            asyncio.run(_begins_behind(own, {*(topic.name for topic in topics.NATIVE), topics.MEASUREMENTS.name}))
            calls = asyncio.run(produce(self._litellm, Connection(own.kafka_bootstrap))).confirmed.total()
            return measure("sluice", own, calls, self._servers, within_s)
        if name == "detect":
            asyncio.run(_begins_behind(own, {topic.name for topic in topics.NATIVE}))
        return measure(KINDS[name], own, self.events, self._servers, within_s)


def one_round(
    number: int, inferences: int, clickhouse: LocalClickHouse, names: Sequence[str], until: float
) -> dict[str, Cost]:
    """Measure workers over one backlog, while there is time. One that fails is left out of the round, and says why."""
    costs: dict[str, Cost] = {}
    with EmbeddedBroker() as broker:
        backlog = Round(number, inferences, broker, clickhouse)
        for name in names:
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                costs[name] = backlog.taken(name, min(left, DEADLINE_S))
            except NotMeasured as why:
                click.echo(f"{tables.LABELS[name]}: {why}", err=True)
    if "both" in costs and "detect" in costs:
        costs["ingest"] = _less(costs["both"], costs["detect"])
    return costs


def _less(both: Cost, detect: Cost) -> Cost:
    return Cost(
        cpu_us=both.cpu_us - detect.cpu_us,
        servers_us=both.servers_us - detect.servers_us,
        events_per_s=1 / max(1 / both.events_per_s - 1 / detect.events_per_s, 1e-9),
        resident_mb=both.resident_mb,
    )


async def _begins_behind(settings: Settings, names: Set[str]) -> None:
    """Let a group begin behind everything in these topics."""
    ends = (await offsets.progress(settings)).ends
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=settings.group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        read = {TopicPartition(*tp): end for tp, end in ends.items() if tp[0] in names}
        consumer.assign(list(read))
        await consumer.commit(read)
    finally:
        await consumer.stop()


def settings_for(
    broker: EmbeddedBroker, clickhouse: LocalClickHouse, database: str, sources: dict[str, Source], partitions: int = 4
) -> Settings:
    """Return the settings of workers of a broker and a database, which are made, with their topics."""
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        clickhouse_url=f"{clickhouse.url}/{database}",
        state_key=SecretStr("0" * 32),
        rebalance_seconds=4.0,
        sources=sources,
        partitions=partitions,
    )
    migrate(connect(settings.clickhouse_url))
    asyncio.run(topics.ensure(settings))
    return settings


def rounds_within(
    seconds: float, rounds: int, inferences: int, clickhouse: LocalClickHouse, names: Sequence[str]
) -> list[dict[str, Cost]]:
    """Measure rounds while there is time for another, by what the longest took; the first, whatever of it there is."""
    began, longest = time.monotonic(), 0.0
    measured: list[dict[str, Cost]] = []
    for number in range(1, rounds + 1):
        begun = time.monotonic()
        if begun - began + longest > seconds:
            break
        measured.append(one_round(number, inferences, clickhouse, names, began + seconds))
        longest = max(longest, time.monotonic() - begun)
        told = ", ".join(f"{name} {cost.cpu_us:.1f}" for name, cost in measured[-1].items())
        click.echo(f"round {number} of {rounds}, {longest:.0f} s, CPU µs: {told}", err=True)
    return measured


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="At most.")
@click.option("--minutes", default=8.0, show_default=True, type=click.FloatRange(1), help="All of it together.")
@click.option("--inferences", default=12_000, show_default=True, type=click.IntRange(1000), help="Of a round.")
def main(rounds: int, minutes: float, inferences: int) -> None:
    """Measure, print tables, and write bench/latest.json."""
    absent = {peer for peer in PEERS if not environment_of(peer).exists()}
    for peer in sorted(absent):
        click.echo(f"{tables.LABELS[peer]}: absent; `make peers` makes its environment", err=True)
    names = [name for name in (*KINDS, *PEERS, "litellm") if name not in absent]
    with LocalClickHouse() as clickhouse:
        measured = rounds_within(60 * minutes - LATENCY_S - READING_S, rounds, inferences, clickhouse, names)
        rates = [costs["both"].events_per_s for costs in measured if "both" in costs]
        if not rates:
            raise click.ClickException("no worker came to its end: the machine has too much to do; give --minutes more")
        with EmbeddedBroker() as broker:
            settings = settings_for(broker, clickhouse, "bench_latency", {})
            late = latency.measure(settings, statistics.median(rates))
    console = Console(width=140)
    console.print(tables.costs(measured))
    console.print(tables.latencies(late))
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    latest = {
        "machine": machine | {"rounds": len(measured), "inferences": inferences},
        "rounds": [{name: asdict(cost) for name, cost in costs.items()} for costs in measured],
        "latency": [asdict(step) for step in late],
        "reading_us": decoding.show(console),
    }
    LATEST.write_text(json.dumps(latest, indent=1) + "\n")


if __name__ == "__main__":
    main()
