"""Requests that got no response become responses that say so, through the same topic as all others."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from sinks.joins import Overdue
from streams.delivery import Send
from streams.events import InferenceResponse
from streams.gateways.base import short

DAY_MS = 24 * 3600 * 1000  # how far back the first look goes


class Requests(Protocol):
    """Knows the requests without a response; see `sinks.joins.Joins`. Blocking."""

    def overdue(self, until_ms: int, since_ms: int) -> Sequence[Overdue]: ...

    def found(self, until_ms: int) -> None: ...


async def announce(requests: Requests, publish: Send, timeout_s: float, now_ms: int | None = None) -> int:
    """Publish a response for each request that has waited `timeout_s` seconds in vain, and return how many.

    A response that comes after all supersedes it (`deploy/clickhouse`: of two states the better one holds). What breaks
    off is said again the next time: it counts once.
    """
    until_ms = (time.time_ns() // 1_000_000 if now_ms is None else now_ms) - int(timeout_s * 1000)
    overdue = await asyncio.to_thread(requests.overdue, until_ms, until_ms - DAY_MS)
    said = {request.inference_id.encode(): _response(request, timeout_s) for request in overdue}
    sent = [
        await publish(key=key, value=response.model_dump_json(by_alias=True).encode()) for key, response in said.items()
    ]
    await asyncio.gather(*sent)
    await asyncio.to_thread(requests.found, until_ms)
    return len(overdue)


def _response(request: Overdue, timeout_s: float) -> InferenceResponse:
    known = request._asdict()
    known["time_unix_nano"] += int(timeout_s * 1e9)
    return InferenceResponse(
        kind="response", event_id=short(f"{request.inference_id}:timeout"), status="timeout_no_response", **known
    )
