"""What a worker does by the clock beside the walk, most of it the leader: the weekly cut, joins, the review loop."""

from collections.abc import Callable
from datetime import UTC
from math import nan

import faust

from sinks.clickhouse import ClickHouse
from sinks.grafana import Annotations, connect
from sinks.joins import Joins
from sinks.prometheus import Metrics
from streams import chores, topics
from streams.agent_detect import Detect
from streams.chores import Cuts
from streams.faust_app import topic
from streams.settings import Settings
from streams.timeouts import Hindsight
from streams.vitals import EVERY_S


def add_chores(
    app: faust.App,
    settings: Settings,
    clickhouse: ClickHouse,
    metrics: Metrics,
    joins: Joins,
    detect: Detect,
    cut_due_weeks: Callable[[], Cuts],
) -> None:
    """Give an app the timers of its chores; those of the walk are wired with it."""

    @app.crontab(settings.cut_schedule, timezone=UTC, on_leader=True)
    async def cut() -> None:
        await chores.cut_on_schedule(cut_due_weeks, metrics)

    responses = topic(app, settings.topic_prefix + topics.RESPONSES.name)

    join_turn, hindsight = chores.Turn(app.is_leader, 60.0, ends=metrics.leads_no_more), Hindsight()

    async def join() -> None:
        if not join_turn():
            return
        read = await chores.read_so_far(settings)
        if read is not None:
            await chores.or_later(chores.time_out(joins, responses.send, settings, hindsight, read, metrics))
        await chores.or_later(chores.feedback_joined(joins, metrics))
        metrics.ledger_gap.set(nan if read is None else await chores.ledger_gap(clickhouse, read))

    app.timer(EVERY_S)(join)

    async def stand() -> None:
        await chores.or_later(chores.open_findings(clickhouse, metrics, frozenset(detect.watch.segments)))

    app.timer(60.0)(stand)

    loop_turn = chores.Turn(app.is_leader, 300.0, ends=metrics.leads_no_more)

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
