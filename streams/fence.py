"""What every answer of a port carries, errors too, and what is answered where a handler breaks: nothing of why."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

log = logging.getLogger("sluice.web")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def fence(application: web.Application) -> None:
    """Fence in all that an application answers; it must not run yet. What a handler sets itself stays."""
    application.middlewares.insert(0, _unexplained)
    application.on_response_prepare.append(_told)  # middlewares do not see each error that aiohttp answers


@web.middleware
async def _unexplained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 without a word of the exception; aiohttp's own answer holds it where asyncio debugs."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):  # an answer, or nobody is there to be answered
        raise
    except Exception:
        log.exception("A request could not be answered")
        return web.Response(status=500, text="This could not be answered: the log of Sluice says why.\n")


async def _told(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
