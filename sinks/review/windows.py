"""A window of event time: an ISO week or any two times, half-open, in UTC, and the name that its batch goes by."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sinks.review.refusals import InvalidWindow

WEEK = timedelta(days=7)
# The partitions of ClickHouse are Dates, which end in 2149.
EARLIEST = datetime(1970, 1, 12, tzinfo=UTC)
LATEST = datetime(2149, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Event times from `begin` up to, not including, `end`; both aware, in UTC, whole seconds.

    One stretch of time has one name, so that it is cut into one folder: make windows with `week` or `between`.
    """

    begin: datetime
    end: datetime

    @classmethod
    def week(cls, name: str) -> "Window":
        """Return the ISO week of a name such as 2026-W46. Raises InvalidWindow."""
        match = re.fullmatch(r"(\d{4})-W(\d{2})", name, re.ASCII)
        if match is None:
            raise InvalidWindow(f"{name!r:.60} is no ISO week: write it as 2026-W46.")
        year, number = int(match[1]), int(match[2])
        try:
            monday = date.fromisocalendar(year, number, 1)
        except ValueError:
            raise InvalidWindow(f"There is no week {name}: ISO weeks run from W01 to W52, in long years W53.") from None
        return cls.from_monday(monday)

    @classmethod
    def from_monday(cls, monday: date) -> "Window":
        """Return the ISO week that begins on this Monday."""
        begin = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
        return cls(begin, begin + WEEK)

    @classmethod
    def between(cls, begin: datetime, end: datetime) -> "Window":
        """Return the window between two aware times; they are turned to UTC. Raises InvalidWindow."""
        if begin.tzinfo is None or end.tzinfo is None:
            raise InvalidWindow("A window's times need a zone: write 2026-11-09T00:00:00Z or +02:00 at the end.")
        try:
            return cls(begin.astimezone(UTC), end.astimezone(UTC))
        except OverflowError:  # the first or the last day of the calendar, in a zone of its own
            raise InvalidWindow(f"Windows lie between {EARLIEST.date()} and {LATEST.date()}.") from None

    def __post_init__(self) -> None:
        if self.begin.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise InvalidWindow("A window's times are in UTC: make it with Window.between.")
        if self.begin >= self.end:
            raise InvalidWindow(f"A window ends after it begins: {iso(self.begin)} is not before {iso(self.end)}.")
        if self.begin.microsecond or self.end.microsecond:
            raise InvalidWindow("A window begins and ends on whole seconds: leave the fractions away.")
        if self.begin < EARLIEST or self.end > LATEST:
            raise InvalidWindow(f"Windows lie between {EARLIEST.date()} and {LATEST.date()}.")

    @property
    def name(self) -> str:
        """The ISO week's name where the window is one, else both times: 20261109T080000Z-20261109T170000Z."""
        if self.end - self.begin == WEEK and self.begin == monday_of(self.begin):
            return week_name(self.begin.date())
        return f"{self.begin:%Y%m%dT%H%M%SZ}-{self.end:%Y%m%dT%H%M%SZ}"


def week_name(day: date) -> str:
    """Name the ISO week that a day lies in."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def monday_of(time: datetime) -> datetime:
    """Return the beginning of the ISO week that a time in UTC lies in."""
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())


def iso(time: datetime) -> str:
    """Write an aware time as 2026-11-09T00:00:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def nanoseconds(time: datetime) -> int:
    """Return nanoseconds since 1970, exactly."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
