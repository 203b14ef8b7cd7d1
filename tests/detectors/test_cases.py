"""What opens together is one finding; it closes with the last of it, and within an hour it is the same one again."""

from dataclasses import replace

from detectors.base import Signal
from detectors.cases import Cases
from detectors.packed import pack, unpack
from tests.detectors.test_base import SIGNAL

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE


def noticed(metric: str, at: int, inference_id: str, *, since: int | None = None, detector: str = "e-sr") -> Signal:
    """Return what a detector says when it notices a change, which began at once unless `since` says when."""
    began = at if since is None else since
    return replace(
        SIGNAL,
        metric=metric,
        detector=detector,
        inference_id=inference_id,
        time_unix_nano=at,
        said_unix_nano=at,
        since_unix_nano=began,
        versions=(),
        seconded=False,
        also=(),
    )


def test_the_first_is_a_finding_as_it_is() -> None:
    signal = noticed("error", 0, "a")
    assert Cases().opened(signal) == signal


def test_what_opens_within_an_hour_joins_and_says_so_under_the_same_id() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    joined = cases.opened(replace(noticed("duration_s", HOUR, "b"), versions=("model_version 2",), seconded=True))
    assert (joined.inference_id, joined.time_unix_nano, joined.said_unix_nano) == ("a", 0, HOUR)
    assert (joined.metric, [moved.metric for moved in joined.also]) == ("error", ["duration_s"])
    assert (joined.versions, joined.seconded) == (("model_version 2",), True)


def test_what_began_later_is_another() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    assert cases.opened(noticed("duration_s", HOUR + 1, "b")).inference_id == "b"


def test_what_began_then_and_is_noticed_late_joins() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    assert cases.opened(noticed("duration_s", 5 * HOUR, "b", since=10 * MINUTE)).inference_id == "a"


def test_it_closes_when_the_last_is_back() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    cases.opened(noticed("duration_s", MINUTE, "b"))
    assert cases.returned("error", "e-sr", 2 * MINUTE) is None
    closed = cases.returned("duration_s", "e-sr", 3 * MINUTE)
    assert closed is not None
    assert (closed.state, closed.inference_id, closed.said_unix_nano) == ("closed", "a", 3 * MINUTE)
    assert cases.returned("duration_s", "e-sr", 4 * MINUTE) is None, "once"


def test_two_detectors_of_a_metric_are_back_apart() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    again = cases.opened(noticed("error", MINUTE, "b", detector="minute level"))
    assert (again.inference_id, again.also) == ("a", ())
    assert cases.returned("error", "e-sr", 2 * MINUTE) is None
    closed = cases.returned("error", "minute level", 2 * MINUTE)
    assert closed is not None
    assert closed.inference_id == "a"


def test_what_opens_again_within_an_hour_is_the_same_and_after_it_a_new_one() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    cases.returned("error", "e-sr", 10 * HOUR)
    again = cases.opened(noticed("error", 11 * HOUR, "b"))
    assert (again.state, again.inference_id, again.time_unix_nano, again.said_unix_nano) == ("open", "a", 0, 11 * HOUR)
    cases.returned("error", "e-sr", 12 * HOUR)
    later = cases.opened(noticed("error", 13 * HOUR + 1, "c"))
    assert (later.inference_id, later.time_unix_nano) == ("c", 13 * HOUR + 1)


def test_another_metric_is_no_return_of_what_is_over() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    cases.returned("error", "e-sr", MINUTE)
    assert cases.opened(noticed("duration_s", 2 * MINUTE, "b")).inference_id == "b"


def test_a_return_said_early_is_not_before_what_was_said() -> None:
    cases = Cases()
    cases.opened(noticed("error", HOUR, "a"))
    closed = cases.returned("error", "e-sr", 0)
    assert closed is not None
    assert closed.said_unix_nano == HOUR


def test_a_restart_changes_nothing() -> None:
    cases = Cases()
    cases.opened(noticed("error", 0, "a"))
    cases.opened(noticed("duration_s", MINUTE, "b"))
    cases.opened(noticed("input_tokens", 9 * HOUR, "c"))
    again = Cases.restore(unpack(pack(cases.state())))
    for each in (cases, again):
        each.returned("error", "e-sr", 10 * HOUR)
    assert again.returned("duration_s", "e-sr", 10 * HOUR) == cases.returned("duration_s", "e-sr", 10 * HOUR)
    opened = noticed("output_tokens", 10 * HOUR, "d")
    assert again.opened(opened) == cases.opened(opened)
    assert pack(again.state()) == pack(cases.state())


def test_what_is_over_is_forgotten() -> None:
    cases = Cases()
    for hour in range(0, 200, 2):
        cases.opened(noticed("error", hour * HOUR, f"inference-{hour}"))
        cases.returned("error", "e-sr", hour * HOUR + 1)
    assert len(pack(cases.state())) < 1500
