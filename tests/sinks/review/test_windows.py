"""One stretch of time has one name, and what is no window is refused with the cure."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from sinks.review.refusals import InvalidWindow
from sinks.review.windows import Window, week_name


def test_an_iso_week_runs_from_monday_to_monday_in_utc() -> None:
    window = Window.week("2026-W46")
    assert window.begin == datetime(2026, 11, 9, tzinfo=UTC)
    assert window.end == datetime(2026, 11, 16, tzinfo=UTC)
    assert window.name == "2026-W46"


def test_every_week_has_its_own_name_and_its_name_finds_it() -> None:
    monday = date(2019, 12, 30)
    names = [week_name(monday + timedelta(weeks=n)) for n in range(600)]
    assert names[:2] == ["2020-W01", "2020-W02"]
    assert "2020-W53" in names
    assert len(set(names)) == 600
    assert [Window.week(name).name for name in names] == names


def test_the_same_time_has_the_same_name_however_it_is_given() -> None:
    east = timezone(timedelta(hours=2))
    window = Window.between(datetime(2026, 11, 9, 2, tzinfo=east), datetime(2026, 11, 16, tzinfo=UTC))
    assert window == Window.week("2026-W46")
    assert window.name == "2026-W46"


def test_seven_days_that_are_no_iso_week_are_named_by_their_times() -> None:
    begin = datetime(2026, 11, 10, 8, 30, tzinfo=UTC)
    assert Window.between(begin, begin + timedelta(days=7)).name == "20261110T083000Z-20261117T083000Z"


@pytest.mark.parametrize("name", ["2026-46", "2026-W6", "2026W46", "2026-W46/", "../2026-W46", "", "2026-W4\uff16"])
def test_what_is_not_written_as_a_week_is_refused(name: str) -> None:
    with pytest.raises(InvalidWindow, match="write it as 2026-W46"):
        Window.week(name)


@pytest.mark.parametrize("name", ["2026-W00", "2026-W54", "2025-W53", "0000-W01"])
def test_weeks_that_do_not_exist_are_refused(name: str) -> None:
    with pytest.raises(InvalidWindow, match=f"There is no week {name}"):
        Window.week(name)


NOON = datetime(2026, 11, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (NOON, NOON, "not before"),
        (NOON, NOON - timedelta(hours=1), "not before"),
        (NOON.replace(tzinfo=None), NOON, "need a zone"),
        (NOON, (NOON + timedelta(hours=1)).replace(tzinfo=None), "need a zone"),
        (NOON, NOON + timedelta(microseconds=1), "whole seconds"),
        (NOON, NOON.replace(year=2200), "between 1970-01-12 and 2149-01-01"),
    ],
)
def test_nonsense_is_refused(begin: datetime, end: datetime, said: str) -> None:
    with pytest.raises(InvalidWindow, match=said):
        Window.between(begin, end)
