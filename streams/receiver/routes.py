"""HTTP in: a sender's body is read, judged and put into Kafka as it came; only then is it answered with a 2xx."""

import asyncio
from functools import partial

import orjson
from aiohttp import web

from sinks.prometheus import Metrics
from streams.gateways.base import Headers
from streams.receiver import openapi
from streams.receiver.answers import refusal
from streams.receiver.auth import Door
from streams.receiver.body import read
from streams.receiver.endpoints import ENDPOINTS, Endpoint
from streams.receiver.outbox import Outbox
from streams.receiver.refusals import Busy, Refused
from streams.receiver.verdict import Verdict, judge
from streams.settings import Settings
from streams.sources import FORMAT_HEADER

IDLE_S = 75.0  # after which a connection on which nothing is asked is closed, the first request's head included
RETRY_AFTER = 2  # seconds
KEPT = ("content-type", "user-agent", "x-langfuse-sdk-name", "x-langfuse-sdk-version")  # the sender's version
THREAD_BYTES = 64 * 1024  # a larger body is decoded in a thread: other senders would wait for it


class Receiver:
    """The routes of the receiver, for an aiohttp application of its own or for the worker's.

    Raises CannotServe when it would be open to others than this machine without a token.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._door = Door(settings)
        self._outbox = Outbox(settings)
        self._decoding = asyncio.Lock()

    def attach(self, application: web.Application) -> None:
        """Add the routes, and a producer that starts and stops with the application, which must not run yet.

        Its runner must have `auto_decompress=False`, see `body.read`.
        """
        application.router.add_routes(self.routes())
        application.cleanup_ctx.append(self._outbox.running)

    def routes(self) -> list[web.RouteDef]:
        taking = [web.post(each.path, partial(self._answer, each)) for each in ENDPOINTS]
        return [*taking, web.get("/info", _info), web.get("/openapi.json", _document)]

    async def _answer(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        try:
            response = await self._receive(endpoint, request)
        except Refused as refused:
            response = refusal(refused, request)
        except Busy as busy:
            detail = f"{busy} Nothing was accepted: send it again."
            response = refusal(Refused(endpoint.busy, "busy", detail, RETRY_AFTER), request)
        except ConnectionError:  # the sender has gone, nobody is answered
            raise
        except Exception:
            self._count(endpoint, 500)
            raise
        self._count(endpoint, response.status)
        return response

    def _count(self, endpoint: Endpoint, status: int) -> None:
        self._metrics.received.labels(endpoint.form, f"{status // 100}xx").inc()

    async def _receive(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        self._door.check(request.headers, request.remote)
        if endpoint.only and request.content_type not in endpoint.only:
            raise Refused(415, "unsupported_type", f"Content-Type {' and '.join(endpoint.only)} are taken here.")
        with self._outbox.room() as hold:
            value = await read(request, self._settings.event_bytes, hold)
            headers = _headers(endpoint, request)
            verdict = await self._judged(endpoint, value, headers)
            await self._outbox.confirmed(value, headers)
        self._metrics.received_bytes.labels(endpoint.form).inc(len(value))
        return endpoint.answer(verdict, value, request)

    async def _judged(self, endpoint: Endpoint, value: bytes, headers: Headers) -> Verdict:
        judging = partial(judge, endpoint.form, value, headers, self._settings.event_bytes)
        if len(value) <= THREAD_BYTES:
            return judging()
        # One at a time: decoding holds the interpreter, and what it makes takes many times the body's memory.
        async with self._decoding:
            return await asyncio.to_thread(judging)


def _headers(endpoint: Endpoint, request: web.Request) -> Headers:
    """The record's headers: what decoders read, and nothing else of the request, least of all its token."""
    headers = [(FORMAT_HEADER, endpoint.form.encode())]
    for name, value in request.headers.items():
        lower = name.lower()
        if lower in KEPT or (lower.startswith("ce-") and endpoint.form == "cloudevents"):
            headers.append((lower, value.encode(errors="surrogateescape")))
    return headers


async def _info(_request: web.Request) -> web.Response:
    # LangSmith's client asks before it sends feedback; of a server without a version it posts each to /feedback.
    return web.json_response({})


async def _document(_request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(openapi.document()), content_type="application/json")
