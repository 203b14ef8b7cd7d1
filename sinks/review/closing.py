"""When a window counts as complete: the watermark of event time, and the weeks that are due to be cut."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client

from sinks.review.refusals import EmptyWindow, WindowOpen
from sinks.review.snapshot import holds_any, pruned
from sinks.review.windows import WEEK, Window, iso, monday_of, week_name

BACK = 4  # weeks: what is left uncut for longer was left on purpose, or is cut by hand

LATEST = """
SELECT toUnixTimestamp64Micro(maxOrNull(time))
FROM inferences
WHERE week BETWEEN {monday:Date} - 7 AND {monday:Date} + 7
  AND NOT synthetic
  AND (request_time IS NOT NULL OR response_time IS NOT NULL)
"""


def weeks_stored(client: Client) -> Iterator[date]:
    """Give the Mondays of the weeks of which any event is stored, latest first; read from the partitions' names."""
    rows = client.query("SELECT week FROM inference_parts GROUP BY week ORDER BY week DESC").result_rows
    return (monday for (monday,) in rows)


def watermark(client: Client, lateness: timedelta) -> datetime | None:
    """Return the event time before which events count as complete; None where nothing is stored yet.

    It is the greatest event time of a real inference, less the allowance for late ones: it follows the traffic, not
    the clock, so a replay of last month's events closes last month's windows. Synthetic traffic does not move it.
    """
    for monday in weeks_stored(client):
        ((latest,),) = client.query(LATEST, {"monday": monday}, settings=pruned(client)).result_rows
        if latest is not None:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=latest) - lateness
    return None


def require_closed(client: Client, window: Window, lateness: timedelta) -> None:
    """Raise WindowOpen unless the watermark has reached the window's end."""
    mark = watermark(client, lateness)
    if mark is None:
        raise WindowOpen(f"{window.name} has not begun: no inferences are stored. Start the worker and a gateway.")
    if mark < window.end:
        raise WindowOpen(
            f"{window.name} is open: it closes when the watermark, now at {iso(mark)}, reaches {iso(window.end)}. "
            f"Cut an earlier window, or wait for inferences of {iso(window.end + lateness)} and later "
            f"({lateness / timedelta(hours=1):g} hours are allowed for late ones)."
        )


def due_windows(client: Client, out: Path, lateness: timedelta) -> list[Window]:
    """Return the ISO weeks to cut now, earliest first: of the last 4 closed, those not empty and not in `out`."""
    mark = watermark(client, lateness)
    if mark is None:
        return []
    mondays = (monday_of(mark) - back * WEEK for back in range(BACK, 0, -1))
    weeks = [Window(monday, monday + WEEK) for monday in mondays]
    return [week for week in weeks if not (out / week.name).exists() and holds_any(client, week)]


def empty_window(client: Client, window: Window) -> EmptyWindow:
    """Return the refusal of a window in which nothing happened, naming the weeks in which something did."""
    names = [week_name(monday) for monday in weeks_stored(client)]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} before" if len(names) > 8 else "")
    return EmptyWindow(f"{window.name} holds no inferences to review. There are events of {shown}: cut one of these.")
