"""A service on loopback that answers as a test says: well, slowly, wrongly, with hostility, or without an end."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]


@dataclass
class Service:
    """Where it is, and what it was asked."""

    url: str = ""
    asked: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


@contextmanager
def serving(answer: Answer) -> Iterator[Service]:
    """Serve POST to any path, in a thread with a loop of its own, until the block ends."""
    service, loop = Service(), asyncio.new_event_loop()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        service.asked.append(body)
        service.headers.append(dict(request.headers))
        service.at_once += 1
        service.most_at_once = max(service.most_at_once, service.at_once)
        try:
            return await answer(request, body)
        finally:
            service.at_once -= 1

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
