"""A simulation's records are taken apart again, as an ingest would, for tests to count."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.events import Event, Feedback, InferenceRequest, InferenceResponse
from streams.gateways import native
from streams.gateways.base import InvalidEvent
from streams.gateways.formats import decode
from streams.produce import Record

HOUR_NS = 3_600_000_000_000
LIMIT = 1_048_576
DECODERS = {
    "inference.requests": native.requests,
    "inference.responses": native.responses,
    "inference.feedback": native.feedback,
}


@dataclass
class Recount:
    """What an ingest finds in records: events in order of arrival, each once, and the rest as numbers."""

    requests: list[InferenceRequest] = field(default_factory=list)
    responses: list[InferenceResponse] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    late: list[Event] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0
    poison: Counter[str] = field(default_factory=Counter)


def recount(records: Iterable[Record]) -> Recount:
    found, seen = Recount(), set()
    for record in records:
        (event,) = decode(DECODERS[record.topic], record.value, (), limit=LIMIT, ingest_ms=record.timestamp_ms)
        if isinstance(event, InvalidEvent):
            found.poison[event.reason] += 1
            continue
        found.events += 1
        if event.event_id in seen:
            found.duplicates += 1
            continue
        seen.add(event.event_id)
        if record.timestamp_ms * 1_000_000 - event.time_unix_nano > HOUR_NS:
            found.late.append(event)
        if isinstance(event, InferenceRequest):
            found.requests.append(event)
        elif isinstance(event, InferenceResponse):
            found.responses.append(event)
        elif isinstance(event, Feedback):
            found.feedback.append(event)
    return found


def assert_share(count: int, of: int, share: float) -> None:
    """Assert that a count is within 4.5 standard deviations of what a binomial of that share gives."""
    assert abs(count - of * share) <= 4.5 * math.sqrt(of * share * (1 - share)), f"{count} of {of}, not {share:.3%}"
