"""A worker from start to end: what it needs is looked at first, then Faust runs until a signal or a fault."""

import asyncio
import logging.config
import os
import socket
from collections.abc import Coroutine

import faust
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import retention
from sinks.clickhouse import AWAY, ClickHouse, judged, migrate
from streams import doctor, logs, topics
from streams.app import build
from streams.losses import losses
from streams.memory import stay_small
from streams.sealing import require_key
from streams.settings import Settings, unknown_variables
from streams.weekly import cut_due_weeks

log = logging.getLogger("sluice.worker")


class Unready(Exception):
    """Something that a worker needs is missing; the message names it and the cure."""


def run(settings: Settings) -> int:
    """Run a worker until a signal stops it; return the exit code: 0, or 1 after a fault."""
    stay_small()
    _require(doctor.state_key(settings))
    _require(doctor.vectors(settings))
    _require_port(settings)
    asyncio.run(topics.ensure(settings))
    _require(doctor.clickhouse(settings))
    logging.config.dictConfig(logs.config(settings.log_level))  # up to here, what goes wrong is an exception
    logging.captureWarnings(capture=True)  # what Python warns of is a line like any other
    if strangers := unknown_variables():
        log.warning("%s set nothing; `sluice settings` lists what can be set.", ", ".join(strangers))
    clickhouse = ClickHouse(settings.clickhouse_url)
    try:
        for name in migrate(clickhouse.client):
            log.info("Applied %s", name)
        for statement in retention.apply(clickhouse.client, settings.retention):
            log.info("Retention: %s", statement)
    except (ClickHouseError, *AWAY) as error:
        raise judged(error, settings.clickhouse_url) from error
    require_key(settings, clickhouse)  # before it makes more keys of content, or stores it in plain
    lost = asyncio.run(losses(settings, clickhouse.client))
    for loss in lost:
        log.error("%s", loss.words)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # before the app is built: its table would take another and never stop
    app = build(settings, clickhouse, cut_due_weeks=lambda: cut_due_weeks(settings), losses=lost)
    worker = faust.Worker(
        app,
        loop=loop,
        loglevel="INFO",  # what our configuration leaves open; at a higher one Faust draws a spinner
        logging_config=logs.config(settings.log_level),
        redirect_stdouts=False,
    )
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return int(bool(ended.code))
    finally:
        clickhouse.close()


def _require(check: Coroutine[None, None, doctor.Diagnosis]) -> None:
    diagnosis = asyncio.run(check)
    if not diagnosis.well:
        raise Unready(diagnosis.words)


def _require_port(settings: Settings) -> None:
    """Try the port of /metrics: Faust would answer with forty lines, and two workers of a machine are soon started."""
    try:
        socket.create_server((settings.web_host, settings.web_port)).close()
    except OSError as taken:
        where, why = f"{settings.web_host}:{settings.web_port}", os.strerror(taken.errno) if taken.errno else taken
        raise Unready(
            f"/metrics cannot be served on {where} ({why}): set SLUICE_WEB_PORT to a free port; each worker of a "
            "machine needs its own."
        ) from None
