"""The worker: one Faust app that wires Kafka, the walk and the sinks together, and what runs beside them."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import cast

import faust
from faust import Stream
from faust.types import TP, EventT, StreamT, TopicT
from faust.web import Request, Response, View

from sinks.clickhouse import ClickHouse
from sinks.prometheus import CONTENT_TYPE, Metrics
from streams import topics
from streams.agents import UNACKED_BATCHES, Delivered, Detect, Ingest
from streams.batches import BatchTransport, app_settings
from streams.detect import Watch
from streams.memory import collect_by_the_clock
from streams.settings import Settings

log = logging.getLogger("sluice.worker")


def build(settings: Settings, clickhouse: ClickHouse, cut_due_weeks: Callable[[], int]) -> faust.App:
    """Wire a worker; nothing is connected before it runs.

    `cut_due_weeks` runs in a thread on the leader, on the schedule, and returns how many batches it cut.
    """
    native = [settings.topic_prefix + topic.name for topic in topics.NATIVE]
    measured = settings.topic_prefix + topics.MEASUREMENTS.name
    app = _faust_app(settings, frozenset([*native, measured]))
    collect_by_the_clock(app)
    metrics = Metrics()

    measurements = _topic(app, measured)
    state = app.Table("detector-state", key_type=bytes, value_type=bytes, partitions=settings.partitions, default=bytes)

    def keep(partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        state.data[key] = value
        return state.send_changelog(partition, key, value)

    def current(event: Delivered) -> bool:
        return cast(BatchTransport, app.transport).is_current(cast(EventT[bytes], event))

    def home(key: bytes) -> int | None:
        partition = app.consumer.key_partition(measured, key)
        return partition if partition is not None and TP(measured, partition) in app.consumer.assignment() else None

    ingest = Ingest(settings, clickhouse, metrics, publish=measurements.send, current=current)
    detect = Detect(
        settings,
        clickhouse,
        metrics,
        publish=_topic(app, settings.topic_prefix + topics.FINDINGS.name).send,
        keep=keep,
        watch=Watch(
            state.data, settings.state_key.get_secret_value().encode(), settings.drift_delta, metrics.state_refused.inc
        ),
        current=current,
        generation=lambda: app.consumer_generation_id,
        home=home,
    )

    @app.agent(_topic(app, *native), name="ingest")
    async def ingest_agent(stream: StreamT[bytes]) -> None:
        await or_stop(app, ingest.walk(_events(stream)))

    @app.agent(measurements, name="detect")
    async def detect_agent(stream: StreamT[bytes]) -> None:
        await or_stop(app, detect.walk(_events(stream)))

    @state.on_recover
    async def recovered() -> None:
        detect.recovered()

    async def checkpoint() -> None:
        await or_stop(app, detect.checkpoint())  # without it nothing would be acknowledged from there on

    app.timer(settings.checkpoint_seconds)(checkpoint)

    async def release() -> None:
        await or_stop(app, detect.release_in_time())

    app.timer(1.0)(release)

    @app.crontab(settings.cut_schedule, timezone=UTC, on_leader=True)
    async def cut() -> None:
        await cut_on_schedule(cut_due_weeks, metrics)

    @app.page("/metrics")
    async def exposition(view: View, _request: Request) -> Response:
        return view.bytes(metrics.exposition(), content_type=CONTENT_TYPE)

    return app


async def cut_on_schedule(cut_due_weeks: Callable[[], int], metrics: Metrics) -> None:
    """Cut what is due. A cut that fails stops nothing: it is said in a line, and tried again at the next schedule."""
    try:
        metrics.batches_cut.inc(await asyncio.to_thread(cut_due_weeks))
    except Exception as refused:
        metrics.cuts_failed.inc()
        said = str(refused).partition("\n")[0] or type(refused).__name__
        log.error("The cut is tried again at the next schedule (SLUICE_CUT_SCHEDULE): %s", said)


async def or_stop(app: faust.App, walk: Awaitable[None]) -> None:
    """Stop the worker when the walk breaks: slow is waited for and poison set aside, so what is left will not pass."""
    try:
        await walk
    except Exception as broken:
        # Nothing of the block was acknowledged: it is read again when the worker starts.
        if not app.crashed:  # one fault breaks both stages, and a line says it
            log.critical("The worker stops: %s", broken)
        await app.crash(broken)


def _events(stream: StreamT[bytes]) -> AsyncIterator[Delivered]:
    # noack: the walk acknowledges when the sinks have confirmed; Faust would when the loop comes round.
    return cast(AsyncIterator[Delivered], aiter(cast(Stream[bytes], stream).noack().events()))


def _topic(app: faust.App, *names: str) -> TopicT:
    # Raw bytes: decoding and its failures belong to our own modules.
    return app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


def _faust_app(settings: Settings, batched: frozenset[str]) -> faust.App:
    app = faust.App(
        settings.group,
        broker=";".join(f"kafka://{broker}" for broker in settings.kafka_bootstrap.split(",")),
        store="memory://",
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        table_standby_replicas=0,  # state is small: reading the changelog takes less than keeping it twice
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=settings.web_port,
        datadir=str(Path(tempfile.gettempdir()) / "sluice-faust"),  # Faust wants one; a memory store writes nothing
        producer_compression_type="lz4",
        **app_settings(settings.rebalance_seconds),
    )
    app.transport = BatchTransport(
        app.conf.broker_consumer, app, batched_topics=batched, max_unacked_batches=UNACKED_BATCHES
    )
    return app
