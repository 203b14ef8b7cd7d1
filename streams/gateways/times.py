"""Times as gateways write them become nanoseconds since 1970 in UTC; no time, or one in a wrong unit, is not known."""

from datetime import UTC, datetime

from streams.events import EARLIEST_NS, LATEST_NS
from streams.gateways.values import number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_iso(value: object) -> int | None:
    """Read ISO 8601; without an offset it is UTC. Digits beyond microseconds are dropped."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    since = (read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH
    return _within(((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000)


def of_seconds(value: object) -> int | None:
    """Read seconds since 1970 with a fraction: a float of today's holds microseconds, and no more."""
    read_s = number(value)
    return None if read_s is None or abs(read_s) > LATEST_NS else _within(round(read_s * 1e6) * 1_000)


def between(start_ns: int | None, end_ns: int | None) -> float | None:
    """Return the seconds from one time to another; not known where one is not, or they are the wrong way round."""
    if start_ns is None or end_ns is None or end_ns < start_ns:
        return None
    return (end_ns - start_ns) / 1e9


def _within(time_ns: int) -> int | None:
    return time_ns if EARLIEST_NS <= time_ns < LATEST_NS else None
