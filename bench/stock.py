"""Stock Faust beside Sluice: an agent that does nothing, and one that does the work of `bench.work` as its
documentation would, by a thousand events at a time (`stream.take`). A take is acknowledged even when its body fails."""

import tempfile

import faust
from faust.types import StreamT, TopicT

from bench.work import Work
from streams import topics
from streams.settings import Settings

TAKE, WITHIN_S = 1_000, 0.25


def nothing(settings: Settings) -> faust.App:
    """An agent that does nothing with its events."""
    app, topic = _app(settings)

    @app.agent(topic)
    async def nothing(stream: StreamT[bytes]) -> None:
        async for _value in stream:
            pass

    return app


def idiomatic(settings: Settings) -> faust.App:
    """An agent that redacts, stores and watches its events."""
    app, topic = _app(settings)
    work = Work(settings)

    @app.agent(topic)
    async def watched(stream: StreamT[bytes]) -> None:
        async for values in stream.take(TAKE, within=WITHIN_S):
            work.do([work.validated(value) for value in values])

    return app


def _app(settings: Settings) -> tuple[faust.App, TopicT]:
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
    return app, app.topic(*names, value_type=bytes, value_serializer="raw")
