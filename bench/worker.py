"""One worker under measurement: a process that consumes a backlog and says what CPU it took, start-up left out.

Run as `python -m bench.worker KIND`, settings from the environment. It prints `start CPU` when its partitions are
assigned, and `now CPU` for each line that it reads from standard input; CPU is seconds of user and system time of the
whole process.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

import faust
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

from bench import floor, stock
from sinks.clickhouse import ClickHouse
from streams import logs
from streams.app import build
from streams.chores import Cuts
from streams.memory import stay_small
from streams.settings import Settings, load

Kind = Literal["floor", "stock", "idiomatic", "sluice"]


def app_of(kind: Kind, settings: Settings) -> faust.App:
    """Return the Faust app to measure."""
    if kind == "stock":
        return stock.nothing(settings)
    if kind == "idiomatic":
        return stock.idiomatic(settings)
    return build(settings, ClickHouse(settings.clickhouse_url), cut_due_weeks=lambda: Cuts(0, 0))


def run_faust(loop: asyncio.AbstractEventLoop, app: faust.App) -> None:
    async def started(_app: Any, *assigned: Any, **_signal: Any) -> None:
        if any(assigned):
            say_start()

    app.on_partitions_assigned.connect(started)  # type: ignore[arg-type]  # mode's signal asks for a keyword it may not send
    faust.Worker(
        app, loop=loop, loglevel="INFO", logging_config=logs.config("ERROR"), redirect_stdouts=False
    ).execute_from_commandline()


async def run_floor(settings: Settings) -> None:
    """Fetch, validate, insert, commit: see `bench.floor`."""
    clickhouse = ClickHouse(settings.clickhouse_url)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    consumer.subscribe(list(floor.MODELS), listener=_Started())
    while True:
        fetched = await consumer.getmany(timeout_ms=250)
        for tp, records in fetched.items():
            events = floor.validated(floor.MODELS[tp.topic], [record.value for record in records])
            await asyncio.to_thread(clickhouse.insert, *floor.table(events))
        if fetched:
            await consumer.commit()


class _Started(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types of it
    def on_partitions_revoked(self, revoked: Sequence[Any]) -> None: ...

    def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        if assigned:
            say_start()


def say_start() -> None:
    print("start", time.process_time(), flush=True)


def main(kind: Kind) -> None:
    stay_small()  # as `sluice worker` does; the others get it, too
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def asked() -> None:
        if sys.stdin.readline():
            print("now", time.process_time(), flush=True)
        else:
            os._exit(1)  # whoever measured is gone

    loop.add_reader(sys.stdin, asked)
    if kind == "floor":
        loop.run_until_complete(run_floor(load()))
    else:
        run_faust(loop, app_of(kind, load()))


if __name__ == "__main__":
    if sys.argv[1] not in get_args(Kind):
        sys.exit(f"takes one of {', '.join(get_args(Kind))}")
    main(cast(Kind, sys.argv[1]))
