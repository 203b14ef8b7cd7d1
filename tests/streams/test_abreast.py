"""Partitions are read abreast by the times of their records, and nobody waits for one that cannot be read."""

import numpy as np
from faust.types import TP

from streams.abreast import AHEAD_MS, APART_MS, HELD_S, WAITS_S, Abreast

A, B, C = (TP("responses", number) for number in range(3))
MEASURED, STATE = TP("measurements", 0), TP("changelog", 0)
LATE_MS = 1_000_000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def abreast(clock: Clock | None = None) -> Abreast:
    return Abreast([{"responses", "requests"}, {"measurements"}], clock or Clock())


def test_who_is_ahead_of_one_that_lags_waits_until_it_has_come_as_far() -> None:
    read = abreast()
    read.read(A, LATE_MS + AHEAD_MS + 1, lags=True)
    read.read(B, LATE_MS, lags=True)
    assert read.of({A, B}) == {B}
    read.read(B, LATE_MS + 1, lags=True)
    assert read.of({A, B}) == {A, B}


def test_who_lags_waits_for_one_of_which_nothing_is_known_yet() -> None:
    clock = Clock()
    read = abreast(clock)
    assert read.of({A, B, C}) == {A, B, C}
    clock.now = WAITS_S - 1
    read.read(A, LATE_MS, lags=True)
    read.read(B, LATE_MS, lags=False)
    assert read.of({A, B, C}) == {B, C}
    clock.now = WAITS_S
    assert read.of({A, B, C}) == {A, B, C}, "it may be empty"


def test_nobody_waits_for_one_that_is_at_its_end() -> None:
    read = abreast()
    read.read(A, LATE_MS + 60_000, lags=True)
    read.read(B, LATE_MS, lags=False)
    assert read.of({A, B}) == {A, B}


def test_nobody_waits_for_one_that_has_no_room_or_of_which_nothing_comes() -> None:
    clock = Clock()
    read = abreast(clock)
    read.read(A, LATE_MS + 60_000, lags=True)
    read.read(B, LATE_MS, lags=True)
    assert read.of({A}) == {A}, "B may not be read on for now"
    clock.now = HELD_S - 1
    assert read.of({A, B}) == {B}, "nobody had asked for B before"
    read.read(A, LATE_MS + 61_000, lags=True)
    clock.now += WAITS_S
    assert read.of({A, B}) == {A, B}
    read.read(B, LATE_MS + 1, lags=True)
    assert read.of({A, B}) == {B}, "it is there again"


def test_who_is_ahead_has_a_turn_now_and_then() -> None:
    clock = Clock()
    read = abreast(clock)
    read.read(A, LATE_MS + 60_000, lags=True)
    for clock.now in np.arange(0.5, HELD_S, 1.0):
        read.read(B, LATE_MS, lags=True)
        assert read.of({A, B}) == {B}
    clock.now = HELD_S
    assert read.of({A, B}) == {A, B}


def test_nobody_waits_for_another_time() -> None:
    read = abreast()
    read.read(A, LATE_MS + APART_MS, lags=True)
    read.read(B, LATE_MS, lags=True)
    assert read.of({A, B}) == {A, B}


def test_groups_do_not_wait_for_each_other_and_other_topics_for_none() -> None:
    read = abreast()
    read.read(MEASURED, LATE_MS + 60_000, lags=True)
    read.read(TP("requests", 0), LATE_MS + 60_000, lags=True)
    read.read(STATE, LATE_MS + 60_000, lags=True)
    read.read(B, LATE_MS, lags=True)
    assert read.of({MEASURED, STATE, TP("requests", 0), B}) == {MEASURED, STATE, B}


def test_after_a_rebalance_nothing_is_known() -> None:
    read = abreast()
    read.read(A, LATE_MS + 60_000, lags=True)
    read.read(B, LATE_MS, lags=True)
    read.clear()
    assert read.of({A, B}) == {A, B}
