"""ClickHouse's HTTP interface over the local engine: each request becomes a statement, each answer a response."""

import asyncio
import contextlib
import json
import secrets
import zlib
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import lz4.frame  # type: ignore[import-untyped]  # publishes no types
from aiohttp import web

from deploy.local import clickhouse_requests
from deploy.local.engine import BAD_ARGUMENTS, CANNOT_READ_ALL_DATA, NOT_IMPLEMENTED, Answer, Engine, StatementFailed
from deploy.local.statements import Statement

STATEMENTS_AT_ONCE = 4
MAX_BODY_BYTES = 1 << 30
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost"})
# What a client sees before it reads the code; ClickHouse's src/Server/HTTPHandler.cpp.
_STATUS = {
    **dict.fromkeys((27, CANNOT_READ_ALL_DATA, BAD_ARGUMENTS, 38, 41, 42, 43, 53, 62, 70, 117), 400),  # does not parse
    **dict.fromkeys((46, 47, 50, 56, 60, 73, 81, 115), 404),  # unknown function, column, type, table, format, setting
    NOT_IMPLEMENTED: 501,
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(engine: Engine) -> web.Application:
    """Serve one engine; statements run in STATEMENTS_AT_ONCE threads, so that a slow one does not stop /ping."""
    threads = ThreadPoolExecutor(STATEMENTS_AT_ONCE, thread_name_prefix="statements")

    async def statement(request: web.Request) -> web.StreamResponse:
        try:
            return await _respond(request, engine, threads)
        except StatementFailed as error:
            return _refusal(error, engine.version)

    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_refuse_browsers])
    app.router.add_get("/ping", _ping)
    app.router.add_route("*", "/", statement)
    return app


async def _ping(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


@web.middleware
async def _refuse_browsers(request: web.Request, handler: _Handler) -> web.StreamResponse:
    # There is no password here, and a page in the developer's browser must not reach the tables (DNS rebinding, forms).
    if "Origin" in request.headers or request.url.host not in LOOPBACK_NAMES:
        raise web.HTTPForbidden(text="the local ClickHouse answers programs on this machine alone\n")
    return await handler(request)


async def _respond(request: web.Request, engine: Engine, threads: ThreadPoolExecutor) -> web.StreamResponse:
    run = partial(asyncio.get_running_loop().run_in_executor, threads)
    statement = await run(await clickhouse_requests.read(request))
    if not statement.text.strip():
        return await _ping(request)
    headers = _headers(request, statement, engine)
    packing = _packing(request)
    if packing:
        headers["Content-Encoding"] = packing
    if statement.may_stream and request.query.get("wait_end_of_query") != "1":
        tag = headers["X-ClickHouse-Exception-Tag"] = secrets.token_hex(8)
        return await _stream(request, headers, run, _packed(_ended(engine.stream(statement), tag), packing))
    answer = await run(engine.run, statement)
    headers["X-ClickHouse-Summary"] = _summary(answer)
    return web.Response(body=await run(b"".join, _packed([answer.body], packing)), headers=headers)


async def _stream(
    request: web.Request,
    headers: dict[str, str],
    run: Callable[..., Awaitable[bytes | None]],
    blocks: Generator[bytes],
) -> web.StreamResponse:
    try:
        block = await run(next, blocks, None)  # before the headers: a statement that is wrong is a plain refusal
        response = web.StreamResponse(headers=headers)
        with contextlib.suppress(ConnectionResetError):  # the reader has seen enough
            await response.prepare(request)
            while block is not None:
                await response.write(block)
                block = await run(next, blocks, None)
        return response
    finally:
        await run(blocks.close)  # or the statement of a reader who left would run on


def _headers(request: web.Request, statement: Statement, engine: Engine) -> dict[str, str]:
    headers = {
        "Content-Type": "application/octet-stream",
        "X-ClickHouse-Query-Id": request.query.get("query_id") or str(uuid4()),
        "X-ClickHouse-Timezone": engine.timezone,
    }
    if statement.answers_with_rows:
        headers["X-ClickHouse-Format"] = statement.format.decode()
    return headers


def _summary(answer: Answer) -> str:
    rows, size = ("written_rows", "written_bytes") if answer.wrote else ("read_rows", "read_bytes")
    return json.dumps({rows: str(answer.rows), size: str(answer.bytes)})


def _packing(request: web.Request) -> str:
    """The Content-Encoding of the answer: "lz4", "gzip" or "" for none."""
    if request.query.get("enable_http_compression") != "1":
        return ""
    wanted = request.headers.get("Accept-Encoding", "")
    return next((name for name in ("lz4", "gzip") if name in wanted), "")


def _packed(blocks: Iterable[bytes], packing: str) -> Generator[bytes]:
    if not packing:
        yield from blocks
        return
    frame: Any = lz4.frame.LZ4FrameCompressor() if packing == "lz4" else zlib.compressobj(level=1, wbits=31)  # gzip
    head = frame.begin() if packing == "lz4" else b""
    for block in blocks:
        yield head + frame.compress(block)
        head = b""
    yield head + frame.flush()


def _ended(blocks: Iterator[bytes], tag: str) -> Iterator[bytes]:
    """The blocks; an error after the first of them ends the answer in the form of ClickHouse 25.11 and later."""
    begun = False
    try:
        for block in blocks:
            yield block
            begun = True
    except StatementFailed as error:
        if not begun:
            raise
        message = f"{error}\n"
        yield f"\r\n__exception__\r\n{tag}\r\n{message}{len(message)} {tag}\r\n__exception__\r\n".encode()


def _refusal(error: StatementFailed, version: str) -> web.Response:
    return web.Response(
        status=_STATUS.get(error.code, 500),
        text=f"{error} (version {version})\n",
        headers={"X-ClickHouse-Exception-Code": str(error.code)},
    )
