"""A segment's detectors together: one finding an incident, each row once, and no cut or restart that shows."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.anomaly import WARM
from detectors.bank import SegmentBank, Verdict
from detectors.base import Measurements, Signal
from detectors.budget import Budget
from detectors.held import select
from detectors.packed import pack, unpack
from detectors.sealed import StateRefused, seal, unseal
from tests.detectors.traffic import (
    DAY_NS,
    HOUR_NS,
    START_NS,
    Columns,
    after,
    answers,
    measured,
    of_all_kinds,
    piece,
    said,
    told,
)

KEY = b"k" * 32
BUDGET = Budget(segments=100, false_alarms=1.0)
A_DAY = 2000
LEARNED = 10 * A_DAY
N = 5000


def new() -> SegmentBank:
    return SegmentBank(BUDGET)


def restarted(bank: SegmentBank) -> SegmentBank:
    return SegmentBank.loads(unseal(seal(bank.dumps(), KEY, "chat"), KEY, "chat"), BUDGET)


def comparable(signals: list[Signal]) -> list[str]:
    """Return all fields; what is not known of texts is NaN, which is not equal to itself, but reads the same."""
    return [repr(signal) for signal in signals]


def known(state: Any) -> Any:
    """Return a state in a form in which the order of names does not count."""
    if isinstance(state, dict):
        return sorted((str(name), repr(known(each))) for name, each in state.items())
    if isinstance(state, np.ndarray):
        return (state.dtype.str, state.shape, state.tobytes())
    return [known(each) for each in state] if isinstance(state, list) else state


# The changes of what is learned, found, joined, closed: everything that is watched, out of order, from three sources.
ALL = told(of_all_kinds(N, seed=8, change=3000, back=4000))
IN_ORDER = select(ALL, np.lexsort((ALL.position, ALL.source, ALL.time_unix_nano)))
IN_ORDER = replace(IN_ORDER, source=np.zeros(N, np.int64), position=np.arange(N))


@pytest.fixture(scope="module")
def whole() -> tuple[Verdict, SegmentBank]:
    bank = new()
    verdict = bank.process(IN_ORDER)
    assert len({signal.inference_id for signal in verdict.signals}) >= 2
    joined = {moved.metric for signal in verdict.signals for moved in signal.also}
    assert {signal.detector.split()[0] for signal in verdict.signals} >= {"text", "minute"}
    assert joined >= {"duration_s", "error"}
    assert "closed" in {signal.state for signal in verdict.signals}
    return verdict, bank


@given(cuts=st.lists(st.integers(0, N), max_size=40).map(sorted), again=st.integers(0, 300), restart=st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_blocks_restarts_and_replays_change_nothing(
    whole: tuple[Verdict, SegmentBank], cuts: list[int], again: int, restart: bool
) -> None:
    bank, verdicts = new(), []
    for start, stop in zip([0, *cuts], [*cuts, N], strict=True):
        verdicts.append(bank.process(told(piece(IN_ORDER, max(0, start - again), stop))))
        bank = restarted(bank) if restart else bank
    assert [each for verdict in verdicts for each in verdict.inference_id] == whole[0].inference_id
    assert comparable([each for verdict in verdicts for each in verdict.signals]) == comparable(whole[0].signals)
    assert np.concatenate([verdict.scores for verdict in verdicts]).tobytes() == whole[0].scores.tobytes()
    assert known(unpack(bank.dumps())) == known(unpack(whole[1].dumps()))


def test_sources_that_are_read_one_after_the_other_are_watched_as_it_happened() -> None:
    """Three sources, read some hours at a time each, late rows and all: a release when all have come so far."""
    in_order = new().process(ALL)
    bank, ids, signals = new(), list[str](), list[Signal]()
    for until in np.sort(ALL.time_unix_nano)[[900, 901, 2500, 3100, 3900, N - 1]].tolist():
        came = ALL.time_unix_nano <= until
        for source in range(3):
            rows = np.flatnonzero((ALL.source == source) & came)
            # What a source has is read in order of position, so what is late comes with what it came with.
            bank.take(told(select(ALL, np.sort(np.concatenate([rows, _with_them(source, rows)])))))
            bank = restarted(bank)
        verdict = bank.release(until)
        ids += verdict.inference_id
        signals += verdict.signals
    assert bank.holds == 0
    assert ids == in_order.inference_id
    assert comparable(signals) == comparable(in_order.signals)


def _with_them(source: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of a source that come before the last of these and are not among them."""
    last = int(rows.max(initial=-1))
    before = np.flatnonzero(ALL.source[: last + 1] == source)
    return before[~np.isin(before, rows)]


