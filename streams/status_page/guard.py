"""Who may see the pages: whoever has their password, or this machine alone."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.attempts import Attempts
from streams.receiver.auth import is_loopback, passwords
from streams.settings import Settings

OPEN = frozenset({"/metrics", "/livez", "/readyz"})  # for machines; nothing of a user's is in them


def middleware(settings: Settings, open_paths: frozenset[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Guard a whole application but `open_paths`: what is added later is guarded, too.

    The password is SLUICE_PAGES_TOKEN, as that of HTTP Basic, which browsers ask for, or `Authorization: Bearer`.
    Without one a worker on loopback serves those who call it by a name of this machine's, or by SLUICE_PAGES_URL's: a
    web page elsewhere can give its own name this machine's address (DNS rebinding), and would read the pages by it.
    """
    token, attempts = settings.pages_token.get_secret_value().encode(), Attempts()
    named = urlsplit(settings.pages_url).hostname or ""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in open_paths:
            if token:
                _ask(request, token, attempts)
            else:
                _require_this_machine(request, settings.web_host, named)
        return await handler(request)

    return guarded


def said(settings: Settings) -> str:
    """Say where the pages are, and who may see them."""
    if settings.pages_token.get_secret_value():
        return f"The status page is at {settings.pages_url}/, with the password of SLUICE_PAGES_TOKEN."
    if is_loopback(settings.web_host):
        return f"The status page is at {settings.pages_url}/"
    shut = "The status page is shut: without SLUICE_PAGES_TOKEN it is for loopback alone."
    return f"{shut} Health is open, and /metrics without SLUICE_METRICS_TOKEN."


def _ask(request: web.Request, token: bytes, attempts: Attempts) -> None:
    """Raise HTTPUnauthorized for whoever does not show the password, TooMany for an address that has to wait."""
    if not attempts.admits(request.remote, list(passwords(request.headers)), [token]):
        raise web.HTTPUnauthorized(
            text="The pages ask for a password: that of SLUICE_PAGES_TOKEN, with any user.\n",
            headers={"WWW-Authenticate": 'Basic realm="Sluice", charset="UTF-8"'},
        )


def _require_this_machine(request: web.Request, host: str, named: str) -> None:
    """Raise HTTPForbidden for whoever may not see the pages without a password."""
    if not is_loopback(host):
        raise web.HTTPForbidden(
            text="The pages show what users wrote, and this worker is reached from other machines: set "
            "SLUICE_PAGES_TOKEN to a password (openssl rand -hex 16 makes one), or SLUICE_WEB_HOST to 127.0.0.1.\n"
        )
    if not is_loopback(called := _host(request)) and called != named:
        raise web.HTTPForbidden(
            text="Without SLUICE_PAGES_TOKEN the pages are for this machine: call it 127.0.0.1 or localhost, or set "
            "SLUICE_PAGES_URL to where people reach it.\n"
        )


def _host(request: web.Request) -> str:
    """Return by which name the worker was called; nothing where that is no name."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""
