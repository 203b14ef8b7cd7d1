"""What to simulate: the window, how many calls, the seed, and what to inject."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streams.scenarios import Scenario
from streams.traffic.season import Season

WEEK = timedelta(days=7)
SEASON = Season()


@dataclass(frozen=True, slots=True)
class Plan:
    """`inferences` calls from `start` on, for `duration`, with everything that follows from them.

    What would be produced after `until` has not happened yet and is left out: give the present for a window that
    reaches close to it, so that no record lies in the future. Raises ValueError for times without a zone and windows
    without time.
    """

    start: datetime
    duration: timedelta
    inferences: int
    seed: int = 1
    scenarios: tuple[Scenario, ...] = ()
    until: datetime | None = None
    season: Season = SEASON

    def __post_init__(self) -> None:
        for moment in (self.start, self.until):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{moment} has no time zone: write it like {moment.isoformat()}+00:00")
        if self.duration <= timedelta(0):
            raise ValueError(f"a window of {self.duration} has no time in it: give a positive duration")

    def starts(self, scenario: Scenario) -> int:
        """Return the event time at which a scenario starts, nanoseconds since 1970."""
        match scenario.start:
            case datetime() as start:
                return nanoseconds(start)
            case timedelta() as after:
                return nanoseconds(self.start + after)
            case share:
                return nanoseconds(self.start + self.duration * share)


def week_start(week: str) -> datetime:
    """Return the first moment, UTC, of an ISO week such as 2026-W46. Raises ValueError that says how to write one."""
    if re.fullmatch(r"\d{4}-W\d{2}", week):
        try:
            return datetime.fromisocalendar(int(week[:4]), int(week[6:]), 1).replace(tzinfo=UTC)
        except ValueError:
            pass  # the year has no such week
    raise ValueError(f"{week!r} is not a week: write it like 2026-W46")


def nanoseconds(moment: datetime) -> int:
    """Return nanoseconds since 1970, exact to the microsecond that a datetime holds."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
