"""What waits: rows leave in order of event time, each once, whatever the blocks, the sources and the restarts."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.base import Measurements, Texts, Words
from detectors.held import HELD_BYTES, Held, join, part, select
from detectors.packed import pack, unpack

N = 60
SECOND = 10**9


def rows(seed: int = 1) -> Measurements:
    """Return N rows of three sources with numbers, words and texts; event times of a source go astray a little."""
    rng = np.random.default_rng(seed)
    at = np.arange(N)
    with_text = np.flatnonzero(rng.random(N) < 0.4).astype(np.int32)
    return Measurements(
        source=at % 3,
        position=at // 3,
        time_unix_nano=(at + rng.integers(0, 10, N)) * SECOND,
        inference_id=[f"inference-{row}" for row in at],
        values={
            "error": np.where(rng.random(N) < 0.2, np.nan, 1.0),
            "prediction": rng.normal(size=N).astype(np.float32),
        },
        words={"tool": Words(rng.integers(-1, 3, N).astype(np.int32), ("search", "mail", "clock"))},
        texts={
            "input_text": Texts(
                with_text,
                rng.random((len(with_text), 4)).astype(np.float32),
                rng.integers(0, 9, (len(with_text), 5)).astype(np.uint8),
            )
        },
    )


def told(m: Measurements) -> list[dict[str, object]]:
    """Return what is known of each row, in order."""
    known: list[dict[str, object]] = [
        {"id": name, "source": int(source), "position": int(position), "time": int(time)}
        for name, source, position, time in zip(m.inference_id, m.source, m.position, m.time_unix_nano, strict=True)
    ]
    for name, column in m.values.items():
        for row in np.flatnonzero(~np.isnan(column)):
            known[row][name] = float(column[row])
    for name, words in m.words.items():
        for row in np.flatnonzero(words.codes >= 0):
            known[row][name] = words.labels[words.codes[row]]
    for name, texts in m.texts.items():
        for row, style, grams in zip(texts.rows, texts.style, texts.grams, strict=True):
            known[row][name] = (style.tolist(), grams.tolist())
    return known


def in_time() -> list[dict[str, object]]:
    return sorted(told(rows()), key=lambda row: (row["time"], row["source"], row["position"]))


@given(start=st.integers(0, N), stop=st.integers(0, N))
def test_a_part_is_the_rows_from_here_to_there(start: int, stop: int) -> None:
    assert told(part(rows(), start, max(start, stop))) == told(rows())[start:stop]


@given(picked=st.lists(st.integers(0, N - 1), unique=True))
def test_selected_are_these_rows_in_this_order_with_the_labels_that_they_say(picked: list[int]) -> None:
    found = select(rows(), np.array(picked, np.int64))
    assert told(found) == [told(rows())[row] for row in picked]
    tool = found.words["tool"]
    assert set(tool.codes.tolist()) - {-1} == set(range(len(tool.labels)))


@given(cuts=st.lists(st.integers(0, N), max_size=8).map(sorted), until=st.lists(st.integers(0, N + 10)).map(sorted))
@settings(max_examples=60, deadline=None)
def test_blocks_and_restarts_change_nothing(cuts: list[int], until: list[int]) -> None:
    whole, held, released = rows(), Held(), []
    for start, stop in zip([0, *cuts], [*cuts, N], strict=True):
        held.take(select(whole, np.arange(start, stop)))
        held = Held.restore(unpack(pack(held.state())))
    for second in until:
        released += told(held.release(second * SECOND))
        assert all(row["time"] <= second * SECOND for row in released)  # type: ignore[operator]
    held = Held.restore(unpack(pack(held.state())))
    assert released + told(held.release()) == in_time()
    assert len(held) == 0


def test_how_sources_interleave_changes_nothing() -> None:
    whole, held = rows(), Held()
    for source in (2, 0, 1):
        held.take(select(whole, np.flatnonzero(whole.source == source)))
    assert told(held.release()) == in_time()


def test_twice_is_once() -> None:
    held = Held()
    held.take(select(rows(), np.arange(30)))
    held.release(20 * SECOND)
    waiting = len(held)
    held = Held.restore(unpack(pack(held.state())))
    held.take(select(rows(), np.arange(30)))
    assert len(held) == waiting
    held.take(rows())
    assert len(held) == waiting + N - 30


def test_what_one_block_does_not_know_is_not_known() -> None:
    block = select(rows(), np.arange(30))
    bare = dataclasses.replace(select(rows(), np.arange(30, N)), values={"cost_usd": np.ones(30)}, words={}, texts={})
    for both in (join(block, bare), join(bare, block)):
        numbers = [{k: v for k, v in row.items() if k != "cost_usd"} for row in told(both)]
        assert sorted(map(str, numbers)) == sorted(map(str, told(block) + told(dataclasses.replace(bare, values={}))))
        assert np.isnan(both.values["error"]).sum() == 30 + np.isnan(block.values["error"]).sum()
        assert both.values["prediction"].dtype == np.float32


def test_labels_that_nobody_says_any_more_are_forgotten() -> None:
    held = Held()
    for block in range(50):
        words = Words(np.zeros(1, np.int32), (f"word {block}",))
        one = select(rows(), np.array([0]))
        held.take(dataclasses.replace(one, position=np.array([block]), words={"tool": words}))
        assert held.release().words["tool"].labels == (f"word {block}",)
    assert len(pack(held.state())) < 300


def test_too_many_rows_leave_early_the_oldest_first() -> None:
    n = 30_000
    many = Measurements(
        source=np.zeros(n, np.int64),
        position=np.arange(n),
        time_unix_nano=np.arange(n) * SECOND,
        inference_id=[f"{row:036}" for row in range(n)],
        values={"error": np.random.default_rng(1).random(n)},
    )
    held = Held()
    held.take(many)
    early = held.release(until=0)
    assert early.time_unix_nano.tolist() == list(range(0, len(early.inference_id) * SECOND, SECOND))
    assert len(pack(held.state())) < HELD_BYTES
    assert len(held) > 5000


@pytest.mark.parametrize("wrong", [{}, {"seen": [[1]]}])
def test_what_is_no_state_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Held.restore(wrong)
