"""Usage: who uses far more than usual is named, once, and nothing else is; blocks and restarts change nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.base import Measurements, Signal, Words
from detectors.held import select
from detectors.packed import pack, unpack
from detectors.sealed import StateRefused
from detectors.usage import UsageBank
from tests.detectors.used import HOUR, START, Columns, block, calls, named, pieces, thumbs, usual

AT = 6 * 24 + 3.5  # hours; what is planted begins


def watched(whole: Measurements, bank: UsageBank | None = None, size: int = 1000) -> list[Signal]:
    bank, signals = bank or UsageBank(), []
    for piece in pieces(whole, size):
        bank.take(piece)
        signals += bank.release().signals
    return signals


def users(user: int, n: int) -> NDArray[np.int64]:
    return np.full(n, user)


def heavy_user(user: int = 30, n: int = 700) -> Columns:
    """Return six hours in which a user calls as much as all others together."""
    rng = np.random.default_rng(7)
    return calls(rng, AT + 6 * rng.random(n), users(user, n), errors=0.02)


def error_loop(user: int = 200) -> Columns:
    """Return an hour in which a key is tried every six seconds, in vain."""
    rng = np.random.default_rng(8)
    unknown = np.full(600, np.nan)
    failed = calls(rng, AT + np.arange(600) / 600, users(user, 600), errors=1.0)
    return failed | {"tokens": unknown, "cost_usd": unknown}


def flood(user: int = 500) -> Columns:
    """Return 300 thumbs in ten minutes."""
    return thumbs(AT + np.arange(300) / 1800, users(user, 300))


def test_nothing_is_said_of_a_shard_at_rest() -> None:
    for seed in (1, 2):
        assert watched(block(usual(seed, days=14))) == []


def test_a_user_who_uses_much_more_is_named_and_one_incident_is_one_signal() -> None:
    signals = watched(block([*usual(3, days=10), heavy_user()]))
    assert [signal.state for signal in signals] == ["open", "open", "closed"]
    first, joined, closed = signals
    assert {signal.subject for signal in signals} == {named(30)}
    assert (first.metric, first.detector, first.direction) == ("usage.tokens", "heavy-hitter", "up")
    assert [moved.metric for moved in joined.also] == ["usage.cost_usd"]
    assert len({(signal.inference_id, signal.time_unix_nano, signal.event) for signal in signals}) == 1
    opened, since, over = (
        (at - START * 10**9) / HOUR - AT for at in (first.time_unix_nano, first.since_unix_nano, closed.said_unix_nano)
    )
    assert 0 <= since <= opened < 0.5
    assert 6 < over < 14
    assert first.after.low > 10 * first.before.high
    assert first.after.low <= first.after.mean <= first.after.high
    assert first.log10_e > 4
    assert first.learning


def test_examples_are_the_users_own() -> None:
    whole = block([*usual(3, days=7), heavy_user()])
    first, *_ = watched(whole)
    rows = [whole.inference_id.index(each) for each in first.examples_after]
    assert len(rows) == 5
    assert whole.words["user"].codes[rows].tolist() == [30] * 5
    assert first.inference_id == first.examples_after[-1] == whole.inference_id[first.event]
    assert whole.time_unix_nano[first.since_event] == first.since_unix_nano


def test_an_error_loop_is_named_but_not_one_who_only_calls_more() -> None:
    signals = watched(block([*usual(4, days=8), error_loop()]))
    assert {(signal.metric, signal.subject) for signal in signals} == {("usage.errors", named(200))}
    assert signals[0].time_unix_nano < START * 10**9 + (AT + 0.1) * HOUR
    signals = watched(block([*usual(4, days=8), heavy_user(n=4000)]))
    assert "usage.errors" not in {signal.metric for signal in signals}
    assert "usage.errors" not in {moved.metric for signal in signals for moved in signal.also}


def test_a_flood_of_feedback_is_named() -> None:
    signals = watched(block([*usual(5, days=8), flood()]))
    assert [(signal.state, signal.metric, signal.subject) for signal in signals] == [
        ("open", "usage.feedback", named(500)),
        ("closed", "usage.feedback", named(500)),
    ]
    assert signals[0].time_unix_nano < START * 10**9 + (AT + 0.05) * HOUR


def test_when_all_call_more_nobody_is_named() -> None:
    crowd = usual(6, days=1, a_day=12_000)
    for part in crowd:
        part["hour"] += 6 * 24.0
    assert watched(block([*usual(6, days=9), *crowd])) == []


def test_who_keeps_calling_becomes_usual() -> None:
    rng = np.random.default_rng(9)
    grown = calls(rng, AT + rng.random(12_000) * 12 * 24, users(30, 12_000), errors=0.02)
    signals = watched(block([*usual(7, days=19), grown]))
    assert [signal.state for signal in signals if signal.metric == "usage.tokens"][-1] == "closed"
    assert len({signal.inference_id for signal in signals}) == 1


@pytest.mark.parametrize("kind", ["user", "key", "tenant"])
def test_kinds_are_all_watched_alike(kind: str) -> None:
    assert watched(block([*usual(5, days=7), flood()], kind))[0].subject == named(500)


WHOLE = block([*usual(8, days=7, a_day=1500), heavy_user(), error_loop(), flood()])
SAID = watched(WHOLE, size=10**6)


@given(
    cuts=st.lists(st.integers(0, len(WHOLE.inference_id)), max_size=12).map(sorted),
    restarts=st.sets(st.integers(0, 12)),
)
@settings(max_examples=15, deadline=None)
def test_blocks_and_restarts_change_no_signal(cuts: list[int], restarts: set[int]) -> None:
    bank, signals = UsageBank(), []
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(WHOLE.inference_id)], strict=True)):
        bank.take(select(WHOLE, np.arange(start, stop)))
        signals += bank.release().signals
        if number in restarts:
            bank = UsageBank.loads(bank.dumps())
    assert signals == SAID
    assert len({signal.subject for signal in SAID}) == 3


def test_blocks_of_a_single_row_change_no_signal_and_no_state() -> None:
    first, then = UsageBank(), UsageBank()
    start = int(np.searchsorted(WHOLE.time_unix_nano, START * 10**9 + int((AT - 1) * HOUR)))
    for bank in (first, then):
        watched(select(WHOLE, np.arange(start)), bank)
    rest = select(WHOLE, np.arange(start, min(start + 1500, len(WHOLE.inference_id))))
    assert watched(rest, first, size=1) == watched(rest, then, size=10**6) != []
    assert first.dumps() == then.dumps()


def test_rows_wait_for_their_release_and_twice_is_once() -> None:
    bank = UsageBank()
    bank.take(WHOLE)
    bank.take(WHOLE)
    assert bank.holds == len(WHOLE.inference_id)
    signals = bank.release(START * 10**9 + int(AT * HOUR)).signals
    assert signals == []
    bank = UsageBank.loads(bank.dumps())
    signals = bank.release().signals
    assert signals == SAID
    bank.take(WHOLE)
    assert bank.holds == 0


def test_rows_that_name_nobody_are_dropped() -> None:
    codes = WHOLE.words["user"].codes.copy()
    codes[codes == 500] = -1
    nameless = replace(WHOLE, words={"user": Words(codes, WHOLE.words["user"].labels)})
    assert {signal.subject for signal in watched(nameless)} == {named(30), named(200)}
    assert watched(replace(WHOLE, words={})) == []


def test_a_lower_threshold_says_more() -> None:
    whole = block([*usual(9, days=10), heavy_user(n=84)])
    assert watched(whole, UsageBank(log_threshold=10.0)) == []
    assert watched(whole, UsageBank(log_threshold=5.0))[0].subject == named(30)


def test_hostile_amounts_and_late_rows_break_nothing() -> None:
    values = {name: column.copy() for name, column in WHOLE.values.items()}
    values["tokens"][::97] = 1e300
    values["cost_usd"][::89] = np.inf
    values["errors"][::83] = -1.0
    times = WHOLE.time_unix_nano.copy()
    times[5000] = 0
    bank = UsageBank()
    watched(replace(WHOLE, values=values, time_unix_nano=times), bank)
    assert UsageBank.loads(bank.dumps()).dumps() == bank.dumps()


def test_memory_and_state_do_not_grow_with_users() -> None:
    n = 60_000
    rng = np.random.default_rng(10)
    everybody = calls(rng, np.sort(rng.random(n) * 72), np.arange(n), errors=0.5)
    bank = UsageBank()
    watched(block([everybody]), bank)
    assert len(bank.dumps()) < 100_000
    usual_bank = UsageBank()
    watched(WHOLE, usual_bank)
    assert len(usual_bank.dumps()) < 50_000


def test_what_is_no_state_is_refused() -> None:
    whole = unpack(UsageBank().dumps())
    for wrong in ({}, {**whole, "version": 0}, {**whole, "watches": []}, {**whole, "calls": 1}):
        with pytest.raises(StateRefused):
            UsageBank.loads(pack(wrong))
