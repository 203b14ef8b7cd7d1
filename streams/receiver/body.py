"""A request's body goes by in pieces, is inflated where it came compressed, and is cut off at the limit."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from streams.receiver.refusals import Refused

READ_SECONDS = 60  # for a whole body; a sender that is slower than that has gone away
GZIP_OR_ZLIB = 47  # wbits: 15 for the largest window, 32 to find out which of the two it is


async def read(request: web.Request, limit: int, hold: Callable[[int], None]) -> bytes:
    """Return the body without its Content-Encoding, gzip and deflate.

    The server must leave the body as it came (`auto_decompress=False`): aiohttp's own inflating takes a gzip that
    breaks off for whole.

    Args:
        request: with its body not yet read.
        limit: the greatest length, in bytes, before and after inflating.
        hold: called with the length of each piece before it is kept; may raise to stop the reading.

    Raises:
        Refused: 400, 408, 413 or 415.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "deflate"):
        raise Refused(415, "unsupported_encoding", "Content-Encoding gzip, deflate and identity are taken.")
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    pieces = _pieces(request, limit)
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in pieces if encoding == "identity" else _inflated(pieces, limit):
                hold(len(piece))
                body += piece
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise Refused(408, "too_slow", f"The body did not come within {READ_SECONDS} seconds.") from None
    return bytes(body)


async def _pieces(request: web.Request, limit: int) -> AsyncIterator[bytes]:
    came = 0
    async for piece in request.content.iter_any():
        came += len(piece)
        if came > limit:
            raise _too_large(limit)
        yield piece


async def _inflated(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    inflate, left = zlib.decompressobj(wbits=GZIP_OR_ZLIB), limit
    async for piece in pieces:
        try:
            out = inflate.decompress(piece, left + 1)  # one over the limit is enough to see that it is over
        except zlib.error:
            raise _bad_gzip() from None
        left -= len(out)
        yield out
        if inflate.unused_data:
            break
    if not inflate.eof or inflate.unused_data:
        raise _bad_gzip()


def _bad_gzip() -> Refused:
    return Refused(400, "bad_encoding", "The body is not one whole gzip or zlib stream, as its Content-Encoding says.")


def _too_large(limit: int) -> Refused:
    return Refused(
        413,
        "too_large",
        f"The body is over {limit:,} bytes, decompressed: send smaller batches, or raise SLUICE_EVENT_BYTES.",
    )
