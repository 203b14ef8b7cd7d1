"""The pages show what users wrote: whoever is not on this machine needs the password, and every answer is fenced in."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from streams.settings import load
from streams.status_page import guard
from streams.status_page.attempts import EVERY_S, TRIES, Attempts

PASSWORD = "tr4ut-ß-w4ter"  # noqa: S105  # of nobody


async def asked(path: str = "/", headers: Mapping[str, str] | None = None, **settings: Any) -> web.Response:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="what users wrote")

    application = web.Application(middlewares=[guard.middleware(load(**settings), guard.OPEN)])
    application.router.add_get("/", page)
    application.router.add_get("/livez", page)
    application.router.add_get("/metrics", page)
    async with TestClient(TestServer(application)) as client:
        answer = await client.get(path, headers=headers)
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
    bearer = {"Authorization": "Bearer secret"}
    assert (await asked(headers=bearer, web_host=host, pages_token="secret")).status == 200  # noqa: S106


async def test_metrics_ask_for_a_token_of_their_own() -> None:
    settings: dict[str, Any] = {"web_host": "0.0.0.0", "metrics_token": "of metrics", "pages_token": PASSWORD}  # noqa: S104
    assert (await asked("/metrics", **settings)).status == 401
    assert (await asked("/metrics", {"Authorization": "Bearer of metrics"}, **settings)).status == 200
    assert (await asked("/", {"Authorization": "Bearer of metrics"}, **settings)).status == 401


async def test_who_has_shown_too_many_wrong_passwords_waits() -> None:
    application = web.Application(middlewares=[guard.middleware(load(pages_token=PASSWORD), guard.OPEN)])
    wrong, right = ({"Authorization": f"Bearer {token}"} for token in ("wrong", "tr4ut-w4ter"))
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


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nothing", 404), ("/livez", 200)])
async def test_every_answer_is_fenced_in(path: str, status: int) -> None:
    answer = await asked(path)
    assert answer.status == status
    assert {name: answer.headers[name] for name in guard.HEADERS} == guard.HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
