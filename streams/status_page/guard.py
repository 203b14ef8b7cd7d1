"""Who may see the pages: whoever has their password, or this machine alone; and what browsers are told of each page."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.receiver.auth import is_loopback, shows
from streams.settings import Settings
from streams.status_page.attempts import Attempts

METRICS = "/metrics"
OPEN = frozenset({METRICS, "/livez", "/readyz"})  # for machines; nothing of a user's is in them

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def middleware(settings: Settings, open_paths: frozenset[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Guard a whole application but `open_paths`: what is added later is guarded, too. /metrics asks for a token of its
    own, where SLUICE_METRICS_TOKEN is set.

    The password is SLUICE_PAGES_TOKEN, as that of HTTP Basic, which browsers ask for, or `Authorization: Bearer`.
    Without one a worker on loopback serves those who call it by a name of this machine's, or by SLUICE_PAGES_URL's: a
    web page elsewhere can give its own name this machine's address (DNS rebinding), and would read the pages by it.
    """
    token, of_metrics = (each.get_secret_value().encode() for each in (settings.pages_token, settings.metrics_token))
    named, attempts = urlsplit(settings.pages_url).hostname or "", Attempts()

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path == METRICS and of_metrics:
                _require_token(request, of_metrics)
            elif request.path not in open_paths:
                attempts.require_left(request.remote)
                _admit(request, token, settings.web_host, named)
            response = await handler(request)
        except web.HTTPException as told:
            if told.status == web.HTTPUnauthorized.status_code and "Authorization" in request.headers:
                attempts.failed(request.remote)
            told.headers.update(HEADERS)
            raise
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return guarded


def said(settings: Settings) -> str:
    """Say where the pages are, and who may see them."""
    if settings.pages_token.get_secret_value():
        return f"The status page is at {settings.pages_url}/, with the password of SLUICE_PAGES_TOKEN."
    if is_loopback(settings.web_host):
        return f"The status page is at {settings.pages_url}/"
    shut = "The status page is shut: without SLUICE_PAGES_TOKEN it is for loopback alone."
    return f"{shut} Health is open, and /metrics without SLUICE_METRICS_TOKEN."


def _admit(request: web.Request, token: bytes, host: str, named: str) -> None:
    """Raise HTTPUnauthorized or HTTPForbidden for whoever may not see the pages."""
    if token:
        if not shows(request.headers, token):
            raise web.HTTPUnauthorized(
                text="The pages ask for a password: that of SLUICE_PAGES_TOKEN, with any user.\n",
                headers={"WWW-Authenticate": 'Basic realm="Sluice", charset="UTF-8"'},
            )
    elif not is_loopback(host):
        raise web.HTTPForbidden(
            text="The pages show what users wrote, and this worker is reached from other machines: set "
            "SLUICE_PAGES_TOKEN to a password (openssl rand -hex 16 makes one), or SLUICE_WEB_HOST to 127.0.0.1.\n"
        )
    elif not is_loopback(called := _host(request)) and called != named:
        raise web.HTTPForbidden(
            text="Without SLUICE_PAGES_TOKEN the pages are for this machine: call it 127.0.0.1 or localhost, or set "
            "SLUICE_PAGES_URL to where people reach it.\n"
        )


def _require_token(request: web.Request, token: bytes) -> None:
    if not shows(request.headers, token):
        raise web.HTTPUnauthorized(
            text="/metrics asks for the token of SLUICE_METRICS_TOKEN, as `Authorization: Bearer TOKEN`.\n",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _host(request: web.Request) -> str:
    """Return by which name the worker was called; nothing where that is no name."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""
