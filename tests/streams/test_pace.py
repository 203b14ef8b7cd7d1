"""Rows wait until all sources have come as far, and for a source only as long as it may still have something to say."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pytest

from detectors.base import Measurements
from detectors.held import LATEST
from streams.movement import Partition
from streams.pace import BUSY_SHARE, FETCH_S, GONE_S, LOOKED_S, SILENT_S, Backlog, Pace, WorkClock
from tests.detectors.traffic import answers, measured, piece


@pytest.fixture(scope="module")
def traffic() -> Measurements:
    return measured(answers(1000, seed=1))


@dataclass
class Written:
    """A group's partitions: their ends, and what is confirmed of them."""

    ends: dict[Partition, int]
    offsets: dict[Partition, int]

    def confirmed(self) -> Mapping[Partition, int]:
        return self.offsets

    def seen(self, partition: Partition) -> int:
        return self.ends[partition]


def stretch(traffic: Measurements, partition: int, start: int, stop: int) -> Measurements:
    return replace(piece(traffic, start, stop), source=np.full(stop - start, partition, np.int64))


def test_what_one_partition_is_ahead_by_waits_for_the_others(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    pace.note(stretch(traffic, 0, 0, 500), 0, 100000, now=100.0, block=100000)
    pace.note(stretch(traffic, 1, 0, 200), 0, 100000, now=100.0, block=100000)
    assert pace.reached(0, 100.0 + SILENT_S / 2) == 0, "who knows how many partitions there are"
    pace.note(stretch(traffic, 0, 500, 600), 0, 101500, now=101.5, block=101500)
    pace.note(stretch(traffic, 1, 200, 300), 0, 101500, now=101.5, block=101500)
    assert pace.reached(0, 100.0 + SILENT_S) == times[199], "of the last block there may be more"
    assert pace.reached(0, 101.5 + SILENT_S) == times[299]
    pace.note(stretch(traffic, 1, 100, 110), 0, 102000, now=102.0, block=102000)
    assert pace.reached(0, 102.0) == times[299], "a late event does not turn time back"


def test_a_silent_partition_is_not_waited_for(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    pace.note(stretch(traffic, 0, 0, 100), 0, 0, now=0.0, block=0)
    pace.note(stretch(traffic, 1, 0, 500), 0, 10000, now=10.0, block=10000)
    assert pace.reached(0, 10.0) == 0, "of its first block there may be more"
    assert pace.reached(0, 10.0 + SILENT_S) == times[499], "more may be on its way"
    assert pace.reached(0, 10.0 + SILENT_S + FETCH_S) == LATEST, "all are silent: nothing is to be waited for"
    assert Pace().reached(0, 0.0) == 0


def test_nothing_is_missed_while_a_partition_may_only_be_slow_to_be_read(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    assert pace.passed(0, 0.0) == 0, "nobody was heard"
    pace.note(stretch(traffic, 0, 0, 100), 0, 0, now=0.0, block=0)
    pace.note(stretch(traffic, 1, 0, 500), 0, 10000, now=10.0, block=10000)
    assert pace.passed(0, 10.0 + SILENT_S) == times[99]
    assert pace.passed(0, GONE_S) == times[499], "nobody waits for ever"
    assert pace.passed(0, 10.0 + GONE_S) == 0, "when all are gone, no time passes"


def test_time_passes_where_answers_come_whatever_else_is_rare(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    feedback = stretch(traffic, 7, 0, 10)
    pace.note(replace(feedback, values={"thumbs_down": np.zeros(10)}), 0, 0, now=0.0, block=0)
    assert pace.passed(0, 9.0) == 0
    pace.note(stretch(traffic, 0, 0, 500), 0, 9000, now=9.0, block=9000)
    assert pace.passed(0, 9.0) == 0, "of its first block there may be more"
    pace.note(stretch(traffic, 0, 500, 600), 0, 10000, now=10.0, block=10000)
    assert pace.passed(0, 10.0) == times[499]
    assert pace.reached(0, 10.0) == times[499], "the feedback has been silent for long enough"


def test_no_time_passes_while_a_partition_lags_of_which_nothing_was_heard(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    pace.note(stretch(traffic, 0, 0, 500), 0, 0, now=0.0, block=0)
    pace.note(stretch(traffic, 0, 500, 600), 0, 7000, now=7.0, block=7000)
    assert pace.passed(0, LOOKED_S - 0.1) == 0, "nobody knows yet what lags"
    assert pace.passed(0, 7.0, unread={0}) == times[499]
    assert pace.passed(0, 7.0, unread={0, 3}) == 0, "its segments have not answered because they are not read"
    pace.note(stretch(traffic, 3, 0, 200), 0, 7500, now=7.5, block=7500)
    pace.note(stretch(traffic, 3, 200, 300), 0, 8000, now=8.0, block=8000)
    assert pace.passed(0, 8.0, unread={0, 3}) == times[199]
    pace.note(stretch(traffic, 0, 600, 700), 0, 299_000, now=299.0, block=299_000)
    assert pace.passed(0, 299.9, unread={5}) == 0
    assert pace.passed(0, GONE_S, unread={5}) > 0, "nobody waits for ever"


def test_a_source_of_which_records_are_there_is_not_silent(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    pace.note(stretch(traffic, 0, 0, 100), 0, 0, now=0.0, block=0)
    pace.note(stretch(traffic, 1, 0, 500), 0, 10000, now=10.0, block=10000)
    assert pace.reached(0, 10.0 + SILENT_S) == times[499]
    assert pace.reached(0, 10.0 + SILENT_S, unread={0}) == times[99]
    assert pace.reached(0, 2 * GONE_S, unread={0}) == LATEST, "nobody waits for ever"


def test_what_has_just_been_written_is_no_backlog() -> None:
    group, now = Written({("t", 0): 5, ("t", 1): 5}, {("t", 0): 5, ("t", 1): 3}), 0.0
    backlog = Backlog(group, lambda: now)
    assert backlog() == [], "who knows since when it is there"
    now = SILENT_S
    group.ends["t", 0] = 9
    assert backlog() == [("t", 1)]
    group.offsets["t", 1], now = 5, 2 * SILENT_S
    assert backlog() == [("t", 0)], "by now it is"


def test_a_partition_that_is_read_behind_is_not_complete_where_the_others_are(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    for n in range(5):  # two sources send a stretch a second to both partitions; of partition 1 two were read
        for partition in (0, 1) if n < 2 else (0,):
            for source in (0, 1):
                told = stretch(traffic, source, n * 100, n * 100 + 100)
                pace.note(told, partition, n * 1000, now=10.0 + n, block=n)
    assert pace.reached(0, 15.0) == times[399]
    assert pace.reached(0, 16.0) == times[499]
    assert pace.reached(1, 14.5) == times[299], "what was sent of late may be on its way"
    assert pace.reached(1, 15.0, behind=True) == times[99]
    assert pace.passed(1, 16.0, behind=True) == times[99]
    assert pace.reached(2, 15.0, behind=True) == 0, "nothing of it was read yet"


def test_what_one_partition_has_of_a_block_does_not_make_another_complete(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    # A block is sent segment by segment, for half a second: partition 1 has its first messages, partition 0 its last.
    for block, begun_ms, start in ((1, 0, 0), (2, 3_000, 100), (3, 6_000, 200)):
        pace.note(stretch(traffic, 0, start, start + 40), 1, begun_ms, now=10.0 + block, block=block)
        pace.note(stretch(traffic, 0, start + 60, start + 100), 0, begun_ms + 500, now=10.0 + block, block=block)
    assert pace.reached(0, 13.5, behind=True, unread={0}) == times[199]
    assert pace.reached(1, 13.5, behind=True, unread={0}) == times[199]
    pace.note(stretch(traffic, 0, 240, 260), 1, 6_300, now=13.5, block=3)
    assert pace.reached(1, 13.5, behind=True, unread={0}) == times[199]
    pace.note(stretch(traffic, 0, 300, 310), 1, 9_000, now=14.0, block=4)
    assert pace.reached(1, 14.0, behind=True, unread={0}) == times[299]
    assert pace.reached(0, 14.0, behind=True, unread={0}) == times[199]


def test_who_reads_behind_does_not_wait_for_what_was_silent_then(traffic: Measurements) -> None:
    pace, times = Pace(), traffic.time_unix_nano.tolist()
    pace.note(stretch(traffic, 9, 0, 50), 0, 0, now=0.0, block=0)
    for n in range(60):
        pace.note(stretch(traffic, 0, n * 10, n * 10 + 10), 1, n * 1000, now=10.0, block=n * 1000)
    assert pace.reached(1, 12.0, behind=True) == times[589]


def test_the_clock_goes_slowly_while_there_is_work() -> None:
    now = 0.0
    clock = WorkClock(lambda: now)
    now = 1.0
    assert clock() == 1.0
    with clock:
        with clock:
            now = 2.0
        now = 3.0
        assert clock() == pytest.approx(1.0 + 2 * BUSY_SHARE), "one of two pieces of work still goes on"
    now = 4.0
    assert clock() == pytest.approx(2.0 + 2 * BUSY_SHARE)
    with suppress(ZeroDivisionError), clock:
        now = 5.0
        1 / 0  # noqa: B018  # work that breaks
    now = 6.0
    assert clock() == pytest.approx(3.0 + 3 * BUSY_SHARE), "what broke is over, too"
