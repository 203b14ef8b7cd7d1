"""The worker: one Faust app that wires Kafka, the walk and the sinks together, and what runs beside them."""

import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from math import nan
from pathlib import Path
from typing import cast

import faust
from aiohttp.web import AppRunner
from faust import Stream
from faust.types import TP, EventT, StreamT, TopicT
from faust.web.drivers.aiohttp import Web

from detectors.budget import Budget
from sinks.clickhouse import ClickHouse
from sinks.grafana import Annotations, connect
from sinks.joins import Joins
from sinks.prometheus import Metrics
from sinks.sealed.opening import Opener
from streams import chores, kept_state, pages, topics
from streams.agent_detect import Detect
from streams.agent_ingest import Ingest
from streams.batches import BatchTransport, app_settings
from streams.delivery import UNACKED_BATCHES, Delivered
from streams.detect import Watch
from streams.ends import Ends
from streams.erased import Erased
from streams.forgetting import salt
from streams.kafka import connection
from streams.losses import LOSABLE, Loss
from streams.memory import collect_by_the_clock
from streams.movement import Partition
from streams.offers import Offers
from streams.pace import Backlog, WorkClock
from streams.receiver.refusals import CannotServe
from streams.receiver.routes import Receiver
from streams.sealing import Sealing, content_keys
from streams.settings import Settings
from streams.status_page import guard
from streams.status_page.group import GroupView
from streams.status_page.recent import Recent
from streams.status_page.routes import Pages
from streams.timeouts import Hindsight
from streams.vitals import EVERY_S, Vitals

log = logging.getLogger("sluice.worker")


