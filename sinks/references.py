"""References read back: what the detectors expect of a segment's week, and what people have told them to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from streams.events import ReferenceRow

_REFERENCES = """
SELECT segment, metric, toUnixTimestamp64Nano(said) AS said_unix_nano, state, weeks, unit, expected,
       band_low, band_high, events
FROM references FINAL
WHERE segment = {segment:String}
ORDER BY metric
"""
_HOURLY = ("expected", "band_low", "band_high")
_SEGMENTS = "SELECT DISTINCT segment FROM segments UNION DISTINCT SELECT DISTINCT segment FROM references"
_LOG = """
SELECT toUnixTimestamp64Nano(time), segment, metric, action, by, note
FROM reference_log FINAL
WHERE segment = {segment:String}
ORDER BY reference_log.time DESC, metric
LIMIT {lines:UInt64}
"""
_WRITE = """
INSERT INTO reference_log (time, segment, metric, action, by, note)
SELECT fromUnixTimestamp64Nano({time:Int64}, 'UTC'), {segment:String}, {metric:String}, {action:String}, {by:String},
       {note:String}
"""


SOME = 5  # names that an error lists


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the audit: who told the detectors of a segment's metric ("*": all) what, and when."""

    time_unix_nano: int
    segment: str
    metric: str
    action: str
    by: str
    note: str


class NoSuchSegment(Exception):
    """No segment, or more than one, is meant; the message says which there are."""


def named(client: Client, part: str) -> str:
    """Return the segment of this name, or the only one whose name contains it. Raises NoSuchSegment."""
    known = segments(client)
    alike = [name for name in known if part in name]
    if part in known or len(alike) == 1:
        return part if part in known else alike[0]
    if alike:
        raise NoSuchSegment(f"{len(alike)} segments' names contain {part!r}: {_some(alike)}. Give more of it.")
    raise NoSuchSegment(f"No segment's name contains {part!r}. There are {_some(known)}.")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
    return f"{', '.join(map(repr, names[:SOME])) or 'none yet'}{more}"


def of_segment(client: Client, segment: str) -> list[ReferenceRow]:
    """Return the segment's references as they were last learned, by metric."""
    rows = client.query(_REFERENCES, {"segment": segment}).named_results()
    return [ReferenceRow(**row | {name: tuple(row[name]) for name in _HOURLY}) for row in rows]


def segments(client: Client) -> list[str]:
    """Return the names of all segments that were ever watched, sorted."""
    return sorted(name for (name,) in client.query(_SEGMENTS).result_rows)


def told(client: Client, segment: str, lines: int = 5) -> list[Told]:
    """Return the last lines of a segment's audit, latest first."""
    return [Told(*row) for row in client.query(_LOG, {"segment": segment, "lines": lines}).result_rows]


def write(client: Client, lines: Sequence[Told]) -> None:
    """Write lines of the audit; twice is once."""
    for line in lines:
        client.command(
            _WRITE,
            {
                "time": line.time_unix_nano,
                "segment": line.segment,
                "metric": line.metric,
                "action": line.action,
                "by": line.by,
                "note": line.note,
            },
        )
