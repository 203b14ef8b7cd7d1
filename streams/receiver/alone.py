"""The receiver without a worker: it takes records until a signal, and ends when those under way are in Kafka."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

from aiohttp import web

from sinks.prometheus import Metrics
from streams import pages, topics
from streams.fence import fence
from streams.receiver.refusals import CannotServe
from streams.receiver.routes import IDLE_S, Receiver
from streams.settings import Settings

FINISH_SECONDS = 15  # for requests under way when the end comes; each has to read its body and wait for Kafka


async def serve(settings: Settings) -> None:
    """Receive until SIGTERM or SIGINT. Raises CannotServe, KafkaUnreachable."""
    ended = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    async with serving(settings):
        url = f"http://{settings.web_host}:{settings.web_port}"
        print(f"Sluice receives at {url}, see {url}/openapi.json", flush=True)
        await ended.wait()


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """Receive for as long as the block runs, and make the topics before. Raises CannotServe, KafkaUnreachable."""
    metrics = Metrics()
    receiver = Receiver(settings, metrics)
    application = web.Application()
    fence(application)
    application.router.add_routes([pages.exposition(settings, metrics)])
    receiver.attach(application)
    await topics.ensure(settings)
    runner = web.AppRunner(
        application,
        access_log=None,
        auto_decompress=False,
        shutdown_timeout=FINISH_SECONDS,
        keepalive_timeout=IDLE_S,
    )
    try:
        await runner.setup()
        await _listen(runner, settings)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.web_host, settings.web_port).start()
    except OSError as taken:
        why = os.strerror(taken.errno) if taken.errno else taken
        raise CannotServe(
            f"The receiver cannot listen on {settings.web_host}:{settings.web_port} ({why}): set SLUICE_WEB_HOST and "
            "SLUICE_WEB_PORT to an address of this machine and a free port."
        ) from None
