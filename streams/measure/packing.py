"""Measurements become a message for Kafka, and are read again: msgpack of little-endian column buffers."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from detectors.base import Measurements, Texts, Words
from detectors.held import select
from detectors.meaning import WIDTH
from detectors.metrics import Kind, metric_of
from streams.gateways.base import InvalidEvent

VERSION = 3
LARGEST = 985_000  # bytes of a message; Kafka's usual limit is 1 MB, and a record has a key and a header, too
# A rate is 0 or 1; 32 bits tell seconds and tokens apart as far as anyone can; a prediction may be any number.
_FLOATS = {Kind.RATE: "<f2", Kind.POSITIVE: "<f4"}
_FLOAT_OF_SIZE = {2: "<f2", 4: "<f4", 8: "<f8"}
_CODE_OF_SIZE = {1: "<i1", 2: "<i2", 4: "<i4"}
_PLACES = ("source", "position", "time_unix_nano")


def messages(measurements: Measurements) -> Iterator[bytes]:
    """Pack a segment's measurements, in as many messages as it takes, in their order."""
    packed = pack(measurements)
    n = len(measurements.inference_id)
    if len(packed) <= LARGEST or n == 1:
        yield packed
        return
    rows = np.arange(n)
    for half in (rows[: n // 2], rows[n // 2 :]):
        yield from messages(select(measurements, half))


def pack(measurements: Measurements) -> bytes:
    """Pack a segment's measurements. Numbers are rounded to the bits that their kind takes; NaN stays NaN."""
    m = measurements
    with np.errstate(over="ignore"):  # what is too large is infinite, which is not known, either
        values = {name: column.astype(_float(name)).tobytes() for name, column in m.values.items()}
    return bytes(
        msgpack.packb(
            {
                "version": VERSION,
                **{name: getattr(m, name).astype("<i8", copy=False).tobytes() for name in _PLACES},
                "inference_id": m.inference_id,
                "values": values,
                "words": {name: (words.labels, _codes(words)) for name, words in m.words.items()},
                "texts": {name: _text_buffers(texts) for name, texts in m.texts.items()},
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
        if type(read["version"]) is not int:
            raise TypeError("a version that is no number")
        if read["version"] != VERSION:
            newer = f"Measurements of version {read['version']}, this Sluice reads {VERSION}: upgrade all workers."
            raise InvalidEvent("unsupported_schema_version", newer)
        ids = read["inference_id"]
        if not isinstance(ids, list) or set(map(type, ids)) - {str}:
            raise TypeError("inference ids that are no list of texts")
        if {type(name) for part in ("values", "words", "texts") for name in read[part]} - {str}:
            raise TypeError("names that are no texts")
        return Measurements(
            **{name: np.frombuffer(read[name], "<i8") for name in _PLACES},
            inference_id=ids,
            values={
                name: _column(column, len(ids), _FLOAT_OF_SIZE).astype(np.float64)
                for name, column in read["values"].items()
            },
            words={name: _words(labels, codes, len(ids)) for name, (labels, codes) in read["words"].items()},
            texts={name: _texts(*buffers, rows=len(ids)) for name, buffers in read["texts"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException) as wrong:
        raise InvalidEvent("wrong_shape", f"Not measurements ({type(wrong).__name__}): who else writes here?") from None


def _float(name: str) -> str:
    metric = metric_of(name)
    return "<f8" if metric is None else _FLOATS.get(metric.kind, "<f8")


def _codes(words: Words) -> bytes:
    size = next(size for size in _CODE_OF_SIZE if len(words.labels) <= 2 ** (8 * size - 1))
    return words.codes.astype(_CODE_OF_SIZE[size]).tobytes()


def _text_buffers(texts: Texts) -> tuple[bytes, ...]:
    features = texts.rows.astype("<i4").tobytes(), texts.style.astype("<f4").tobytes(), texts.grams.tobytes()
    return features if texts.vectors is None else (*features, texts.vectors.tobytes())


def _column(buffer: Any, n: int, dtypes: Mapping[int, str]) -> NDArray[Any]:
    """Read a column of n numbers whose size says their type. Raises KeyError, TypeError or ValueError."""
    return np.frombuffer(buffer, dtypes[len(buffer) // n]) if n else np.frombuffer(buffer, "<f8")


def _words(labels: Any, codes: Any, n: int) -> Words:
    column = _column(codes, n, _CODE_OF_SIZE).astype(np.int32)
    if set(map(type, labels)) - {str} or (n and not -1 <= column.min() <= column.max() < len(labels)):
        raise ValueError("labels that are no texts, or codes without a label")
    return Words(column, tuple(labels))


def _texts(places: Any, style: Any, grams: Any, vectors: Any = None, *, rows: int) -> Texts:
    where = np.frombuffer(places, "<i4").astype(np.int32)
    k = len(where)
    if k == 0 or where[0] < 0 or where[-1] >= rows or (np.diff(where) <= 0).any():
        raise ValueError("texts of rows that there are not")
    return Texts(
        where,
        np.frombuffer(style, "<f4").reshape(k, -1),
        np.frombuffer(grams, np.uint8).reshape(k, -1),
        None if vectors is None else np.frombuffer(vectors, np.uint8).reshape(k, WIDTH),
    )
