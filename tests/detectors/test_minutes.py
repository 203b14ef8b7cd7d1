"""Minutes: what stops, drops, slows, scatters or fails is said once and its end too; what is usual is not said; blocks,
`advance` and restarts change nothing."""

import math
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.episodes import Alarm
from detectors.minutes import MinuteWatch
from detectors.packed import pack, unpack

HOUR_NS = 3_600_000_000_000
BEGIN = 480_000 - 480_000 % 168  # an hour since 1970
CHANGED = 9 * 24 + 10  # hours after that
Rows = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
Factor = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def during(hours: float, factor: float) -> Factor:
    return lambda t: np.where((t >= CHANGED) & (t < CHANGED + hours), factor, 1.0)


def usual(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(t)


def answers(
    per_day: float,
    days: int,
    seed: int,
    traffic: Factor = usual,
    slow: Factor = usual,
    spread: Factor = usual,
    errors: Factor = usual,
) -> Rows:
    """The yardstick's stream: a season, and hours that differ by 3% for no reason."""
    rng = np.random.default_rng(seed)
    most = float(traffic(np.array([CHANGED + 0.01])).clip(1.0)[0])
    t = np.sort(rng.random(rng.poisson(per_day * days * 1.6 * most)) * days * 24)
    t = t[rng.random(len(t)) < (1 + 0.6 * np.sin(2 * np.pi * (t - 9) / 24)) * traffic(t) / 1.6 / most]
    season = np.sin(2 * np.pi * (t - 8) / 24) + 0.3 * np.sin(4 * np.pi * (t - 3) / 24)
    wobble = rng.normal(0, 0.03, days * 24)[t.astype(int)]
    duration = np.exp(0.2 * season + wobble + 0.5 * spread(t) * rng.normal(size=len(t))) * slow(t)
    tokens = np.round(300 * np.exp(0.1 * season + wobble + 0.9 * rng.normal(size=len(t))))
    error = (rng.random(len(t)) < 0.02 * (1 + 0.4 * season) * (1 + 2 * wobble) * errors(t)).astype(np.float64)
    return ((BEGIN + t) * HOUR_NS).astype(np.int64), error, duration, tokens


def pieces(rows: Rows, cuts: list[int]) -> Iterator[Rows]:
    for first, last in pairwise([0, *cuts, len(rows[0])]):
        yield rows[0][first:last], rows[1][first:last], rows[2][first:last], rows[3][first:last]


def watched(rows: Rows, days: int, block: int = 1000, watch: MinuteWatch | None = None) -> list[Alarm]:
    watch = watch or MinuteWatch()
    said = [alarm for piece in pieces(rows, list(range(block, len(rows[0]), block))) for alarm in watch.take(*piece)]
    return said + watch.advance((BEGIN + days * 24) * HOUR_NS)


def minutes_after(time_unix_nano: int, hours: float = 0.0) -> float:
    return (time_unix_nano - (BEGIN + CHANGED + hours) * HOUR_NS) / HOUR_NS * 60


@pytest.mark.parametrize(
    ("what", "factor", "hours", "number", "kind", "direction", "within"),
    [
        ("traffic", 0.0, 3, "answers", "silence", "down", 5),
        ("traffic", 0.3, 3, "answers", "level", "down", 15),
        ("traffic", 4.0, 3, "answers", "level", "up", 5),
        ("slow", 3.0, 1 / 12, "duration_s", "level", "up", 4),
        ("slow", 0.3, 1, "duration_s", "level", "down", 4),
        ("spread", 2.0, 2, "duration_s", "spread", "up", 12),
        ("errors", 12.0, 1, "error", "level", "up", 15),
    ],
)
def test_one_incident_is_one_alarm_and_its_end(
    what: str, factor: float, hours: float, number: str, kind: str, direction: str, within: float
) -> None:
    changes: dict[str, Factor] = {what: during(hours, factor)}
    said = watched(answers(20_000, 11, seed=1, **changes), 11)
    assert [(alarm.state, alarm.number, alarm.kind, alarm.direction) for alarm in said] == [
        ("open", number, kind, direction),
        ("returned", number, kind, direction),
    ]
    opened, returned = said
    assert 0 < minutes_after(opened.time_unix_nano) <= within
    assert opened.since_unix_nano <= opened.time_unix_nano == opened.said_unix_nano
    assert abs(minutes_after(opened.since_unix_nano)) <= within
    assert 0 < minutes_after(returned.said_unix_nano, hours) <= 40
    assert (returned.time_unix_nano, returned.since_unix_nano) == (opened.time_unix_nano, opened.since_unix_nano)
    assert opened.log10_evidence >= 3.0
    assert (opened.seen > opened.expected) == (direction == "up")


def test_a_busy_segment_that_stops_is_silent_within_the_minute_and_once() -> None:
    stops = CHANGED + 0.41 / 60  # within a minute, in which answers came before
    rows = answers(200_000, 10, seed=12, traffic=lambda t: np.where((t >= stops) & (t < stops + 0.05), 0.0, 1.0))
    whole = watched(rows, 10)
    assert [(alarm.state, alarm.kind) for alarm in whole] == [("open", "silence"), ("returned", "silence")]
    opened, returned = whole
    since, noticed = (minutes_after(at) * 60 - 0.41 * 60 for at in (opened.since_unix_nano, opened.time_unix_nano))
    assert -1 <= since < 10
    assert 10 < noticed < 40
    assert minutes_after(returned.said_unix_nano, 0.05) < 3


@pytest.mark.parametrize(("per_day", "days"), [(200_000, 4), (20_000, 8), (1000, 28), (100, 28), (3, 56)])
def test_what_is_usual_is_not_said(per_day: float, days: int) -> None:
    assert [watched(answers(per_day, days, seed), days) for seed in (40, 41)] == [[], []]


def test_a_small_segment_is_not_silent_at_night_but_when_it_has_stopped_for_long() -> None:
    rows = answers(100, 24, seed=3, traffic=during(1000, 0.0))
    opened = watched(rows, 24)
    assert [(alarm.state, alarm.kind) for alarm in opened] == [("open", "silence")]
    assert 60 < minutes_after(opened[0].time_unix_nano) < 24 * 60


def test_an_hourly_job_is_not_silent_between_two() -> None:
    rng = np.random.default_rng(2)
    times = np.sort((BEGIN + np.repeat(np.arange(24 * 20), 50) + rng.random(24 * 20 * 50) / 60) * HOUR_NS)
    n = len(times)
    rows = (times.astype(np.int64), np.zeros(n), rng.lognormal(size=n), rng.lognormal(5, 1, n))
    assert watched(rows, 20) == []
    (alarm,) = watched(rows, 21)  # a day more without one
    assert (alarm.state, alarm.number, alarm.direction, alarm.seen) == ("open", "answers", "down", 0.0)


def test_what_runs_two_hours_a_day_is_usual_at_once_and_its_silence_is_said() -> None:
    def two_hours(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where((t % 24 >= 10) & (t % 24 < 12) & (t < CHANGED + 0.5), 8.0, 0.0)

    rows = answers(20_000, 10, seed=7, traffic=two_hours)
    (alarm,) = watched(rows, 10)
    assert (alarm.state, alarm.kind) == ("open", "silence")
    assert 30 < minutes_after(alarm.time_unix_nano) < 32


def test_what_happens_every_night_is_said_twice() -> None:
    def nightly(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where((t % 24 >= 3.1) & (t % 24 < 3.4), 4.0, 1.0)

    said = watched(answers(20_000, 9, seed=6, slow=nightly), 9)
    assert [alarm.state for alarm in said] == ["open", "returned"] * 2


def test_a_habit_that_takes_longer_than_ever_is_said() -> None:
    def nightly(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where((t % 24 >= 3.1) & (t % 24 < np.where(t > 8 * 24, 6.0, 3.4)), 4.0, 1.0)

    said = watched(answers(20_000, 9, seed=6, slow=nightly), 9)
    assert [alarm.state for alarm in said] == ["open", "returned"] * 3
    noticed, told = (at % (24 * HOUR_NS) / HOUR_NS for at in (said[4].time_unix_nano, said[4].said_unix_nano))
    assert 3.1 < noticed < 3.4 < told < 4.5


def test_blocks_change_nothing() -> None:
    rows = answers(3000, 11, seed=7, slow=during(2, 3.0), traffic=during(12, 0.2))
    whole = watched(rows, 11, block=len(rows[0]))
    assert len(whole) >= 2
    assert watched(rows, 11, block=7) == whole


def test_how_often_time_advances_changes_nothing() -> None:
    rows = answers(300, 11, seed=8, traffic=during(24, 0.0))
    watch, said = MinuteWatch(), list[Alarm]()
    step = HOUR_NS // 13
    for until in range(BEGIN * HOUR_NS, (BEGIN + 11 * 24) * HOUR_NS + 1, step):
        cuts = np.searchsorted(rows[0], [until - step, until]).tolist()
        _, piece, _ = pieces(rows, cuts)
        said += watch.take(*piece) + watch.advance(until)
    said += watch.advance((BEGIN + 11 * 24) * HOUR_NS)
    assert said == watched(rows, 11)
    assert [alarm.kind for alarm in said] == ["silence", "silence"]


def test_a_restart_anywhere_changes_nothing_and_state_is_small() -> None:
    rows = answers(2000, 11, seed=9, spread=during(10, 2.5), traffic=during(10, 0.3), errors=during(10, 8.0))
    whole, restarted, watch = MinuteWatch(), list[Alarm](), MinuteWatch()
    rng = np.random.default_rng(3)
    for piece in pieces(rows, sorted(rng.integers(0, len(rows[0]), 60).tolist())):
        packed = pack(watch.state())
        assert len(packed) <= 8192
        watch = MinuteWatch.restore(unpack(packed))
        restarted += watch.take(*piece)
    assert restarted + watch.advance((BEGIN + 11 * 24) * HOUR_NS) == watched(rows, 11, watch=whole)
    assert pack(watch.state()) == pack(whole.state())
    assert len(restarted) >= 4


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="learned anew"):
        MinuteWatch.restore({**MinuteWatch().state(), "version": 0})


def test_what_is_not_known_is_not_judged() -> None:
    times, error, duration, tokens = answers(2000, 11, seed=10)
    unknown = np.where(times > (BEGIN + CHANGED) * HOUR_NS, np.nan, 1.0)
    assert watched((times, error * unknown, duration * unknown, -tokens), 11) == []


def test_one_answer_from_a_cache_is_no_scatter_in_a_segments_second_hour_either() -> None:
    rng = np.random.default_rng(5)
    times = BEGIN * HOUR_NS + np.arange(600) * HOUR_NS // 180  # three a minute
    duration = np.exp(0.5 * rng.normal(size=600))
    duration[[270, 273, 276]] = 0.01
    rows = times, np.zeros(600), duration, np.full(600, np.nan)
    assert watched(rows, 1) == []


def test_the_knob_is_the_threshold() -> None:
    rows = answers(1000, 11, seed=11, traffic=during(6, 0.0))
    bold, shy = (watched(rows, 11, watch=MinuteWatch(math.log(accepted)))[0] for accepted in (10, 1e6))
    assert bold.time_unix_nano < shy.time_unix_nano
    assert bold.log10_evidence < 3 < shy.log10_evidence


def test_a_time_of_years_ago_does_not_have_the_minutes_since_counted() -> None:
    watch, began = MinuteWatch(4.0), time.process_time()
    first, now = 1_420_070_400, 1_795_226_500  # 2015 and 2026
    times = np.array([first, now, now + 60]) * 1_000_000_000
    watch.take(times, np.zeros(3), np.ones(3), np.full(3, np.nan))
    assert time.process_time() - began < 20  # of CPU: a second, where all the minutes took minutes
    assert watch.take(times[2:] + 60_000_000_000, *(np.zeros(1),) * 3) == []
