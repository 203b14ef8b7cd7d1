"""A person's word to the detectors: packed, sent to the worker that owns the segment, and read again in its place.

It goes into the topic of measurements under the segment's key, so that it stands in order among what the segment has
seen. Kafka may deliver it twice: whoever obeys remembers the `command_id` of those it has obeyed.
"""

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

import msgpack

from streams.events import EARLIEST_NS, LATEST_NS
from streams.gateways.base import InvalidEvent
from streams.kafka import connection
from streams.produce import Record, produce
from streams.settings import Settings
from streams.topics import MEASUREMENTS, KafkaUnreachable

Action = Literal["accept", "pin", "unpin", "reset"]

VERSION = 1
EVERY = "*"  # as a metric: all of the segment
WORDS = {"metric": 256, "by": 256, "note": 4096}  # characters, at most
# How a packed command begins, a map of one key, `command`: measurements are a map of more.
_MARK = msgpack.packb({"command": None})[:-1]


@dataclass(frozen=True, slots=True)
class Command:
    """What a person tells a segment's detectors about a metric, or about every one ("*").

    accept: what is seen since the open finding is the new normal. pin: learn no more, keep the reference. unpin: learn
    on. reset: forget the reference and learn anew. Raises ValueError for what no worker would obey.
    """

    action: Action
    metric: str
    by: str
    note: str
    time_unix_nano: int

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise ValueError(f"There is no action {self.action!r}")
        if not EARLIEST_NS <= self.time_unix_nano < LATEST_NS:
            raise ValueError(f"{self.time_unix_nano} is no time in nanoseconds")
        for name, longest in WORDS.items():
            if len(getattr(self, name)) > longest:
                raise ValueError(f"{name} takes {longest} characters at most")
        if not (self.metric and self.by):
            raise ValueError("A command names a metric and a person")

    @property
    def command_id(self) -> str:
        """Name it, the same whenever it is delivered."""
        return hashlib.blake2b(pack(self), digest_size=16).hexdigest()


def pack(command: Command) -> bytes:
    """Pack a command for Kafka."""
    return bytes(msgpack.packb({"command": {"version": VERSION, **asdict(command)}}))


def is_command(value: bytes | None) -> bool:
    """Whether a message of the topic of measurements is a command, by how it begins."""
    return value is not None and value.startswith(_MARK)


def unpack(value: bytes | None) -> Command:
    """Read what `pack` wrote. Raises InvalidEvent."""
    try:
        read = msgpack.unpackb(value)["command"]
        if type(read["version"]) is not int:
            raise TypeError("a version that is no number")
        if read["version"] != VERSION:
            newer = f"A command of version {read['version']}, this Sluice reads {VERSION}: upgrade all workers."
            raise InvalidEvent("unsupported_schema_version", newer)
        if [type(read[each.name]) for each in fields(Command)] != [str, str, str, str, int]:
            raise TypeError("a field of another type")
        return Command(**{each.name: read[each.name] for each in fields(Command)})
    except (ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException) as wrong:
        raise InvalidEvent("wrong_shape", f"Not a command ({type(wrong).__name__}): who else writes here?") from None


async def send(settings: Settings, segment: str, *commands: Command) -> None:
    """Send commands, in order, to the worker that owns the segment; on return Kafka has them.

    Raises KafkaUnreachable.
    """
    key = segment.encode()
    records = [Record(MEASUREMENTS.name, key, pack(each), each.time_unix_nano // 1_000_000) for each in commands]
    produced = await produce(records, connection(settings), settings.topic_prefix)
    if produced.refused:
        raise KafkaUnreachable(settings.kafka_bootstrap, "it refuses the command")
