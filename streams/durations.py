"""How long the calls of a block took: as they say themselves, or from when their request came, in it or before it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from streams.ingest import Block


class RequestTimes(Protocol):
    """Knows when requests came that are stored; see `sinks.joins.Joins`. Blocking; raises SinkBusy and SinkBroken."""

    def request_times(self, ids: Sequence[str]) -> Mapping[str, int]: ...


def durations(block: Block, joins: RequestTimes) -> list[float | None]:
    """Return the seconds of each of the block's responses; None where the request has not come yet.

    Only watched responses that do not say theirs are looked up: those of senders that send requests apart.
    """
    said = [response.duration_s for response in block.responses.events]
    answers = zip(block.responses.events, said, block.watched, strict=True)
    unsaid = [answer.inference_id for answer, seconds, watched in answers if watched and seconds is None]
    if not unsaid:
        return said
    begun = {request.inference_id: request.time_unix_nano for request in block.requests.events}
    elsewhere = [inference_id for inference_id in unsaid if inference_id not in begun]
    if elsewhere:
        begun |= joins.request_times(elsewhere)
    return [
        _between(begun.get(response.inference_id), response.time_unix_nano) if seconds is None else seconds
        for response, seconds in zip(block.responses.events, said, strict=True)
    ]


def _between(begin_ns: int | None, end_ns: int) -> float | None:
    return (end_ns - begin_ns) / 1e9 if begin_ns is not None and end_ns >= begin_ns else None
