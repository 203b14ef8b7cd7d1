"""Responses become measurements: columns of numbers for each segment, packed for Kafka and read again."""

from collections.abc import Iterator, Sequence

import msgpack
import numpy as np
from numpy.typing import NDArray

from detectors.base import METRICS, Measurements
from streams.events import InferenceResponse, Message, Received
from streams.gateways.native import InvalidEvent

VERSION = 1
OTHER = "other"
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


def by_segment(
    received: Received[InferenceResponse], segments: Sequence[str], chars: Sequence[int | None]
) -> Iterator[tuple[str, Measurements]]:
    """Split a block of responses by segment, rows in order of reading, at most ROWS to a piece.

    Synthetic traffic is left out: it is not what is watched.
    """
    events = received.events
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(segments):
        if not events[row].synthetic:
            rows_of.setdefault(name, []).append(row)
    columns = {
        "error": np.array([event.status == "error" for event in events], np.float64),
        "output_chars": np.array(chars, np.float64),  # None becomes NaN: null is not 0
    } | {
        name: np.array([getattr(event, name) for event in events], np.float64)
        for name in METRICS
        if name not in ("error", "output_chars")
    }
    partitions = np.array(received.partitions, np.int32)
    offsets = np.array(received.offsets, np.int64)
    times = np.array([event.time_unix_nano for event in events], np.int64)
    pieces = ((name, all_[i : i + ROWS]) for name, all_ in rows_of.items() for i in range(0, len(all_), ROWS))
    for name, piece in pieces:
        rows = np.array(piece)
        yield (
            name,
            Measurements(
                partition=partitions[rows],
                offset=offsets[rows],
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
                "partition": _little(m.partition, "<i4"),
                "offset": _little(m.offset, "<i8"),
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
            partition=np.frombuffer(read["partition"], "<i4"),
            offset=np.frombuffer(read["offset"], "<i8"),
            time_unix_nano=np.frombuffer(read["time_unix_nano"], "<i8"),
            inference_id=read["inference_id"],
            values={name: np.frombuffer(column, "<f8") for name, column in read["values"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException) as wrong:
        raise InvalidEvent("wrong_shape", f"Not measurements ({type(wrong).__name__}): who else writes here?") from None


def _little(column: NDArray[np.generic], dtype: str) -> bytes:
    return column.astype(dtype, copy=False).tobytes()
