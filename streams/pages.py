"""What a worker answers to those who look at it: /metrics, /livez and /readyz."""

from collections.abc import Callable

import orjson
from aiohttp import web

from sinks.prometheus import Metrics
from streams.attempts import Attempts
from streams.health import Health
from streams.receiver.auth import passwords
from streams.settings import Settings


def routes(settings: Settings, metrics: Metrics, health: Callable[[], Health]) -> list[web.RouteDef]:
    """Return the routes. /livez and /readyz answer 200 or 503 with the same JSON, which says why."""

    async def live(_request: web.Request) -> web.Response:
        now = health()
        return _told(now, well=not now.dead())

    async def ready(_request: web.Request) -> web.Response:
        now = health()
        return _told(now, well=not now.unready())

    return [exposition(settings, metrics), web.get("/livez", live), web.get("/readyz", ready)]


def exposition(settings: Settings, metrics: Metrics) -> web.RouteDef:
    """Return the route of /metrics, which asks for SLUICE_METRICS_TOKEN where that is set, and counts wrong ones."""
    token, attempts = settings.metrics_token.get_secret_value().encode(), Attempts()

    async def shown(request: web.Request) -> web.Response:
        if token and not attempts.admits(request.remote, list(passwords(request.headers)), [token]):
            raise web.HTTPUnauthorized(
                text="/metrics asks for the token of SLUICE_METRICS_TOKEN, as `Authorization: Bearer TOKEN`.\n",
                headers={"WWW-Authenticate": "Bearer"},
            )
        body, content_type = metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return web.get("/metrics", shown)


def _told(health: Health, *, well: bool) -> web.Response:
    return web.Response(
        body=orjson.dumps(health.told()),
        status=200 if well else 503,
        content_type="application/json",
    )
