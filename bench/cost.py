"""`make bench`: CPU of an event in Sluice's two stages, beside a stock Faust agent that does nothing, in one run.

All workers read the same records, one worker after another, from a broker of their own run. CPU is user and system
time of the worker's process with all its threads, from the assignment of its partitions to the commit of the last
record: it holds on a machine that others use too, which seconds on the clock do not. Broker and ClickHouse are
processes of their own and not counted. An event is a record of the three native topics.

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
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench import decoding
from bench.records import native_records
from bench.worker import Kind
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.processes import free_port
from sinks.clickhouse import connect, migrate
from streams import offsets, topics
from streams.kafka import Connection
from streams.produce import produce
from streams.settings import Settings
from streams.stack import LocalWorker

LATEST = Path(__file__).with_name("latest.json")
DEADLINE_S = 300.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one worker took for an event: microseconds of CPU, and events a second by the clock."""

    cpu_us: float
    events_per_s: float


def measure(kind: Kind, settings: Settings, events: int) -> Cost:
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
            began = time.monotonic()
            asyncio.run(_until_done(kind, settings, process))
            seconds = time.monotonic() - began
            print("?", file=process.stdin, flush=True)
            cpu = float(process.stdout.readline().removeprefix("now ")) - began_cpu
        finally:
            process.kill()
    return Cost(cpu / events * 1e6, events / seconds)


async def _until_done(kind: Kind, settings: Settings, process: "subprocess.Popen[str]") -> None:
    """Wait until everything that the worker reads is committed, what it publishes for itself included."""
    names = {topic.name for topic in (topics.NATIVE if kind == "stock" else (*topics.NATIVE, topics.MEASUREMENTS))}
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
    """Measure every worker over one backlog."""
    with EmbeddedBroker() as broker:
        settings = Settings(
            kafka_bootstrap=broker.bootstrap,
            clickhouse_url=f"{clickhouse.url}/bench_{number}",
            state_key=SecretStr("0" * 32),
            rebalance_seconds=4.0,
        )
        migrate(connect(settings.clickhouse_url))
        asyncio.run(topics.ensure(settings))
        events = asyncio.run(
            produce(native_records(inferences, seed=number), Connection(broker.bootstrap))
        ).confirmed.total()

        def held(group: str) -> Settings:
            return settings.model_copy(update={"group": group, "web_port": free_port()})

        stock = measure("stock", held("stock"), events)
        both = measure("sluice", held("both"), events)
        watching = held("detect")
        asyncio.run(_has_read_native(watching))
        detect = measure("sluice", watching, events)
    ingest = Cost(both.cpu_us - detect.cpu_us, 1 / (1 / both.events_per_s - 1 / detect.events_per_s))
    return {"stock": stock, "ingest": ingest, "detect": detect, "both": both}, events


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--inferences", default=100_000, show_default=True, type=click.IntRange(1000))
def main(rounds: int, inferences: int) -> None:
    """Measure, print a table, and write bench/latest.json."""
    with LocalClickHouse() as clickhouse:
        measured = [one_round(number, inferences, clickhouse) for number in range(1, rounds + 1)]
    events = measured[0][1]
    costs = {name: [round_[name] for round_, _ in measured] for name in LABELS}
    stock = statistics.median(cost.cpu_us for cost in costs["stock"])
    table = Table("worker", "CPU µs/event", "spread", "of stock", "events/s", title=f"{events:,} events a round")
    for name, runs in costs.items():
        cpu = [run.cpu_us for run in runs]
        middle, rate = statistics.median(cpu), statistics.median(run.events_per_s for run in runs)
        spread = f"{min(cpu):.1f}-{max(cpu):.1f}"
        table.add_row(LABELS[name], f"{middle:.1f}", spread, f"{middle / stock:.2f}", f"{rate:,.0f}")
    Console().print(table)
    reading = decoding.show(Console())
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "rounds": rounds, "events": events}
    latest = {
        "machine": machine,
        "reading_us": reading,
        "runs": {name: [asdict(run) for run in runs] for name, runs in costs.items()},
    }
    LATEST.write_text(json.dumps(latest, indent=1) + "\n")


LABELS = {
    "stock": "stock Faust agent, doing nothing",
    "ingest": "Sluice stage 1: read, store, measure",
    "detect": "Sluice stage 2: watch, find, keep state",
    "both": "Sluice, both stages in one worker",
}

if __name__ == "__main__":
    main()
