"""A plug is asked about a text over HTTP; its labels come back, or the reason why none do."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import orjson

from sinks.review.prelabels.plug import Plug, Prelabel, WrongAnswer

LARGEST = 1 << 20  # bytes of an answer
LATER = {408, 425, 429, 500, 502, 503, 504, 529}  # what a service says that may succeed later
LONGEST_WAIT_S = 10.0  # between two tries, whatever the service asks for


class Unanswered(Exception):
    """There are no labels; the message is a short reason, the same for all of a kind, without a word of the text."""


class Passing(Unanswered):
    """The same question may be answered later, after `wait_s` seconds if the service says so."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


async def ask(session: aiohttp.ClientSession, plug: Plug, token: str | None, text: str, until: float) -> list[Prelabel]:
    """Return a plug's labels of a text.

    Args:
        session: whose requests trust no proxy and no other variable of the environment.
        token: what it is shown as a bearer token.
        until: a time of `time.monotonic` at which to give up.

    Raises Unanswered after the last try.
    """
    for tried in range(plug.retries + 1):
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            with _reasons():
                return plug.read(await _posted(session, plug, token, text, min(plug.timeout_s, left)))
        except Passing as passing:
            wait = min(max(0.5 * 2**tried, passing.wait_s), LONGEST_WAIT_S)
            if tried == plug.retries or time.monotonic() + wait >= until:
                raise
            await asyncio.sleep(wait)
    raise Unanswered("deadline")


async def _posted(session: aiohttp.ClientSession, plug: Plug, token: str | None, text: str, within_s: float) -> object:
    # No compression: an answer of a few bytes that unpacks to gigabytes is then no JSON.
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with session.post(
        plug.url,
        data=orjson.dumps(plug.body(text)),
        headers=headers,
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=within_s),
    ) as response:
        if response.status in LATER:
            raise Passing(f"HTTP {response.status}", _wait_s(response))
        if response.status != 200:
            raise Unanswered(f"HTTP {response.status}")
        answer = bytearray()
        async for piece in response.content.iter_chunked(1 << 16):
            answer += piece
            if len(answer) > LARGEST:
                raise Unanswered(f"an answer over {LARGEST} bytes")
        return orjson.loads(answer)


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn whatever goes wrong between us and a service into its reason."""
    try:
        yield
    except TimeoutError:
        raise Passing("timeout") from None
    except aiohttp.ClientConnectionError as error:
        raise Passing(type(error).__name__) from None
    except (aiohttp.ClientError, UnicodeError) as error:
        raise Unanswered(type(error).__name__) from None
    except WrongAnswer as wrong:
        raise Unanswered(str(wrong)) from None
    except (ValueError, RecursionError):  # orjson's
        raise Unanswered("no JSON") from None


def _wait_s(response: aiohttp.ClientResponse) -> float:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 else 0.0
