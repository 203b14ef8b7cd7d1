"""Responses become measurements: columns of numbers for each segment, packed for Kafka and read again."""

import hashlib
from collections.abc import Iterator, Sequence

import msgpack
import numpy as np
from numpy.typing import NDArray

from detectors.base import METRICS, Measurements
from streams.events import InferenceResponse, Message, Received
from streams.gateways.base import InvalidEvent

VERSION = 2
OTHER = "other"
FAILED = ("error", "timeout_no_response")
ITEMS = 2**20  # events that a record can hold and still be told apart
ROWS = 900  # in one message: 985 KB at most, with ids of 256 characters of 4 bytes; Kafka's usual limit is 1 MB


def segment_name(service: str | None, route: str | None, model: str | None, environment: str | None) -> str:
    """Name what is watched as one: service|route|model|environment, `-` for what the gateway does not say."""
    return "|".join(part or "-" for part in (service, route, model, environment))


class Segments:
    """Names the segment of each response, up to a limit.

    The model is the one that was asked for: a failed call names no other, and an alias keeps its segment when the
    model behind it changes, which is what has to be noticed. The first `limit` segments that a worker meets are
    watched apart, the rest is one, so that a gateway with an id in its route costs no memory.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._names: dict[tuple[str | None, str | None, str | None, str | None], str] = {}

    def name(self, response: InferenceResponse) -> str:
        model = response.request_model or response.response_model
        key = (response.service, response.route, model, response.environment)
        name = self._names.get(key)
        if name is None:
            if len(self._names) >= self.limit:
                return OTHER
            name = self._names[key] = segment_name(*key)
        return name


def output_chars(response: InferenceResponse) -> int | None:
    """Count the characters of the answer's text parts; None where the content was not captured."""
    return None if response.output_messages is None else sum(map(_text_length, response.output_messages))


def _text_length(message: Message) -> int:
    parts = message.get("parts", ())
    texts = (part.get("content") for part in parts)
    return sum(len(text) for text in texts if isinstance(text, str))


def source_of(topic: str, partition: int) -> int:
    """Number a partition of a topic, the same in every worker and for ever."""
    digest = hashlib.blake2b(topic.encode(), digest_size=6).digest()
    return (int.from_bytes(digest) >> 1) << 16 | partition


def position_of(offset: int, item: int) -> int:
    """Place an event within its partition: by its record, then within that; what is beyond ITEMS is lumped together."""
    return offset * ITEMS + min(item, ITEMS - 1)


def by_segment(
    received: Received[InferenceResponse],
    segments: Sequence[str | None],
    chars: Sequence[int | None],
    durations: Sequence[float | None],
) -> Iterator[tuple[str, Measurements]]:
    """Split a block of responses by segment, rows in order of reading, at most ROWS to a piece.

    What has no segment (None) is left out: synthetic traffic, and what repeats another's account of the same call.
    `durations` are seconds, also of responses that do not say theirs themselves.
    """
    events = received.events
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(segments):
        if name is not None:
            rows_of.setdefault(name, []).append(row)
    columns = {
        "error": np.array([event.status in FAILED for event in events], np.float64),
        "duration_s": np.array(durations, np.float64),  # None becomes NaN: null is not 0
        "output_chars": np.array(chars, np.float64),
    }
    columns |= {
        name: np.array([getattr(event, name) for event in events], np.float64)
        for name in METRICS
        if name not in columns
    }
    sources = np.array(received.sources, np.int64)
    positions = np.array(received.positions, np.int64)
    times = np.array([event.time_unix_nano for event in events], np.int64)
    pieces = ((name, all_[i : i + ROWS]) for name, all_ in rows_of.items() for i in range(0, len(all_), ROWS))
    for name, piece in pieces:
        rows = np.array(piece)
        yield (
            name,
            Measurements(
                source=sources[rows],
                position=positions[rows],
                time_unix_nano=times[rows],
                inference_id=[events[row].inference_id for row in piece],
                values={metric: columns[metric][rows] for metric in METRICS},
            ),
        )


def pack(measurements: Measurements) -> bytes:
    """Pack a segment's measurements for Kafka: msgpack of little-endian column buffers."""
    m = measurements
    return bytes(
        msgpack.packb(
            {
                "version": VERSION,
                "source": _little(m.source, "<i8"),
                "position": _little(m.position, "<i8"),
                "time_unix_nano": _little(m.time_unix_nano, "<i8"),
                "inference_id": m.inference_id,
                "values": {name: _little(column, "<f8") for name, column in m.values.items()},
            }
        )
    )


def segment_of(key: bytes | None) -> str:
    """Read the key of packed measurements: their segment's name. Raises InvalidEvent."""
    try:
        if key:
            return key.decode()
    except UnicodeDecodeError:
        pass
    raise InvalidEvent("wrong_shape", "The key names no segment: who else writes here?")


def unpack(value: bytes | None) -> Measurements:
    """Read what `pack` wrote. Raises InvalidEvent."""
    try:
        read = msgpack.unpackb(value)
        if read["version"] != VERSION:
            newer = f"Measurements of version {read['version']}, this Sluice reads {VERSION}: upgrade all workers."
            raise InvalidEvent("unsupported_schema_version", newer)
        if set(map(type, read["inference_id"])) - {str}:
            raise TypeError("an inference_id that is not text")
        return Measurements(
            source=np.frombuffer(read["source"], "<i8"),
            position=np.frombuffer(read["position"], "<i8"),
            time_unix_nano=np.frombuffer(read["time_unix_nano"], "<i8"),
            inference_id=read["inference_id"],
            values={name: np.frombuffer(column, "<f8") for name, column in read["values"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException) as wrong:
        raise InvalidEvent("wrong_shape", f"Not measurements ({type(wrong).__name__}): who else writes here?") from None


def _little(column: NDArray[np.generic], dtype: str) -> bytes:
    return column.astype(dtype, copy=False).tobytes()
