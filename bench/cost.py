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
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import asdict
from pathlib import Path

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr
from rich.console import Console

from bench import decoding, latency, tables
from bench.records import LITELLM, litellm_records, native_records
from bench.runs import Cost, Servers, environment_of, measure, measure_peer
from bench.worker import Kind
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.processes import free_port
from sinks.clickhouse import connect, migrate
from streams import offsets, topics
from streams.kafka import Connection
from streams.produce import produce
from streams.settings import Settings
from streams.sources import Source

LATEST = Path(__file__).with_name("latest.json")
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

    def taken(self, kind: Kind, group: str) -> Cost:
        own = self._own(group)
        if group == "detect":
            asyncio.run(_begins_behind(own, {topic.name for topic in topics.NATIVE}))
        return measure(kind, own, self.events, self._servers)

    def of_peer(self, peer: str) -> Cost:
        return measure_peer(peer, self._own(peer), self.events, self._servers)

    def of_litellm(self, calls: int, seed: int) -> Cost:
        """Measure both stages over LiteLLM's records, by a group that begins behind all else."""
        own = self._own("litellm")
        asyncio.run(_begins_behind(own, {*(topic.name for topic in topics.NATIVE), topics.MEASUREMENTS.name}))
        asyncio.run(produce(litellm_records(calls, seed), Connection(own.kafka_bootstrap)))
        return measure("sluice", own, calls, self._servers)

    def _own(self, group: str) -> Settings:
        return self._settings.model_copy(update={"group": group, "web_port": free_port()})


def one_round(number: int, inferences: int, clickhouse: LocalClickHouse, peers: Sequence[str]) -> dict[str, Cost]:
    """Measure every worker over one backlog. A peer that fails is left out of the round, and says why."""
    with EmbeddedBroker() as broker:
        backlog = Round(number, inferences, broker, clickhouse)
        costs = {
            "stock": backlog.taken("stock", "stock"),
            "idiomatic": backlog.taken("idiomatic", "idiomatic"),
            "floor": backlog.taken("floor", "floor"),
            "both": backlog.taken("sluice", "both"),
            "detect": backlog.taken("sluice", "detect"),
        }
        for peer in peers:
            try:
                costs[peer] = backlog.of_peer(peer)
            except click.ClickException as failed:
                click.echo(f"{peer}: {failed.message}", err=True)
        costs["litellm"] = backlog.of_litellm(inferences // 10, seed=number)
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
    broker: EmbeddedBroker, clickhouse: LocalClickHouse, database: str, sources: dict[str, Source]
) -> Settings:
    """Return the settings of workers of a broker and a database, which are made, with their topics."""
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        clickhouse_url=f"{clickhouse.url}/{database}",
        state_key=SecretStr("0" * 32),
        rebalance_seconds=4.0,
        sources=sources,
    )
    migrate(connect(settings.clickhouse_url))
    asyncio.run(topics.ensure(settings))
    return settings


def rounds_within(
    seconds: float, rounds: int, inferences: int, clickhouse: LocalClickHouse, peers: Sequence[str]
) -> dict[str, list[Cost]]:
    """Measure rounds while the next one, taking what the longest took, ends in time; one in any case."""
    began, longest = time.monotonic(), 0.0
    costs: dict[str, list[Cost]] = defaultdict(list)
    for number in range(1, rounds + 1):
        if time.monotonic() - began + longest > seconds:
            break
        begun = time.monotonic()
        for name, cost in one_round(number, inferences, clickhouse, peers).items():
            costs[name].append(cost)
        longest = max(longest, time.monotonic() - begun)
        click.echo(f"round {number} of {rounds}: {costs['both'][-1].cpu_us:.1f} µs, {longest:.0f} s", err=True)
    return costs


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="At most.")
@click.option("--minutes", default=8.0, show_default=True, type=click.FloatRange(1), help="All of it together.")
@click.option("--inferences", default=12_000, show_default=True, type=click.IntRange(1000), help="Of a round.")
def main(rounds: int, minutes: float, inferences: int) -> None:
    """Measure, print tables, and write bench/latest.json."""
    peers = [peer for peer in PEERS if environment_of(peer).exists()]
    for absent in set(PEERS).difference(peers):
        click.echo(f"{absent} is left out: `make peers` makes its environment", err=True)
    with LocalClickHouse() as clickhouse:
        costs = rounds_within(60 * minutes - LATENCY_S - READING_S, rounds, inferences, clickhouse, peers)
        top = statistics.median(cost.events_per_s for cost in costs["both"])
        with EmbeddedBroker() as broker:
            late = latency.measure(settings_for(broker, clickhouse, "bench_latency", {}), top)
    console = Console(width=130)
    console.print(tables.costs(costs))
    console.print(tables.latencies(late))
    latest = {
        "machine": {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "rounds": len(costs["both"]),
            "inferences": inferences,
        },
        "runs": {name: [asdict(run) for run in runs] for name, runs in costs.items()},
        "latency": [asdict(step) for step in late],
        "reading_us": decoding.show(console),
    }
    LATEST.write_text(json.dumps(latest, indent=1) + "\n")


if __name__ == "__main__":
    main()
