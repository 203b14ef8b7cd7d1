"""`make bench`: CPU of an event in Sluice's two stages, beside the floor and stock Faust, in one run.

All workers read the same records, one worker after another, from a broker of their own run. CPU is user and system
time of the worker's process with all its threads, from the assignment of its partitions to the commit of the last
record: it holds on a machine that others use too, which seconds on the clock do not. Broker and ClickHouse are
processes of their own; what they took meanwhile stands in a column of its own. An event is a record.

Stage 2 alone is a worker whose group has read the native topics already and finds only measurements; stage 1 is what
both stages cost together less that.
"""

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench import decoding
from bench.records import LITELLM, litellm_records, native_records
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
from streams.stack import LocalWorker

LATEST = Path(__file__).with_name("latest.json")
DEADLINE_S = 300.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What an event took: microseconds of CPU of the worker, and of broker and ClickHouse; events a second by the
    clock."""

    cpu_us: float
    servers_us: float
    events_per_s: float


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a round."""

    broker: EmbeddedBroker
    clickhouse: LocalClickHouse

    def cpu_s(self) -> float:
        """Return the seconds of CPU that they have taken since they started, user and system (proc(5))."""
        ticks = 0
        for server in (self.broker, self.clickhouse):
            stat = Path(f"/proc/{server.pid}/stat").read_text(encoding="utf-8")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def measure(kind: Kind, settings: Settings, events: int, servers: Servers) -> Cost:
    """Run one worker over what its group has not read."""
    environment = {**os.environ, **LocalWorker(settings).environment()}
    with subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "bench.worker", kind],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("pipes were asked for")
        try:
            began_cpu = float(process.stdout.readline().removeprefix("start "))
            began, began_servers = time.monotonic(), servers.cpu_s()
            asyncio.run(_until_done(kind, settings, process))
            seconds, servers_s = time.monotonic() - began, servers.cpu_s() - began_servers
            print("?", file=process.stdin, flush=True)
            cpu = float(process.stdout.readline().removeprefix("now ")) - began_cpu
        finally:
            process.kill()
    return Cost(cpu / events * 1e6, servers_s / events * 1e6, events / seconds)


async def _until_done(kind: Kind, settings: Settings, process: "subprocess.Popen[str]") -> None:
    """Wait until everything that the worker reads is committed, what it publishes for itself included."""
    names = {LITELLM, *(topic.name for topic in topics.NATIVE)}
    if kind == "sluice":
        names.add(topics.MEASUREMENTS.name)
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        progress = await offsets.progress(settings)
        if all(progress.committed.get(tp, 0) >= end for tp, end in progress.ends.items() if tp[0] in names):
            return
        if process.poll() is not None:
            raise click.ClickException(f"the {kind} worker ended with exit code {process.returncode}")
        await asyncio.sleep(0.2)
    raise click.ClickException(f"the {kind} worker was not done after {DEADLINE_S:g} s")


async def _has_read_native(settings: Settings) -> None:
    """Let a group begin behind everything in the native topics."""
    ends = (await offsets.progress(settings)).ends
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=settings.group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        names = {topic.name for topic in topics.NATIVE}
        native = {TopicPartition(*tp): end for tp, end in ends.items() if tp[0] in names}
        consumer.assign(list(native))
        await consumer.commit(native)
    finally:
        await consumer.stop()


