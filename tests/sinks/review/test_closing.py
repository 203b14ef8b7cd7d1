"""A window is cut once its events are in: event time decides, not the clock, and not synthetic traffic."""

from datetime import timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.closing import due_windows, require_closed, watermark
from sinks.review.refusals import WindowOpen
from sinks.review.windows import WEEK, Window
from tests.sinks.review.planting import MONDAY, NEXT_MONDAY, hour, inference, plant, request, response, score

W46 = Window.week("2026-W46")
DAY = timedelta(days=1)


def names(windows: list[Window]) -> list[str]:
    return [window.name for window in windows]


def test_without_inferences_there_is_no_watermark(client: Client, tmp_path: Path) -> None:
    assert watermark(client, DAY) is None
    assert due_windows(client, tmp_path, DAY) == []
    with pytest.raises(WindowOpen, match="no inferences are stored"):
        require_closed(client, W46, DAY)


def test_the_watermark_is_the_latest_event_less_the_allowance(client: Client) -> None:
    plant(client, [request("late", hour(30)), request("early", hour(2))])
    assert watermark(client, timedelta(0)) == hour(30)
    assert watermark(client, DAY) == hour(6)


def test_synthetic_traffic_does_not_move_the_watermark(client: Client) -> None:
    probe = [request("probe", hour(400), synthetic=True), response("probe", hour(401))]
    plant(client, [*inference("real", hour(3)), *probe, score("nothing", hour(500), 0.5)])
    assert watermark(client, timedelta(0)) == hour(3)


def test_a_window_closes_when_the_watermark_reaches_its_end(client: Client) -> None:
    plant(client, [request("last", NEXT_MONDAY + DAY - timedelta(microseconds=1))])
    with pytest.raises(WindowOpen, match=r"now at 2026-11-15T23:59:59Z, reaches 2026-11-16T00:00:00Z"):
        require_closed(client, W46, DAY)
    plant(client, [request("first after", NEXT_MONDAY + DAY)])
    require_closed(client, W46, DAY)


def test_an_open_window_says_which_events_it_waits_for(client: Client) -> None:
    plant(client, [request("one", hour(1))])
    with pytest.raises(WindowOpen, match="wait for inferences of 2026-11-17T00:00:00Z"):
        require_closed(client, W46, DAY)


def test_due_are_the_last_closed_weeks_that_hold_something_and_are_not_cut(client: Client, tmp_path: Path) -> None:
    for back in (0, 1, 3, 4, 5):  # nothing in W44
        plant(client, inference(f"w{46 - back}", MONDAY - back * WEEK))
    plant(client, [request("probe in W44", MONDAY - 2 * WEEK, synthetic=True)])
    assert names(due_windows(client, tmp_path, timedelta(0))) == ["2026-W42", "2026-W43", "2026-W45"]
    (tmp_path / "2026-W43").mkdir()
    assert names(due_windows(client, tmp_path, timedelta(0))) == ["2026-W42", "2026-W45"]
    assert names(due_windows(client, tmp_path / "elsewhere", 1 * WEEK)) == ["2026-W41", "2026-W42", "2026-W43"]
