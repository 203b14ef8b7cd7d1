"""What the calls of a block were: how long they took, and for what type of output they asked, by what is known of their
requests, in the block or before it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from sinks.joins import Asked, Placed
from streams.ingest import Block


class Requests(Protocol):
    """Knows requests that are stored; see `sinks.joins.Joins`. Blocking; raises SinkBusy and SinkBroken."""

    def asked(self, answered: Sequence[Placed]) -> Mapping[str, Asked]: ...


class Joined(NamedTuple):
    """The seconds of each of a block's responses and its type of output; None where neither it nor its request says."""

    durations: list[float | None]
    output_types: list[str | None]


def joined(block: Block, joins: Requests) -> Joined:
    """Join a block's responses with their requests.

    Only watched responses that do not say how long they took are looked up: those of senders that send requests apart.
    """
    responses = block.responses.events
    seconds = [response.duration_s for response in responses]
    types = [answer.output_type for answer in block.answers]
    unsaid = [row for row, watched in enumerate(block.watched) if watched and seconds[row] is None]
    if not unsaid:
        return Joined(seconds, types)
    asked = {r.inference_id: Asked(r.time_unix_nano, r.output_type) for r in block.requests.events}
    unknown = (responses[row] for row in unsaid if responses[row].inference_id not in asked)
    elsewhere = [(response.inference_id, response.time_unix_nano) for response in unknown]
    if elsewhere:
        asked |= joins.asked(elsewhere)
    for row in unsaid:
        request = asked.get(responses[row].inference_id)
        if request is not None:
            seconds[row] = _between(request.time_unix_nano, responses[row].time_unix_nano)
            types[row] = types[row] or request.output_type
    return Joined(seconds, types)


def _between(begin_ns: int, end_ns: int) -> float | None:
    return (end_ns - begin_ns) / 1e9 if end_ns >= begin_ns else None
