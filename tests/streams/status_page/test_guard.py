"""The pages show what users wrote: whoever is not on this machine needs the password, and every answer is fenced in."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sinks.prometheus import Metrics
from streams import pages
from streams.attempts import EVERY_S, TRIES, Attempts
from streams.fence import HEADERS, fence
from streams.settings import load
from streams.status_page import guard

PASSWORD = "tr4ut-ß-w4ter-f4lls"  # noqa: S105  # of nobody
TOKEN = "a-token-of-metrics"  # noqa: S105  # and of nothing else


async def asked(
    path: str = "/", headers: Mapping[str, str] | None = None, method: str = "GET", **settings: Any
) -> web.Response:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="what users wrote")

    async def broken(_request: web.Request) -> web.Response:
        raise RuntimeError("what users wrote")

    application = web.Application(middlewares=[guard.middleware(load(**settings), guard.OPEN)])
    fence(application)
    application.router.add_get("/", page)
    application.router.add_get("/broken", broken)
    application.router.add_get("/livez", page)
    application.router.add_routes([pages.exposition(load(**settings), Metrics())])
    async with TestClient(TestServer(application)) as client:
        answer = await client.request(method, path, headers=headers)
        await answer.read()
        return answer  # type: ignore[return-value]  # of the client, with the same status and headers


@pytest.mark.parametrize("host", ["127.0.0.1:6066", "localhost", "[::1]:6066", "sluice.example"])
async def test_on_loopback_this_machine_and_the_name_of_the_pages_are_served(host: str) -> None:
    answer = await asked(headers={"Host": host}, pages_url="https://sluice.example/")
    assert answer.status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7:6066", "[::", ""])
async def test_another_name_for_this_machine_is_not(host: str) -> None:
    """A web page elsewhere may give its own name this machine's address, and would read the pages by it."""
    assert (await asked(headers={"Host": host})).status == 403
    assert (await asked("/livez", headers={"Host": host})).status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "sluice.internal"])  # noqa: S104  # nothing is bound
async def test_without_a_password_others_are_shown_nothing(host: str) -> None:
    assert (await asked(web_host=host)).status == 403
    assert (await asked("/nothing", web_host=host)).status == 403
    assert (await asked("/livez", web_host=host)).status == 200
    assert "SLUICE_PAGES_TOKEN" in guard.said(load(web_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])  # noqa: S104  # nothing is bound
async def test_with_a_password_it_is_asked_for_wherever_the_worker_listens(host: str) -> None:
    def given(password: str) -> dict[str, str]:
        shown = b64encode(f"anyone:{password}".encode()).decode()
        return {"Authorization": f"Basic {shown}", "Host": "evil.example"}

    settings: dict[str, Any] = {"web_host": host, "pages_token": PASSWORD}
    refused = await asked(**settings)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="Sluice", charset="UTF-8"')
    assert (await asked(headers=given(PASSWORD), **settings)).status == 200
    for wrong in (given(PASSWORD[:-1]), given(""), {"Authorization": "Basic !"}, {"x-api-key": PASSWORD}):
        assert (await asked(headers=wrong, **settings)).status == 401
    bearer = {"Authorization": "Bearer of-sixteen-chars"}
    assert (await asked(headers=bearer, web_host=host, pages_token="of-sixteen-chars")).status == 200  # noqa: S106


async def test_metrics_ask_for_a_token_of_their_own() -> None:
    settings: dict[str, Any] = {"web_host": "0.0.0.0", "metrics_token": TOKEN, "pages_token": PASSWORD}  # noqa: S104
    assert (await asked("/metrics", **settings)).status == 401
    assert (await asked("/metrics", {"Authorization": f"Bearer {TOKEN}"}, **settings)).status == 200
    assert (await asked("/", {"Authorization": f"Bearer {TOKEN}"}, **settings)).status == 401


async def test_who_has_shown_metrics_too_many_wrong_tokens_waits() -> None:
    application = web.Application()
    application.router.add_routes([pages.exposition(load(metrics_token=TOKEN), Metrics())])
    async with TestClient(TestServer(application)) as client:
        told = [(await client.get("/metrics", headers={"Authorization": "Bearer wrong"})).status for _ in range(TRIES)]
        refused = await client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert told == [401] * TRIES
    assert (refused.status, int(refused.headers["Retry-After"]) >= 1) == (429, True)


async def test_who_has_shown_too_many_wrong_passwords_waits() -> None:
    application = web.Application(middlewares=[guard.middleware(load(pages_token=PASSWORD), guard.OPEN)])
    wrong, right = ({"Authorization": f"Bearer {token}"} for token in ("wrong", "tr4ut-w4ter-f4lls"))
    async with TestClient(TestServer(application)) as client:
        told = [(await client.get("/", headers=wrong)).status for _ in range(TRIES + 2)]
        refused = await client.get("/", headers=right)
        assert (await client.get("/livez")).status == 404, "of what is open nobody waits for"
    assert told[:TRIES] == [401] * TRIES
    assert told[-1] == refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 2 * EVERY_S


def test_tries_come_back_one_by_one_and_an_address_does_not_take_those_of_another() -> None:
    clock = [100.0]
    attempts = Attempts(lambda: clock[0])
    for _ in range(TRIES):
        attempts.failed("10.0.0.7")
    attempts.require_left("10.0.0.8")
    with pytest.raises(web.HTTPTooManyRequests):
        attempts.require_left("10.0.0.7")
    clock[0] += EVERY_S
    attempts.require_left("10.0.0.7")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/livez", 200),
        ("GET", "/nothing", 404),
        ("POST", "/", 405),
        ("GET", "/metrics", 401),
        ("GET", "/broken", 500),
    ],
)
async def test_every_answer_is_fenced_in(method: str, path: str, status: int) -> None:
    answer = await asked(path, method=method, metrics_token=TOKEN)
    assert answer.status == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


async def test_what_aiohttp_refuses_before_any_handler_is_fenced_in() -> None:
    answer = await asked(headers={"Expect": "a wonder"})
    assert answer.status == 417
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


async def test_a_handler_that_breaks_says_nothing_of_why_even_where_asyncio_debugs() -> None:
    asyncio.get_running_loop().set_debug(True)
    answer = await asked("/broken")
    assert answer.status == 500
    assert "what users wrote" not in await answer.text()  # type: ignore[operator,misc]  # of the client
