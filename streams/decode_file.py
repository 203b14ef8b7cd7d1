"""A file of one message becomes what Sluice sees in it, a line of JSON for each event and each dead letter."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from streams.gateways.base import InvalidEvent
from streams.gateways.formats import FORMATS, decode
from streams.redaction import Redactor
from streams.settings import Settings
from streams.sources import Content

Header = tuple[str, bytes]


def headers_of(given: Sequence[str]) -> list[Header]:
    """Read headers as a person gives them: "name: value", or @FILE of JSON, an object or a list of pairs.

    Raises ValueError, which says what it takes.
    """
    read: list[Header] = []
    for each in given:
        if each.startswith("@"):
            read += _from_file(Path(each[1:]))
            continue
        name, colon, value = each.partition(":")
        if not colon:
            raise ValueError(f"{each!r} is no header: write 'name: value', or @FILE of JSON")
        read.append((name.strip(), value.strip().encode()))
    return read


def seen(file: str, format_: str, headers: Sequence[Header], content: Content, settings: Settings) -> Iterator[str]:
    """Give a line of JSON for everything in a file ("-" is standard input), as Sluice would store it.

    A message's Kafka time is now. A dead letter has a reason, and a detail that names the cure.
    """
    value = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    redactor = Redactor(settings.pseudonyms)
    now_ms = time.time_ns() // 1_000_000
    for event in decode(FORMATS[format_], value, headers, limit=settings.event_bytes, ingest_ms=now_ms):
        if isinstance(event, InvalidEvent):
            yield json.dumps({"kind": "dead_letter", "reason": event.reason, "detail": event.detail})
        else:
            yield redactor.apply(event, content).model_dump_json(by_alias=True, exclude_none=True)


def _from_file(file: Path) -> list[Header]:
    try:
        read = json.loads(file.read_bytes())
        if isinstance(read, dict) and isinstance(read.get("headers"), list):  # a Kafka record's key and headers
            read = read["headers"]
        pairs = read.items() if isinstance(read, dict) else read
        return [(str(name), str(value).encode()) for name, value in pairs]
    except (TypeError, ValueError):
        raise ValueError(f"{file} holds no headers: give a JSON object of them, or a list of pairs") from None
