"""What OTLP carries, whatever its encoding: spans and log records, with attributes of plain Python values."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from streams.gateways.base import InvalidEvent

T = TypeVar("T")
S = TypeVar("S", bound=Sized)

Attributes = Mapping[str, Any]

SHORTEST = 40  # bytes: a resource with a scope with a span of nothing but ids and a time has 43
FEW = 100  # of empty ones are no harm
SHORTEST_VALUE = 10  # bytes, of one in a list; a number has 11, and an attribute is twice as much work
FEW_VALUES = 1_000
MOMENTS = 8  # of a span's beginning, and as many of its end
DEEPEST = 50  # values within values, as many as protobuf's own limit allows


class Moment(NamedTuple):
    """An event on a span. Attributes are read of exceptions alone."""

    name: str
    time_ns: int
    attributes: Attributes


class Span(NamedTuple):
    """A span with ids in lower-case hex and times in nanoseconds since 1970, 0 where there is none.

    `moments` are its first and its last ones; between them may be one for each chunk of a stream.
    """

    trace_id: str
    span_id: str
    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    moments: Sequence[Moment]
    failed: bool
    message: str | None
    raw: Any


def outermost(moments: Sequence[Any]) -> Sequence[Any]:
    """Leave out what lies between the first and the last moments."""
    return moments if len(moments) <= 2 * MOMENTS else [*moments[:MOMENTS], *moments[-MOMENTS:]]


class LogRecord(NamedTuple):
    """A log record; without trace context its ids are None, and without a name of its event that is ""."""

    trace_id: str | None
    span_id: str | None
    event_name: str
    time_ns: int
    observed_ns: int
    attributes: Attributes
    body: Any
    raw: Any


class SetAside(NamedTuple):
    """What is wrong with some items of a batch, and which; their `raw` makes the message to be replayed."""

    wrong: InvalidEvent
    raws: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """The spans or log records that one scope (an instrumentation library) of one resource (a process) sent.

    Iterating gives them one after another, and a SetAside in the place of one that cannot be read. `alone` makes a
    message of the same encoding with nothing but some of them, given as their `raw`; None where that is impossible.
    """

    resource: Attributes
    version: str  # of the scope
    raws: Sequence[Any]
    read: Callable[[Any], T]
    alone: Callable[[Sequence[Any]], bytes | None]

    def __iter__(self) -> Iterator[T | SetAside]:
        for raw in self.raws:
            try:
                yield self.read(raw)
            except InvalidEvent as wrong:
                yield SetAside(wrong, (raw,))


class Room:
    """How many resources, scopes, items and values in them fit into a record's bytes, unless most of them are empty.

    Two bytes make an empty one, and reading it takes as long as reading one that says something.
    """

    def __init__(self, length: int) -> None:
        self.left = length // SHORTEST + FEW
        self.left_values = length // SHORTEST_VALUE + FEW_VALUES

    def take(self, listed: S) -> S:
        """Return the list of resources, scopes or items as it is. Raises InvalidEvent(wrong_shape): it does not fit."""
        self.left -= len(listed)
        if self.left < 0:
            raise InvalidEvent(
                "wrong_shape", "More spans or log records than the record has bytes for: send none that are empty."
            )
        return listed

    def take_values(self, count: int) -> None:
        """Make room for values in a list; attributes count twice. Raises InvalidEvent(wrong_shape): they do not fit."""
        self.left_values -= count
        if self.left_values < 0:
            raise InvalidEvent(
                "wrong_shape", "More attributes or values than the record has bytes for: send none that are empty."
            )


def no_span_ids() -> InvalidEvent:
    """Say that a span has no ids, which is also how a log record looks that is read as a span."""
    return InvalidEvent(
        "wrong_shape",
        "A span without a trace id of 16 bytes and a span id of 8: if the topic carries logs, its format is otlp_logs; "
        "else send each span with both ids.",
    )


def no_log_ids() -> InvalidEvent:
    """Say that a log record has ids of a wrong length, which is also how a span looks that is read as a log record."""
    return InvalidEvent(
        "wrong_shape",
        "A log record with a trace id not of 16 bytes or a span id not of 8: if the topic carries traces, its format "
        "is otlp_traces; else send both ids whole, or neither.",
    )
