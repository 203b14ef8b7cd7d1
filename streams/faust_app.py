"""Sluice's settings go in, and a Faust app comes out that hands on whole fetches, as they are."""

import logging
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import faust
from faust.types import TopicT

from streams.batches import BatchTransport, app_settings
from streams.delivery import UNACKED_BATCHES
from streams.kafka import connection
from streams.settings import Settings

log = logging.getLogger("sluice.worker")


def topic(app: faust.App, *names: str) -> TopicT:
    # Raw bytes: decoding and its failures belong to our own modules.
    return app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


def faust_app(settings: Settings, *groups: frozenset[str]) -> faust.App:
    """Make an app of whose topics each group is read abreast (`streams.abreast`)."""
    app = faust.App(
        settings.group,
        broker=";".join(f"kafka://{broker}" for broker in settings.kafka_bootstrap.split(",")),
        broker_credentials=connection(settings).credentials(),
        store="memory://",
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        table_standby_replicas=0,  # state is small: reading the changelog takes less than keeping it twice
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=settings.web_port,
        web_tables_enabled=False,  # else whoever asks is given detector state
        web_router_enabled=False,
        datadir=str(Path(tempfile.gettempdir()) / "sluice-faust"),  # Faust wants one; a memory store writes nothing
        producer_compression_type="zstd",
        **app_settings(settings.rebalance_seconds),
    )
    app.transport = BatchTransport(
        app.conf.broker_consumer,
        app,
        batched_topics=frozenset().union(*groups),
        max_unacked_batches=UNACKED_BATCHES,
        abreast=groups,
    )
    return app


async def or_stop(app: faust.App, walk: Awaitable[None]) -> None:
    """Stop the worker when the walk breaks: slow is waited for and poison set aside, so what is left will not pass."""
    try:
        await walk
    except Exception as broken:
        # Nothing of the block was acknowledged: it is read again when the worker starts.
        if not app.crashed:  # one fault breaks both stages, and a line says it
            log.critical("The worker stops: %s", broken)
        await app.crash(broken)