def one_round(number: int, inferences: int, clickhouse: LocalClickHouse) -> tuple[dict[str, Cost], int]:
    """Measure every worker over one backlog of native events."""
    with EmbeddedBroker() as broker:
        servers = Servers(broker, clickhouse)
        settings = _settings(broker, clickhouse, f"bench_{number}", {})
        records = native_records(inferences, seed=number)
        events = asyncio.run(produce(records, Connection(broker.bootstrap))).confirmed.total()

        def taken(kind: Kind, name: str) -> Cost:
            own = settings.model_copy(update={"group": name, "web_port": free_port()})
            if name == "detect":
                asyncio.run(_has_read_native(own))
            return measure(kind, own, events, servers)

        floor, stock, idiomatic = taken("floor", "floor"), taken("stock", "stock"), taken("idiomatic", "idiomatic")
        both, detect = taken("sluice", "both"), taken("sluice", "detect")
    ingest = Cost(
        both.cpu_us - detect.cpu_us,
        both.servers_us - detect.servers_us,
        1 / max(1 / both.events_per_s - 1 / detect.events_per_s, 1e-9),
    )
    costs = {"stock": stock, "idiomatic": idiomatic, "floor": floor, "ingest": ingest, "detect": detect, "both": both}
    return costs, events


def one_round_of_litellm(number: int, calls: int, clickhouse: LocalClickHouse) -> Cost:
    """Measure both stages over a backlog of LiteLLM's records."""
    with EmbeddedBroker() as broker:
        settings = _settings(broker, clickhouse, f"bench_litellm_{number}", {LITELLM: Source(format="litellm")})
        asyncio.run(produce(litellm_records(calls, seed=number), Connection(broker.bootstrap)))
        own = settings.model_copy(update={"web_port": free_port()})
        return measure("sluice", own, calls, Servers(broker, clickhouse))


def _settings(
    broker: EmbeddedBroker, clickhouse: LocalClickHouse, database: str, sources: dict[str, Source]
) -> Settings:
    """Return a round's settings, its database and topics made."""
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


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--inferences", default=20_000, show_default=True, type=click.IntRange(1000))
def main(rounds: int, inferences: int) -> None:
    """Measure, print a table, and write bench/latest.json."""
    with LocalClickHouse() as clickhouse:
        measured = [one_round(number, inferences, clickhouse) for number in range(1, rounds + 1)]
        litellm = [one_round_of_litellm(number, inferences // 10, clickhouse) for number in range(1, rounds + 1)]
    events = measured[0][1]
    costs = {name: [round_[name] for round_, _ in measured] for name in LABELS if name != "litellm"}
    costs["litellm"] = litellm
    console = Console(width=120)
    console.print(_table(costs, events))
    reading = decoding.show(console)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "rounds": rounds, "events": events}
    latest = {
        "machine": machine,
        "reading_us": reading,
        "runs": {name: [asdict(run) for run in runs] for name, runs in costs.items()},
    }
    LATEST.write_text(json.dumps(latest, indent=1) + "\n")


def _table(costs: Mapping[str, Sequence[Cost]], events: int) -> Table:
    stock, floor = (statistics.median(run.cpu_us for run in costs[name]) for name in ("stock", "floor"))
    heads = ("worker", "CPU µs/event", "spread", "of stock", "of the floor", "servers µs", "events/s")
    table = Table(*heads, title=f"{events:,} events a round, medians")
    for name, runs in costs.items():
        cpu = [run.cpu_us for run in runs]
        middle = statistics.median(cpu)
        servers = statistics.median(run.servers_us for run in runs)
        rate = statistics.median(run.events_per_s for run in runs)
        ratios = ("", "") if name == "litellm" else (f"{middle / stock:.2f}", f"{middle / floor:.2f}")
        spread = f"{min(cpu):.1f}-{max(cpu):.1f}"
        table.add_row(LABELS[name], f"{middle:.1f}", spread, *ratios, f"{servers:.1f}", f"{rate:,.0f}")
    return table


LABELS = {
    "stock": "stock Faust agent, doing nothing",
    "idiomatic": "stock Faust agent, doing the work",
    "floor": "the floor: fetch, validate, insert",
    "ingest": "Sluice stage 1: read, redact, store, join, measure",
    "detect": "Sluice stage 2: watch, find, keep state",
    "both": "Sluice, both stages in one worker",
    "litellm": "… a record of LiteLLM, 12 KB",
}

if __name__ == "__main__":
    main()