def steady(n: int, seed: int, *, first: int = 0, **changes: float) -> Measurements:
    """Return n answers, 2,000 a day, beginning with number `first`, served by three models."""
    models = np.random.default_rng(seed + 1).choice(["amber", "basalt", "cobalt"], n)
    m = measured(answers(n, seed, **changes), partitions=1, apart=DAY_NS // A_DAY)
    return numbered(replace(m, words={"response_model": said(models.tolist())}), first)


def numbered(m: Measurements, first: int) -> Measurements:
    return replace(
        m,
        position=m.position + first,
        time_unix_nano=m.time_unix_nano + first * (DAY_NS // A_DAY),
        inference_id=[f"inference-{first + row}" for row in range(len(m.inference_id))],
    )


@pytest.fixture(scope="module")
def learned() -> bytes:
    bank = new()
    assert bank.process(steady(LEARNED, 1)).signals == []
    return bank.dumps()


@pytest.fixture
def bank(learned: bytes) -> SegmentBank:
    return SegmentBank.loads(learned, BUDGET)


def worse(n: int, seed: int = 2, first: int = LEARNED) -> Measurements:
    return steady(n, seed, first=first, errors=0.25, slower=1.6)


def test_one_incident_is_one_finding_with_both_sides_and_examples(bank: SegmentBank) -> None:
    change = worse(600)
    signals = bank.process(change).signals
    assert {signal.inference_id for signal in signals} == {signals[0].inference_id}
    rows = {inference: LEARNED + row for row, inference in enumerate(change.inference_id)}
    last = signals[-1]
    assert {last.metric, *(moved.metric for moved in last.also)} >= {"error", "duration_s"}
    assert {moved.direction for moved in last.also} == {"up"}
    first = signals[0]
    assert rows[first.inference_id] == first.event < LEARNED + 200
    assert first.time_unix_nano == change.time_unix_nano[first.event - LEARNED]
    assert abs(first.since_event - LEARNED) < 60
    assert len(first.examples_before) == len(first.examples_after) == 5
    for example in first.examples_after:
        assert first.since_event <= rows.get(example, -1) <= first.event
    for example in first.examples_before:
        assert int(example.removeprefix("inference-")) < first.since_event


def test_a_finding_closes_and_opens_again_within_the_hour_and_is_a_new_one_later(bank: SegmentBank) -> None:
    calm, first = {"first": LEARNED + 600}, bank.process(worse(600)).signals[0]
    signals = bank.process(steady(3 * A_DAY, 3, **calm)).signals
    assert [(signal.state, signal.inference_id) for signal in signals] == [("closed", first.inference_id)]
    later = LEARNED + 600 + 3 * A_DAY
    again = bank.process(worse(600, 4, later)).signals
    assert again[0].inference_id != first.inference_id
    assert again[0].before.mean == pytest.approx(first.before.mean, rel=0.1), "the reference is the old one"


def test_a_part_that_carries_a_change_is_named(bank: SegmentBank) -> None:
    change = steady(1500, 5, first=LEARNED)
    labels = change.words["response_model"].labels
    slow = change.words["response_model"].codes == labels.index("basalt")
    change.values["duration_s"][slow] *= 2.5
    [opened] = [signal for signal in bank.process(change).signals if signal.metric == "duration_s"][:1]
    assert [(part.dimension, part.value) for part in opened.slices] == [("response_model", "basalt")]
    assert 0.6 < opened.slices[0].share <= 1.3


def test_a_new_version_shortly_before_a_change_is_named(bank: SegmentBank) -> None:
    change = worse(600)
    models = said(["cobalt"] * 10 + ["dolomite"] * 590)
    first = bank.process(replace(change, words={"response_model": models})).signals[0]
    assert first.versions == ("response_model dolomite",)


def test_commands_are_obeyed_once(bank: SegmentBank) -> None:
    first = bank.process(worse(600)).signals[0]
    until = bank.latest
    closed = bank.obey("one", "accept", "*", until)
    assert [(signal.state, signal.inference_id) for signal in closed] == [("closed", first.inference_id)]
    assert "duration_s" in bank.learned
    state = bank.dumps()
    assert bank.obey("one", "reset", "*", until) == []
    assert bank.dumps() == state
    assert restarted(bank).obey("one", "reset", "*", until) == []
    assert bank.process(worse(3 * A_DAY, 6, LEARNED + 600)).signals == [], "it is the new normal"
    assert bank.drift.learned("duration_s")[0].expected.mean() > 1.3 * _expected(state)


def _expected(state: bytes) -> float:
    before = SegmentBank.loads(state, BUDGET).drift.learned("duration_s")[0]
    return float(before.expected.mean()) / 1.6


def test_a_metric_is_pinned_and_reset_by_name(bank: SegmentBank) -> None:
    bank.obey("a", "pin", "duration_s", bank.latest)
    assert bank.drift.learned("duration_s")[0].pinned
    assert not bank.drift.learned("error")[0].pinned
    bank.obey("b", "unpin", "duration_s", bank.latest)
    assert not bank.drift.learned("duration_s")[0].pinned
    bank.obey("c", "reset", "duration_s", bank.latest)
    assert bank.drift.learned("duration_s") == []
    assert bank.drift.learned("error") != []
    assert bank.obey("d", "accept", "nonsense", bank.latest) == []


def test_a_segment_that_stops_is_noticed_by_how_far_others_have_come(bank: SegmentBank) -> None:
    last = int(steady(1, 1, first=LEARNED - 1).time_unix_nano[0])
    signals = list[Signal]()
    for minute in range(1, 241):
        verdict = bank.release(reached=last + minute * HOUR_NS // 60)
        assert verdict.inference_id == []
        signals += verdict.signals
        bank = restarted(bank)
    [silent] = signals
    assert (silent.metric, silent.detector, silent.direction) == ("traffic", "minute silence", "down")
    assert (silent.event, silent.inference_id) == (LEARNED - 1, f"inference-{LEARNED - 1}")
    assert abs(silent.since_unix_nano - last) <= 3 * HOUR_NS // 60
    again = numbered(steady(600, 9), LEARNED + A_DAY // 6)
    closed = [signal for signal in bank.process(again).signals if signal.inference_id == silent.inference_id]
    assert [signal.state for signal in closed] == ["closed"]


def test_a_segment_that_stops_is_noticed_though_there_is_always_feedback_that_waits(bank: SegmentBank) -> None:
    last = int(steady(1, 1, first=LEARNED - 1).time_unix_nano[0])
    signals = list[Signal]()
    for minute in range(1, 241):
        late = numbered(steady(1, 1), LEARNED + minute)
        time = np.array([last + (minute + 1) * HOUR_NS // 60 - 1])
        bank.take(replace(late, time_unix_nano=time, values={"thumbs_down": np.zeros(1)}, texts={}))
        reached = last + minute * HOUR_NS // 60
        signals += bank.release(reached, reached).signals
        assert bank.holds == 1
    assert [(signal.detector, signal.direction) for signal in signals] == [("minute silence", "down")]


def test_a_segment_that_stops_is_noticed_though_its_examples_were_forgotten(bank: SegmentBank) -> None:
    last = int(steady(1, 1, first=LEARNED - 1).time_unix_nano[0])
    bank.forget(lambda _: True, lambda _: "")
    signals = [each for minute in range(1, 241) for each in bank.release(reached=last + minute * HOUR_NS // 60).signals]
    assert [(signal.detector, signal.inference_id, signal.examples_before) for signal in signals] == [
        ("minute silence", "", ())
    ]


def test_what_was_reached_does_not_depend_on_how_often_it_was_said(bank: SegmentBank, learned: bytes) -> None:
    other, last = SegmentBank.loads(learned, BUDGET), int(steady(1, 1, first=LEARNED - 1).time_unix_nano[0])
    often = [each for minute in range(240) for each in bank.release(reached=last + minute * HOUR_NS // 60).signals]
    assert comparable(often) == comparable(other.release(reached=last + 239 * HOUR_NS // 60).signals)


def test_still_traffic_gives_no_signal(bank: SegmentBank) -> None:
    assert bank.process(steady(5 * A_DAY, 7, first=LEARNED)).signals == []


def test_what_people_do_counts_from_the_first_time_they_do_it(learned: bytes) -> None:
    """An answer nobody regenerated counts as 0, once somebody has: and when many do, it is a finding."""
    bank = SegmentBank.loads(learned, BUDGET)
    done = np.full(9 * A_DAY, np.nan)
    done[::50] = 1.0
    rare = _with_feedback(9 * A_DAY, 8, LEARNED, done)
    assert bank.process(rare).signals == []
    [week] = bank.drift.learned("implicit.regenerate")
    assert week.expected.mean() == pytest.approx(1 / 50, rel=0.25)
    often = np.full(A_DAY, np.nan)
    often[::7] = 1.0
    signals = bank.process(_with_feedback(A_DAY, 9, LEARNED + 9 * A_DAY, often)).signals
    assert {signal.metric for signal in signals} == {"implicit.regenerate"}


def _with_feedback(n: int, seed: int, first: int, done: NDArray[np.float64]) -> Measurements:
    """Return answers, and, where `done` says so, a piece of feedback in place of an answer."""
    m = steady(n, seed, first=first)
    is_feedback = ~np.isnan(done)
    values = {name: np.where(is_feedback, np.nan, column) for name, column in m.values.items()}
    return replace(m, values={**values, "implicit.regenerate": done})


def test_kept_are_the_rows_that_are_new() -> None:
    bank, m = new(), measured(answers(20, seed=1))
    bank.process(piece(m, 0, 10))
    verdict = bank.process(piece(m, 4, 14))
    assert verdict.inference_id == m.inference_id[10:14]
    assert len(verdict.scores) == 4


def test_a_row_that_comes_twice_in_a_block_counts_once() -> None:
    twice = Measurements(
        source=np.array([0, 1, 0, 0], np.int64),
        position=np.array([5, 5, 5, 6]),
        time_unix_nano=START_NS + np.arange(4),
        inference_id=["a", "b", "a", "c"],
        values={"error": np.zeros(4)},
    )
    bank = new()
    assert bank.fresh
    assert bank.process(twice).inference_id == ["a", "b", "c"]
    assert not bank.fresh
    assert bank.held.seen == {0: 6, 1: 5}


def test_scores_are_of_answers_alone_and_not_known_while_learning(whole: tuple[Verdict, SegmentBank]) -> None:
    verdict, _ = whole
    answered = ~np.isnan(IN_ORDER.values["error"])
    assert verdict.inference_id == [IN_ORDER.inference_id[row] for row in np.flatnonzero(answered).tolist()]
    assert len(verdict.time_unix_nano) == len(verdict.scores) == answered.sum()
    assert np.isnan(verdict.scores[:WARM]).all()
    assert ((verdict.scores[WARM:] > 0) & (verdict.scores[WARM:] < 1)).all()


@pytest.mark.parametrize("n", [0, 1, 3000])
def test_measurements_without_any_value(n: int) -> None:
    verdict = new().process(measured({"error": np.full(n, np.nan)}))
    assert (verdict.inference_id, verdict.signals) == ([], [])
    verdict = new().process(measured({"thumbs_down": np.ones(n)}))
    assert (verdict.inference_id, verdict.signals) == ([], [])


def extremes() -> Iterator[Columns]:
    names = [*answers(1, seed=0), "prediction", "repetition", "thumbs_down", "implicit.copy"]
    for odd in ([1e308, -1.0, np.inf, 0.0], [-np.inf, 5e-324, np.nan, -0.0], [0.5, 1.0, 2.0, -1e308]):
        yield {metric: np.tile(odd, 500) for metric in names}


@pytest.mark.parametrize("columns", list(extremes()))
def test_huge_and_impossible_values_are_survived(columns: Columns) -> None:
    bank = new()
    verdict = bank.process(measured(columns))
    assert np.isfinite(verdict.scores[~np.isnan(verdict.scores)]).all()
    verdict = restarted(bank).process(numbered(measured(answers(2000, 1), partitions=1), 2000))
    assert len(verdict.inference_id) == 2000


def test_what_is_held_waits_for_its_time_and_no_more_of_it_than_fits_a_message() -> None:
    m, bank = measured(answers(100, 3)), new()
    bank.take(m)
    assert bank.release(int(m.time_unix_nano[39])).inference_id == m.inference_id[:40]
    assert bank.holds == 60
    many = measured(answers(60_000, seed=3))
    bank = new()
    bank.take(many)
    early = bank.release(0).inference_id
    assert early == many.inference_id[: len(early)], "the oldest go first"
    assert 1000 < bank.holds < 60_000
    assert len(bank.dumps()) < 1_000_000


def test_state_of_another_version_is_refused_and_the_cure_is_named() -> None:
    state = unpack(new().dumps())
    for version in (None, 0, state["version"] + 1, "4"):
        with pytest.raises(StateRefused, match="one version on all workers; after an upgrade the segment learns anew"):
            SegmentBank.loads(pack({**state, "version": version}), BUDGET)
    with pytest.raises(StateRefused, match="learned anew"):
        SegmentBank.loads(b"no state", BUDGET)


def test_another_river_learns_adwin_anew_and_nothing_else(learned: bytes) -> None:
    state = unpack(learned)
    state["drift"]["levels"]["second"] |= {"river": "0.1", "detectors": b"what no River can read"}
    signals = SegmentBank.loads(pack(state), BUDGET).process(worse(600)).signals
    whole = SegmentBank.loads(learned, BUDGET).process(worse(600)).signals
    assert signals
    assert [replace(each, seconded=False) for each in signals] == [replace(each, seconded=False) for each in whole]


def test_a_broken_part_of_river_is_no_state(learned: bytes) -> None:
    state = unpack(learned)
    state["drift"]["levels"]["second"] |= {"detectors": b"\xff, which begins no pickle"}
    with pytest.raises(StateRefused, match="it learns anew"):
        SegmentBank.loads(pack(state), BUDGET)


def test_state_is_small_and_soon_restored() -> None:
    """Twelve metrics, two busy weeks, and a finding that is open; texts apart, which are stored apart."""
    n = 14 * 6000
    rng = np.random.default_rng(4)
    columns = answers(n, 5)
    columns |= {name: (rng.random(n) < 0.03).astype(float) for name in ("refusal", "empty", "truncated")}
    columns |= {"tokens_per_s": rng.lognormal(3, 0.4, n), "cost_usd": rng.lognormal(-7, 1, n)}
    columns["duration_s"][-3000:] *= 2
    m = measured(columns, partitions=4, apart=DAY_NS // 6000)
    words = {name: said(rng.choice(["a", "b", "c", "d"], n).tolist()) for name in ("finish_reason", "response_model")}
    bank = new()
    signals = bank.process(replace(m, words=words)).signals
    assert signals
    state = bank.dumps()
    assert len(bank.drift.names()) == 12
    assert len(state) <= 12 * 8 * 1024
    took = []
    for _ in range(7):
        began = time.process_time()
        SegmentBank.loads(state, BUDGET)
        took.append(time.process_time() - began)
    assert np.median(took) <= 0.010


def test_changes_right_after_the_beginning_are_not_missed() -> None:
    calm, then = answers(6000, 1), answers(1500, 2, errors=0.4, slower=4.0)
    signals = new().process(measured(after(calm, then))).signals
    assert signals
    assert all(signal.event >= 6000 for signal in signals)
    assert {signal.learning for signal in signals if signal.detector == "e-sr"} == {True}
