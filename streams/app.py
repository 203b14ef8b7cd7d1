"""The worker: one Faust app that wires Kafka, the walk and the sinks together, and what runs beside them."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import cast

import faust
from aiohttp.web import AppRunner
from faust import Stream
from faust.types import StreamT
from faust.web.drivers.aiohttp import Web

from detectors.budget import Budget
from sinks.clickhouse import ClickHouse
from sinks.joins import Joins
from sinks.prometheus import Metrics
from sinks.sealed.opening import Opener
from streams import kept_state, pages, topics
from streams.agent_detect import Detect
from streams.agent_ingest import Ingest
from streams.assigned import Assigned
from streams.chores import Cuts
from streams.delivery import Delivered
from streams.detect import Watch
from streams.ends import Ends
from streams.erased import Erased
from streams.faust_app import faust_app, or_stop, topic
from streams.fence import fence
from streams.forgetting import salt
from streams.kafka import connection
from streams.losses import LOSABLE, Loss
from streams.memory import collect_by_the_clock
from streams.offers import Offers
from streams.pace import Backlog, WorkClock
from streams.receiver.refusals import CannotServe
from streams.receiver.routes import IDLE_S, Receiver
from streams.recovery import Tables
from streams.sealing import Sealing, content_keys
from streams.settings import Settings
from streams.status_page import guard
from streams.status_page.group import GroupView
from streams.status_page.recent import Recent
from streams.status_page.routes import Pages
from streams.timers import add_chores
from streams.vitals import EVERY_S, Vitals

log = logging.getLogger("sluice.worker")


def build(
    settings: Settings, clickhouse: ClickHouse, cut_due_weeks: Callable[[], Cuts], losses: Sequence[Loss] = ()
) -> faust.App:
    """Wire a worker; nothing is connected before it runs.

    `cut_due_weeks` runs in a thread on the leader, on the schedule. `losses` are those that were found before.
    """
    sources = topics.sources(settings)
    measured = settings.topic_prefix + topics.MEASUREMENTS.name
    app = faust_app(settings, frozenset(sources), frozenset([measured]))
    collect_by_the_clock(app)
    metrics, group = Metrics(), Assigned(app)

    measurements = topic(app, measured)
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
        current=group.current,
        clock=clock,
        offers=offers,
        erased=Erased(clickhouse, salt(settings)),
        sealing=None if keys is None else Sealing(keys, joins),
    )
    detect = Detect(
        settings,
        clickhouse,
        metrics,
        publish=topic(app, settings.topic_prefix + topics.FINDINGS.name).send,
        keep=keep,
        watch=Watch(
            state.data,
            settings.state_key.get_secret_value().encode(),
            Budget(settings.segments, settings.false_alarms),
            metrics.state_refused.inc,
            salt(settings),
        ),
        current=group.current,
        generation=lambda: app.consumer_generation_id,
        home=lambda key: group.home(measured, key),
        behind=lambda number, taken: group.behind((measured, number), taken),
        lagging=Backlog(group),
        clock=clock,
        offers=offers,
    )
    metrics.false_alarms.set(settings.false_alarms)
    metrics.expect(sources)
    for segment, share in settings.segment_shares.items():
        metrics.watched_share.labels(segment).set(share)
    for what in LOSABLE:
        metrics.lost.labels(what).set(sum(loss.what == what for loss in losses))

    @app.agent(topic(app, *sources), name="ingest")
    async def ingest_agent(stream: StreamT[bytes]) -> None:
        await or_stop(app, ingest.walk(_events(stream)))

    @app.agent(measurements, name="detect")
    async def detect_agent(stream: StreamT[bytes]) -> None:
        await or_stop(app, detect.walk(_events(stream)))

    @state.on_recover
    async def recovered() -> None:
        detect.recovered(cast(Tables, app.tables).recovery.recovered_generation)

    async def checkpoint() -> None:
        await or_stop(app, detect.checkpoint_in_time())  # without it nothing would be acknowledged from there on

    app.timer(settings.checkpoint_seconds)(checkpoint)

    async def release() -> None:
        await or_stop(app, detect.release_in_time())

    app.timer(1.0)(release)

    add_chores(app, settings, clickhouse, metrics, joins, detect, cut_due_weeks)

    vitals = Vitals(group, Ends(connection(settings)), offers, metrics, settings.stalled_seconds)
    app.timer(EVERY_S)(vitals.look)

    recent = Recent(metrics)

    async def sample() -> None:
        recent.take()

    app.timer(EVERY_S)(sample)
    status = Pages(settings, GroupView(settings, list(sources)), recent, lambda: vitals.health)

    _serve(app, settings, metrics, vitals, status)
    return app


def _serve(app: faust.App, settings: Settings, metrics: Metrics, vitals: Vitals, status: Pages) -> None:
    """Serve what the worker tells of itself, and beside it the receiver, where that would not be open to strangers."""
    web = cast(Web, app.web)
    web.web_app.router.add_routes(pages.routes(settings, metrics, lambda: vitals.health))
    web.web_app.router.add_routes(status.routes())
    open_paths = set(guard.OPEN)
    fence(web.web_app)
    try:
        receiver = Receiver(settings, metrics)
        receiver.attach(web.web_app)
        open_paths |= {route.path for route in receiver.routes()}  # it has a door of its own
    except CannotServe as closed:
        log.warning("%s The worker takes nothing over HTTP.", closed)
    web.web_app.middlewares.append(guard.middleware(settings, frozenset(open_paths)))
    log.info("%s", guard.said(settings))
    # Faust's own would unpack bodies, and take a gzip that breaks off for whole.
    web._runner = AppRunner(web.web_app, access_log=None, auto_decompress=False, keepalive_timeout=IDLE_S)


def _events(stream: StreamT[bytes]) -> AsyncIterator[Delivered]:
    # noack: the walk acknowledges when the sinks have confirmed; Faust would when the loop comes round.
    return cast(AsyncIterator[Delivered], aiter(cast(Stream[bytes], stream).noack().events()))
