"""A body is read as the worker will read it, before Kafka has it: what is in it, and what of it is not an event."""

import time
from dataclasses import dataclass

from streams.gateways.base import Headers, InvalidEvent
from streams.gateways.formats import FORMATS, decode
from streams.receiver.refusals import Refused
from streams.sources import Format


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ids of the events that a body holds, in its order, and its items that are none."""

    events: list[str]
    invalid: list[InvalidEvent]


def judge(form: Format, value: bytes, headers: Headers, limit: int) -> Verdict:
    """Read a body of the format `form`; items of no interest (a database's span, say) are in neither list.

    Raises Refused (400) when the body as a whole cannot be read, and so never can be.
    """
    events: list[str] = []
    invalid: list[InvalidEvent] = []
    for read in decode(FORMATS[form], value, headers, limit=limit, ingest_ms=time.time_ns() // 1_000_000):
        if isinstance(read, InvalidEvent):
            invalid.append(read)
        else:
            events.append(read.event_id)
    if not events and len(invalid) == 1 and invalid[0].item is None:
        raise Refused(400, invalid[0].reason, invalid[0].detail)
    return Verdict(events, invalid)