def build(
    settings: Settings, clickhouse: ClickHouse, cut_due_weeks: Callable[[], int], losses: Sequence[Loss] = ()
) -> faust.App:
    """Wire a worker; nothing is connected before it runs.

    `cut_due_weeks` runs in a thread on the leader, on the schedule, and returns how many batches it cut. `losses` are
    those that were found before.
    """
    sources = topics.sources(settings)
    measured = settings.topic_prefix + topics.MEASUREMENTS.name
    app = _faust_app(settings, frozenset(sources), frozenset([measured]))
    collect_by_the_clock(app)
    metrics, group = Metrics(), _Group(app)

    measurements = _topic(app, measured)
    state = app.Table(
        kept_state.TABLE,
        key_type=bytes,
        value_type=bytes,
        partitions=settings.partitions,
        default=bytes,
        extra_topic_configs=kept_state.TOPIC,
    )

    def keep(partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        state.data[key] = value
        return state.send_changelog(partition, key, value)

    def current(event: Delivered) -> bool:
        return cast(BatchTransport, app.transport).is_current(cast(EventT[bytes], event))

    def home(key: bytes) -> int | None:
        partition = app.consumer.key_partition(measured, key)
        return partition if partition is not None and TP(measured, partition) in app.consumer.assignment() else None

    keys = content_keys(settings, clickhouse)

    clock, joins = WorkClock(), Joins(clickhouse, Opener(keys))
    offers = Offers(metrics.sink_busy.labels("clickhouse").inc)
    ingest = Ingest(
        settings,
        sources,
        clickhouse,
        joins,
        metrics,
        publish=measurements.send,
        current=current,
        clock=clock,
        offers=offers,
        erased=Erased(clickhouse, salt(settings)),
        sealing=None if keys is None else Sealing(keys, joins),
    )
    detect = Detect(
        settings,
        clickhouse,
        metrics,
        publish=_topic(app, settings.topic_prefix + topics.FINDINGS.name).send,
        keep=keep,
        watch=Watch(
            state.data,
            settings.state_key.get_secret_value().encode(),
            Budget(settings.segments, settings.false_alarms),
            metrics.state_refused.inc,
            salt(settings),
        ),
        current=current,
        generation=lambda: app.consumer_generation_id,
        home=home,
        behind=lambda number, taken: group.behind((measured, number), taken),
        lagging=Backlog(group),
        clock=clock,
        offers=offers,
    )
    metrics.false_alarms.set(settings.false_alarms)
    for segment, share in settings.segment_shares.items():
        metrics.watched_share.labels(segment).set(share)
    for what in LOSABLE:
        metrics.lost.labels(what).set(sum(loss.what == what for loss in losses))

    @app.agent(_topic(app, *sources), name="ingest")
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
        await chores.cut_on_schedule(cut_due_weeks, metrics)

    responses = _topic(app, settings.topic_prefix + topics.RESPONSES.name)

    join_turn, hindsight = chores.Turn(app.is_leader, 60.0), Hindsight()

    async def join() -> None:
        if not join_turn():
            return
        read = await chores.read_so_far(settings)
        if read is not None:
            await chores.or_later(chores.join_up(joins, responses.send, settings, hindsight, read, metrics))
        metrics.ledger_gap.set(nan if read is None else await chores.ledger_gap(clickhouse, read))

    app.timer(EVERY_S)(join)

    async def stand() -> None:
        await chores.or_later(chores.open_findings(clickhouse, metrics, frozenset(detect.watch.segments)))

    app.timer(60.0)(stand)

    loop_turn = chores.Turn(app.is_leader, 300.0)

    async def loop() -> None:
        if loop_turn():
            await chores.or_later(chores.review_loop(settings, clickhouse, metrics))

    app.timer(EVERY_S)(loop)

    if settings.grafana_url:
        grafana = connect(settings.grafana_url, settings.grafana_token.get_secret_value())
        annotations = Annotations(grafana, settings.pages_url)

        annotate_turn = chores.Turn(app.is_leader, 20.0)

        async def annotate() -> None:
            if annotate_turn():
                await chores.or_later(chores.annotate(clickhouse, annotations, metrics))

        app.timer(EVERY_S)(annotate)

    vitals = Vitals(group, Ends(connection(settings)), offers, metrics, settings.stalled_seconds)
    app.timer(EVERY_S)(vitals.look)

    recent = Recent(metrics)

    async def sample() -> None:
        recent.take()

    app.timer(EVERY_S)(sample)
    status = Pages(settings, GroupView(settings, list(sources)), recent, lambda: vitals.health)

    _serve(app, settings, metrics, vitals, status)
    return app


@dataclass(frozen=True)
class _Group:
    """The worker's part of its group, as Faust knows it."""

    app: faust.App

    def settled(self) -> bool:
        # Tansu's generations begin at 0, so that they do not tell whether one has come.
        return self.app.rebalancing_count > 0 and not self.app.rebalancing

    def confirmed(self) -> Mapping[Partition, int]:
        confirmed = cast(BatchTransport, self.app.transport).confirmed()
        return {(tp.topic, tp.partition): offset for tp, offset in confirmed.items()}

    def seen(self, partition: Partition) -> int:
        try:
            return self.app.consumer.highwater(TP(*partition)) or 0
        except AssertionError:  # aiokafka's: it has just moved away, in the consumer's own thread
            return 0

    def behind(self, partition: Partition, taken: int | None) -> bool:
        """Say whether a partition has more than what was taken of it; until a fetch has told, it may."""
        end = self.seen(partition)
        if taken is None:
            return end == 0 or self.confirmed().get(partition, 0) < end
        return taken < end


def _serve(app: faust.App, settings: Settings, metrics: Metrics, vitals: Vitals, status: Pages) -> None:
    """Serve what the worker tells of itself, and beside it the receiver, where that would not be open to strangers."""
    web = cast(Web, app.web)
    web.web_app.router.add_routes(pages.routes(metrics, lambda: vitals.health))
    web.web_app.router.add_routes(status.routes())
    open_paths = set(guard.OPEN)
    try:
        receiver = Receiver(settings, metrics)
        receiver.attach(web.web_app)
        open_paths |= {route.path for route in receiver.routes()}  # it has a door of its own
    except CannotServe as closed:
        log.warning("%s The worker takes nothing over HTTP.", closed)
    web.web_app.middlewares.append(guard.middleware(settings, frozenset(open_paths)))
    log.info("%s", guard.said(settings))
    # Faust's own would unpack bodies, and take a gzip that breaks off for whole.
    web._runner = AppRunner(web.web_app, access_log=None, auto_decompress=False)


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


def _faust_app(settings: Settings, *groups: frozenset[str]) -> faust.App:
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
        producer_compression_type="lz4",
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
