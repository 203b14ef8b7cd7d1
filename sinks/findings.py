"""Findings read back as they stand: what is open, one of them whole, who has seen it, and what belongs together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clickhouse_connect.driver.client import Client

from sinks.columns import FINDING
from streams.events import Finding, Moved, Slice

State = Literal["open", "acknowledged", "closed"]

# Python's datetime would lose nanoseconds.
_NAMES = {name: name.removesuffix("_unix_nano") for name in FINDING if name != "state"}
_COLUMNS = ", ".join(
    f"toUnixTimestamp64Nano({column}) AS {name}" if name != column else name for name, column in _NAMES.items()
)
_FINDINGS = f"""
SELECT {_COLUMNS}, state, slices::Array(Tuple(String, String, Float64)) AS parts,
       also::Array(Tuple(String, String, Float64, Float64)) AS moved,
       ifNull(acknowledged_by, '') AS by, ifNull(acknowledged_note, '') AS note,
       ifNull(toUnixTimestamp64Nano(acknowledged_at), 0) AS acknowledged_unix_nano
FROM findings
"""  # noqa: S608  # names of columns from our own schema, never a value
_LISTED = f"""{_FINDINGS}
WHERE ({{all:Bool}} OR state != 'closed') AND position(segment, {{segment:String}}) > 0
ORDER BY indexOf(['open', 'acknowledged', 'closed'], state), findings.time DESC, finding_id
"""
_LATELY = f"""{_FINDINGS}
WHERE finding_id IN (SELECT finding_id FROM finding_events WHERE stored_at >= now() - INTERVAL {{days:UInt32}} DAY)
ORDER BY findings.time, finding_id
"""  # noqa: S608  # names of columns from our own schema, never a value
_ONE = f"{_FINDINGS} WHERE startsWith(finding_id, {{beginning:String}}) ORDER BY finding_id LIMIT 4"
_INCIDENTS = """
SELECT incident_id, toUnixTimestamp64Nano(since) AS since_unix_nano,
       toUnixTimestamp64Nano(opened) AS opened_unix_nano,
       ifNull(toUnixTimestamp64Nano(closed), 0) AS closed_unix_nano,
       state, findings, segments, segments_watched, metrics, finding_ids,
       carried
FROM incidents
WHERE {all:Bool} OR state != 'closed'
ORDER BY indexOf(['open', 'acknowledged', 'closed'], state), opened DESC, incident_id
"""


class NoSuchFinding(Exception):
    """No finding, or more than one, has an id that begins so; the message names the cure."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding as it stands. Of one that nobody has acknowledged `by` and `note` are empty and the time is 0."""

    finding: Finding
    state: State
    by: str
    note: str
    acknowledged_unix_nano: int

    def is_in(self, incident: "Incident") -> bool:
        return self.finding.finding_id in incident.finding_ids


@dataclass(frozen=True, slots=True)
class Carrier:
    """What segments of an incident have in common: `segments` of the incident's and `of` of those watched have it."""

    dimension: str
    value: str
    segments: int
    of: int
    findings: int


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings of several segments that began together; `closed_unix_nano` is 0 while one of them goes on.

    `carried` ranks what the segments have in common, and what others have less of. Ids are findings' ids, in the order
    in which these began.
    """

    incident_id: str
    since_unix_nano: int
    opened_unix_nano: int
    closed_unix_nano: int
    state: State
    findings: int
    segments: int
    segments_watched: int
    metrics: list[str]
    finding_ids: list[str]
    carried: list[Carrier]


def listed(client: Client, *, closed: bool = False, segment: str = "") -> list[Standing]:
    """Return the findings of segments whose names contain `segment`, open ones first, then the latest noticed."""
    return [_standing(row) for row in client.query(_LISTED, {"all": closed, "segment": segment}).named_results()]


def lately(client: Client, days: int) -> list[Finding]:
    """Return the findings of which something was stored in the last days, whenever it happened, the oldest first."""
    return [_standing(row).finding for row in client.query(_LATELY, {"days": days}).named_results()]


def one(client: Client, beginning: str) -> Standing:
    """Return the finding whose id begins so. Raises NoSuchFinding."""
    rows = list(client.query(_ONE, {"beginning": beginning}).named_results()) if beginning else []
    exact = [row for row in rows if row["finding_id"] == beginning] or rows
    if not exact:
        raise NoSuchFinding(f"No finding's id begins with {beginning!r:.80}: `sluice findings --all` lists them.")
    if len(exact) > 1:
        some = ", ".join(row["finding_id"] for row in exact[:3])
        raise NoSuchFinding(f"More than one finding's id begins with {beginning!r:.80}: give more of it ({some} …).")
    return _standing(exact[0])


def acknowledge(client: Client, finding_id: str, by: str, note: str, time_unix_nano: int) -> None:
    """Remember who has seen a finding and what they made of it; the last word by time holds."""
    client.command(
        "INSERT INTO finding_acks (finding_id, by, note, time) "
        "SELECT {id:String}, {by:String}, {note:String}, fromUnixTimestamp64Nano({time:Int64}, 'UTC')",
        {"id": finding_id, "by": by, "note": note, "time": time_unix_nano},
    )


def incidents(client: Client, *, closed: bool = False) -> list[Incident]:
    """Return the incidents over segments, open ones first, then the latest noticed."""
    rows = client.query(_INCIDENTS, {"all": closed}).named_results()
    return [Incident(**row | {"carried": [Carrier(*each) for each in row["carried"]]}) for row in rows]


def _standing(row: Mapping[str, Any]) -> Standing:
    known: dict[str, Any] = {name: row[name] for name in _NAMES}
    known["state"] = "closed" if row["state"] == "closed" else "open"
    known["slices"] = _all(Slice, row["parts"])
    known["also"] = _all(Moved, row["moved"])
    return Standing(
        Finding(**known), row["state"], row["by"], row["note"], acknowledged_unix_nano=row["acknowledged_unix_nano"]
    )


def _all(kind: type[Slice] | type[Moved], rows: Sequence[Sequence[object]]) -> list[Any]:
    return [kind.model_validate(dict(zip(kind.model_fields, row, strict=True))) for row in rows]
