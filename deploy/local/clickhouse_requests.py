"""HTTP requests as ClickHouse's clients send them become statements: URL parameters, settings, packed bodies, forms."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from functools import partial

import lz4.frame  # type: ignore[import-untyped]  # publishes no types
from aiohttp import web

from deploy.local.engine import BAD_ARGUMENTS, CANNOT_READ_ALL_DATA, NOT_IMPLEMENTED, StatementFailed
from deploy.local.statements import Statement

# Parameters of the HTTP interface itself; every other one is a setting (ClickHouse's src/Server/HTTPHandler.cpp).
_INTERFACE = frozenset(
    (
        *("query", "query_id", "database", "default_format", "wait_end_of_query", "buffer_size"),
        *("user", "password", "quota_key", "role", "stacktrace", "session_id", "session_timeout", "session_check"),
        *("compress", "decompress", "enable_http_compression", "cancel_http_readonly_queries_on_client_close"),
        *("client_protocol_version", "send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    )
)
_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "lz4": lz4.frame.decompress,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


async def read(request: web.Request) -> Callable[[], Statement]:
    """Take a request off the wire. What it returns unpacks and parses, which for a large insert belongs in a thread.

    Both raise StatementFailed for what the local ClickHouse does not take.
    """
    parameters = dict(request.query)
    if parameters.get("compress") == "1" or parameters.get("decompress") == "1":
        raise StatementFailed(NOT_IMPLEMENTED, "compress=1 and decompress=1 are not served here: use Content-Encoding")
    body = b""
    if request.content_type == "multipart/form-data":
        for name, value in (await request.post()).items():
            if not isinstance(value, str):
                raise StatementFailed(NOT_IMPLEMENTED, "the local ClickHouse takes no external data")
            parameters[name] = value
    else:
        body = await request.read()
    encoding = request.headers.get("Content-Encoding", "")
    return partial(_statement, parameters, body, encoding, read_only=request.method != "POST")


def _statement(parameters: Mapping[str, str], body: bytes, encoding: str, *, read_only: bool) -> Statement:
    """As ClickHouse has it: the `query` parameter, a line end, and the body are one statement; GET may only read."""
    head, data = parameters.get("query", "").encode(), _unpacked(body, encoding)
    return Statement(
        text=head + b"\n" + data if head and data else head or data,
        database=parameters.get("database") or "default",
        default_format=parameters.get("default_format") or "TabSeparated",
        parameters={name[6:]: value for name, value in parameters.items() if name.startswith("param_")},
        settings={name: value for name, value in parameters.items() if _is_setting(name)},
        read_only=read_only,
    )


def _is_setting(name: str) -> bool:
    return name not in _INTERFACE and not name.startswith("param_")


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding not in _UNPACK:
        raise StatementFailed(BAD_ARGUMENTS, f"unknown Content-Encoding {encoding!r}: send lz4, gzip, deflate or none")
    try:
        return _UNPACK[encoding](body)
    except (RuntimeError, OSError, EOFError, zlib.error) as error:
        raise StatementFailed(CANNOT_READ_ALL_DATA, f"the body does not unpack as {encoding}: {error}") from None
