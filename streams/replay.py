"""Files of events, one JSON object a line, become records again; what cannot be placed is counted and named."""

import gzip
import heapq
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import orjson

from streams.events import EARLIEST_NS, LATEST_NS
from streams.kafka import Connection
from streams.produce import Produced, Record, Speed, produce
from streams.progress import progress
from streams.topics import FEEDBACK, REQUESTS, RESPONSES

TOPICS = {"request": REQUESTS.name, "response": RESPONSES.name, "feedback": FEEDBACK.name}
NAMED = 5  # lines of each file that are named when they cannot be placed

_KIND = re.compile(rb'"kind"\s*:\s*"(request|response|feedback)"')
_GZIP = b"\x1f\x8b"


class UnreadableFile(Exception):
    """A file cannot be read; the message names it, what is wrong and what to do."""


@dataclass(slots=True)
class Unplaced:
    """Lines of one file that name no kind, so that no topic is known for them."""

    path: Path
    lines: int = 0
    first: list[int] = field(default_factory=list)  # numbers of the first few, from 1

    def __str__(self) -> str:
        listed = ", ".join(map(str, self.first)) + (", …" if self.lines > len(self.first) else "")
        return f"{self.path}: {self.lines:,} lines name no kind and were not sent (line {listed}); --topic sends them"


class Line(NamedTuple):
    """What a line says of itself; None where it does not, or cannot be read."""

    kind: str | None
    key: str | None
    time_unix_nano: int | None


class Replay:
    """The records of files of native events (plain or gzip), in each file's order, files merged by event time.

    A line that is no valid event is sent as it is, as long as it names its kind: what a gateway got wrong shall fail
    again where it failed. A line that names none goes to the topic `otherwise`, or else is not sent, counted in
    `unplaced`. The key is the inference_id, else the feedback_id, else none. The Kafka timestamp is the event time,
    but never later than the present; a line without a time takes the one before it.

    Attributes:
        size, read: bytes of all files on disk, and how many of them have been read.
        unplaced: for each file with such lines, how many there are, and the first few.
    """

    def __init__(self, paths: Sequence[Path], otherwise: str | None = None) -> None:
        self._paths = paths
        self._otherwise = otherwise
        self._read = [0] * len(paths)
        self.unplaced: list[Unplaced] = []
        try:
            self.size = sum(path.stat().st_size for path in paths)
        except OSError as missing:
            raise UnreadableFile(f"{missing.filename} cannot be read: {missing.strerror}.") from None

    @property
    def read(self) -> int:
        return sum(self._read)

    def __iter__(self) -> Iterator[Record]:
        self.unplaced.clear()
        files = [self._records(number) for number in range(len(self._paths))]
        return (record for _, record in heapq.merge(*files, key=lambda timed: timed[0]))

    def _records(self, number: int) -> Iterator[tuple[int, Record]]:
        """Yield one file's records, each with its event time in nanoseconds."""
        unplaced = Unplaced(self._paths[number])
        last = 0
        for position, value in enumerate(self._lines(number), 1):
            line = look(value)
            topic = TOPICS[line.kind] if line.kind else self._otherwise
            if topic is None:
                if not unplaced.lines:
                    self.unplaced.append(unplaced)
                unplaced.lines += 1
                if len(unplaced.first) < NAMED:
                    unplaced.first.append(position)
                continue
            last = line.time_unix_nano or last
            now_ms = time.time_ns() // 1_000_000
            timestamp_ms = min(last // 1_000_000, now_ms) if last else now_ms
            yield last, Record(topic, line.key.encode() if line.key else None, value, timestamp_ms)

    def _lines(self, number: int) -> Iterator[bytes]:
        path = self._paths[number]
        try:
            with path.open("rb") as raw:
                zipped = raw.peek(2).startswith(_GZIP)
                lines = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if zipped else raw
                for line in lines:
                    self._read[number] = raw.tell()
                    yield line.removesuffix(b"\n")
        except (OSError, EOFError, zlib.error) as damage:
            raise UnreadableFile(f"{path} cannot be read to its end: {damage}. Get an undamaged copy of it.") from None


def look(value: bytes) -> Line:
    """Find out what a line is about, even where it is no valid event."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        named = _KIND.search(value)
        return Line(named[1].decode() if named else None, None, None)
    kind, moment = event.get("kind"), event.get("time_unix_nano")
    keys = (event.get("inference_id"), event.get("feedback_id"))
    return Line(
        kind if isinstance(kind, str) and kind in TOPICS else None,
        next((key for key in keys if isinstance(key, str) and key), None),
        moment if isinstance(moment, int) and EARLIEST_NS <= moment < LATEST_NS else None,
    )


async def to_kafka(replay: Replay, kafka: Connection, topic_prefix: str = "", speed: Speed = "max") -> Produced:
    """Produce a replay, with progress on stderr. Raises KafkaUnreachable and UnreadableFile."""
    with progress("Replaying", max(1, replay.size)) as show:
        return await produce(replay, kafka, topic_prefix, speed, lambda sent: show(replay.read, sent))
