"""A segment's detectors: findings with means and examples, each response once, and restarts that change nothing."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.anomaly import WARM
from detectors.bank import WATCHED, SegmentBank, Verdict
from detectors.base import Measurements, Signal
from detectors.sealed import StateRefused, seal, unseal
from detectors.silent import Silent
from tests.detectors.traffic import after, answers, measured, piece

KEY = b"k" * 32
CHANGE = 3000
WORSE = measured(
    after(answers(CHANGE, seed=1), answers(2000, seed=2, errors=0.25, slower=1.6)), partitions=3
)  # three metrics change at row 3000


@functools.cache
def whole() -> Verdict:
    return SegmentBank().process(WORSE)


def restarted(bank: SegmentBank) -> SegmentBank:
    return SegmentBank.loads(unseal(seal(bank.dumps(), KEY, "chat"), KEY, "chat"))


def test_changes_are_found_soon_with_means_and_examples() -> None:
    found = {signal.metric: signal for signal in whole().signals}
    assert set(found) == {"error", "duration_s"}
    failed, slower = found["error"], found["duration_s"]
    assert (failed.direction, slower.direction) == ("up", "up")
    assert failed.mean_before == pytest.approx(0.02, abs=0.01)
    assert failed.mean_after == pytest.approx(0.25, abs=0.1)
    assert slower.mean_after / slower.mean_before == pytest.approx(1.6, abs=0.35)
    for signal in whole().signals:
        assert CHANGE < signal.event < CHANGE + 500
        assert abs(signal.since_event - CHANGE) < 120
        assert signal.count_before + signal.count_after == signal.event + 1


def test_a_signal_names_its_inference_and_its_examples() -> None:
    rows = {inference: row for row, inference in enumerate(WORSE.inference_id)}
    for signal in whole().signals:
        assert rows[signal.inference_id] == signal.event
        assert signal.time_unix_nano == WORSE.time_unix_nano[signal.event]
        assert signal.since_unix_nano == WORSE.time_unix_nano[signal.since_event]
        assert len(signal.examples_before) == len(signal.examples_after) == 5
        assert all(rows[example] < signal.since_event for example in signal.examples_before)
        assert all(signal.since_event <= rows[example] <= signal.event for example in signal.examples_after)
    [failed] = [signal for signal in whole().signals if signal.metric == "error"]
    assert all(WORSE.values["error"][rows[example]] == 1 for example in failed.examples_after[-3:])


def test_still_traffic_gives_no_signal() -> None:
    assert SegmentBank().process(measured(answers(60_000, seed=5))).signals == []


@given(
    cuts=st.lists(st.integers(0, len(WORSE.inference_id)), max_size=8).map(sorted),
    again=st.integers(0, 300),
)
@settings(max_examples=25, deadline=None)
def test_restarts_and_replays_change_nothing(cuts: list[int], again: int) -> None:
    bank, signals, scores, kept = SegmentBank(), [], [], 0
    for start, stop in zip([0, *cuts], [*cuts, len(WORSE.inference_id)], strict=True):
        verdict = bank.process(piece(WORSE, max(0, start - again), stop))
        signals += verdict.signals
        scores.append(verdict.scores)
        kept += len(verdict.inference_id)
        bank = restarted(bank)
    assert kept == len(WORSE.inference_id)
    assert signals == whole().signals
    np.testing.assert_allclose(np.concatenate(scores), whole().scores, rtol=1e-9)


def test_kept_are_the_rows_that_are_new() -> None:
    bank = SegmentBank()
    bank.process(piece(WORSE, 0, 10))
    verdict = bank.process(piece(WORSE, 4, 14))
    assert verdict.inference_id == WORSE.inference_id[10:14]
    assert len(verdict.scores) == 4


def test_a_row_that_comes_twice_in_a_block_counts_once() -> None:
    twice = Measurements(
        source=np.array([0, 1, 0, 0], np.int64),
        position=np.array([5, 5, 5, 6]),
        time_unix_nano=np.arange(4),
        inference_id=["a", "b", "a", "c"],
        values={"error": np.zeros(4)},
    )
    bank = SegmentBank()
    assert bank.process(twice).inference_id == [twice.inference_id[row] for row in (0, 1, 3)]
    assert bank.seen == {0: 6, 1: 5}


def test_scores_are_not_known_while_learning() -> None:
    assert np.isnan(whole().scores[:WARM]).all()
    assert np.isfinite(whole().scores[WARM:]).all()


def assert_nothing(verdict: Verdict, n: int) -> None:
    assert len(verdict.inference_id) == len(verdict.time_unix_nano) == n
    assert np.isnan(verdict.scores).all()
    assert verdict.signals == []


@pytest.mark.parametrize("n", [0, 1, 3000])
def test_measurements_without_any_value(n: int) -> None:
    assert_nothing(SegmentBank().process(measured({"error": np.full(n, np.nan)})), n)


def test_huge_and_impossible_values_are_survived() -> None:
    columns = {metric: np.tile([1e308, -1.0, np.inf, 0.0], 500) for metric in answers(1, seed=0)}
    verdict = SegmentBank().process(measured(columns))
    assert np.isfinite(verdict.scores[~np.isnan(verdict.scores)]).all()
    assert verdict.signals == []


class Always:
    """Fires at every row: the other end of a comparison from Silent."""

    name = "always"

    def watch(self, levels: NDArray[np.float64]) -> list[int]:
        return list(range(len(levels)))


def fired(watch: Silent | Always) -> list[Signal]:
    return SegmentBank(watches={"error": watch}).process(piece(WORSE, 0, 50)).signals


def test_what_never_fires_gives_nothing_and_what_fires_too_soon_has_nothing_to_compare() -> None:
    assert fired(Silent()) == []
    assert fired(Always()) == []


def test_a_metric_that_is_not_watched_is_refused() -> None:
    with pytest.raises(ValueError, match="Only error, duration_s"):
        SegmentBank(watches={"duration": Silent()})


def test_another_delta_starts_adwin_anew_and_nothing_else() -> None:
    bank = SegmentBank(delta=1e-6)
    bank.process(piece(WORSE, 0, CHANGE + 20))
    bank.rearm(1e-6)
    assert bank.process(piece(WORSE, CHANGE + 20, 5000)).signals == whole().signals
    bank = SegmentBank(delta=1e-6)
    bank.process(piece(WORSE, 0, 1000))
    bank.rearm(1e-9)
    verdict = bank.process(piece(WORSE, 900, 5000))
    assert verdict.inference_id[0] == WORSE.inference_id[1000]
    assert np.isfinite(verdict.scores).all()
    assert {signal.metric for signal in verdict.signals} == {"error", "duration_s"}
    assert all(signal.count_before + signal.count_after == signal.event + 1 - 1000 for signal in verdict.signals)


def test_state_of_another_version_is_refused_and_the_cure_is_named() -> None:
    header, line, rest = SegmentBank().dumps().partition(b"\n")
    with pytest.raises(StateRefused, match="one version on all workers"):
        SegmentBank.loads(header + b".1" + line + rest)


def test_state_is_small() -> None:
    bank = SegmentBank()
    bank.process(measured(answers(200_000, seed=6)))
    assert len(bank.dumps()) <= 16 * 1024
    assert set(WATCHED) <= set(answers(1, seed=0))


def picked(measurements: Measurements, rows: NDArray[np.int64]) -> Measurements:
    m = measurements
    ids = [m.inference_id[row] for row in rows.tolist()]
    values = {name: column[rows] for name, column in m.values.items()}
    return Measurements(m.source[rows], m.position[rows], m.time_unix_nano[rows], ids, values)


def test_partitions_that_are_read_one_after_the_other_are_watched_as_they_happened() -> None:
    """Four partitions, read an hour at a time each: with a release when all have come so far, order is restored."""
    n = len(WORSE.inference_id)
    source = np.arange(n) % 4
    scattered = replace(WORSE, source=source.astype(np.int64))
    in_order = SegmentBank().process(scattered).signals
    assert in_order

    bank, signals, ids = SegmentBank(), [], []
    for start in range(0, n, n // 5):
        stop = min(n, start + n // 5)
        for partition in range(4):
            rows = np.flatnonzero(source[start:stop] == partition) + start
            bank.take(picked(scattered, rows))
            bank = restarted(bank)
        verdict = bank.release(int(WORSE.time_unix_nano[stop - 1]))
        signals += verdict.signals
        ids += verdict.inference_id
    assert ids == WORSE.inference_id
    assert signals == in_order
    assert bank.holds == 0


def test_what_is_held_waits_for_its_time_and_no_more_of_it_than_fits_a_message() -> None:
    bank = SegmentBank()
    bank.take(piece(WORSE, 0, 100))
    assert bank.release(int(WORSE.time_unix_nano[39])).inference_id == WORSE.inference_id[:40]
    assert bank.holds == 60
    many = measured(answers(20_000, seed=3))
    bank = SegmentBank()
    bank.take(many)
    early = bank.release(0).inference_id
    assert early == many.inference_id[: len(early)], "the oldest go first"
    assert 1000 < bank.holds < 20_000
    assert len(bank.dumps()) < 1_000_000
