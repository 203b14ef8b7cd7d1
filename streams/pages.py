"""What a worker answers to those who look at it: /metrics, /livez and /readyz."""

from collections.abc import Callable

import orjson
from aiohttp import web

from sinks.prometheus import Metrics
from streams.health import Health


def routes(metrics: Metrics, health: Callable[[], Health]) -> list[web.RouteDef]:
    """Return the routes. /livez and /readyz answer 200 or 503 with the same JSON, which says why."""

    async def exposition(request: web.Request) -> web.Response:
        body, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def live(_request: web.Request) -> web.Response:
        now = health()
        return _told(now, well=not now.dead())

    async def ready(_request: web.Request) -> web.Response:
        now = health()
        return _told(now, well=not now.unready())

    return [web.get("/metrics", exposition), web.get("/livez", live), web.get("/readyz", ready)]


def _told(health: Health, *, well: bool) -> web.Response:
    return web.Response(
        body=orjson.dumps(health.told()),
        status=200 if well else 503,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
