"""One worker under measurement: a process that consumes a backlog and says what CPU it took, start-up left out.

Run as `python -m bench.worker KIND`, settings from the environment. It prints `start CPU` when its partitions are
assigned, and `now CPU` for each line that it reads from standard input; CPU is seconds of user and system time of the
whole process.
"""

import asyncio
import sys
import tempfile
import time
from typing import Any, Literal, cast, get_args

import faust
from faust.types import StreamT

from sinks.clickhouse import ClickHouse
from streams import logs, topics
from streams.app import build
from streams.settings import Settings, load

Kind = Literal["stock", "sluice"]


def app_of(kind: Kind, settings: Settings) -> faust.App:
    """Return the app to measure."""
    if kind == "stock":
        return _stock(settings)
    return build(settings, ClickHouse(settings.clickhouse_url), cut_due_weeks=lambda: 0)


def _stock(settings: Settings) -> faust.App:
    """An agent as Faust's documentation writes it, that does nothing with its events."""
    app = faust.App(
        settings.group,
        broker=f"kafka://{settings.kafka_bootstrap}",
        broker_rebalance_timeout=settings.rebalance_seconds,
        topic_partitions=settings.partitions,
        datadir=tempfile.mkdtemp(prefix="sluice-bench-"),
        web_port=settings.web_port,
        consumer_auto_offset_reset="earliest",
    )
    names = [settings.topic_prefix + topic.name for topic in topics.NATIVE]

    @app.agent(app.topic(*names, value_type=bytes, value_serializer="raw"))
    async def nothing(stream: StreamT[bytes]) -> None:
        async for _value in stream:
            pass

    return app


def main(kind: Kind) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = app_of(kind, load())

    async def started(_app: Any, *assigned: Any, **_signal: Any) -> None:
        if any(assigned):
            print("start", time.process_time(), flush=True)

    app.on_partitions_assigned.connect(started)  # type: ignore[arg-type]  # mode's signal asks for a keyword it may not send

    def asked() -> None:
        if sys.stdin.readline():
            print("now", time.process_time(), flush=True)

    loop.add_reader(sys.stdin, asked)
    faust.Worker(
        app, loop=loop, loglevel="INFO", logging_config=logs.config("ERROR"), redirect_stdouts=False
    ).execute_from_commandline()


if __name__ == "__main__":
    if sys.argv[1] not in get_args(Kind):
        sys.exit(f"takes one of {', '.join(get_args(Kind))}")
    main(cast(Kind, sys.argv[1]))
