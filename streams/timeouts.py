"""Requests that got no response become responses that say so, through the same topic as all others."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
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


class Hindsight:
    """Knows up to when all that came has been read: of what is later, a response may lie in Kafka, and not be read yet.

    A worker that catches up reads requests of an hour before the responses to them. Without this it would say of each
    that there is none, and find errors that never were.
    """

    def __init__(self) -> None:
        # When, when the latest request had come by then, and where logs ended.
        self._looks: deque[tuple[int, int, dict[tuple[str, int], int]]] = deque()

    def reached(
        self,
        ends: Mapping[tuple[str, int], int],
        committed: Mapping[tuple[str, int], int],
        latest_ms: int,
        now_ms: int,
    ) -> int | None:
        """Look at the logs of all events, and return up to when they are read; None while nobody knows.

        Args:
            ends: the next offset to be written, of each partition.
            committed: the next to be read, of those of which anything was.
            latest_ms: when the latest request came that is read, by Kafka's time: while records come, time goes by
                theirs, which may be of a past that is replayed.
            now_ms: the time.
        """
        read = None
        while self._looks and all(committed.get(each, 0) >= end for each, end in self._looks[0][2].items()):
            at_ms, latest_then_ms, then = self._looks.popleft()
            read = at_ms if then == ends else min(at_ms, latest_then_ms)
        self._looks.append((now_ms, latest_ms, dict(ends)))
        return read


async def announce(requests: Requests, publish: Send, timeout_s: float, read_ms: int) -> int:
    """Publish a response for each request that had waited `timeout_s` seconds in vain at `read_ms`, up to when all that
    came is read; return how many.

    A response that comes after all supersedes it (`deploy/clickhouse`: of two states the better one holds). What breaks
    off is said again the next time: it counts once.
    """
    until_ms = read_ms - int(timeout_s * 1000)
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
