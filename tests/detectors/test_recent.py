"""Examples come from both sides, slices name the part that carries a change, and new versions are named with it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.base import Words
from detectors.packed import pack, unpack
from detectors.recent import Recent
from tests.detectors.traffic import said

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
N = 3000


def extended(
    recent: Recent, scores: NDArray[np.float64], words: dict[str, list[str]], first: int = 0, apart: int = SECOND
) -> Recent:
    """Take rows with one stream's scores, so many nanoseconds apart, in pieces as spans are."""
    n = len(scores)
    for start in range(0, n, 100):
        part = slice(start, min(n, start + 100))
        rows = np.arange(first, first + n)[part]
        recent.extend(
            [f"inference-{row}" for row in rows.tolist()],
            rows * apart,
            scores[part, None],
            {name: said(column[part]) for name, column in words.items()},
        )
    return recent


def mixed(
    seed: int, slow: str = "", of: tuple[str, ...] = ("north", "south", "west")
) -> tuple[NDArray[np.float64], list[str]]:
    """Return scores and who served each; from row 2,700 on one of them is slow."""
    rng = np.random.default_rng(seed)
    provider = rng.choice(of, N)
    scores = rng.normal(size=N) + 1.0 * ((provider == slow) & (np.arange(N) >= 2700))
    return scores, provider.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_part_that_carries_a_change_is_named(seed: int) -> None:
    scores, provider = mixed(seed, "south")
    other = np.random.default_rng(seed + 99).choice(["a", "b"], N).tolist()
    recent = extended(Recent(), scores, {"provider": provider, "operation": other})
    first, *rest = recent.slices(0, 2700)
    assert (first.dimension, first.value) == ("provider", "south")
    assert first.share > 0.6
    assert all(each.dimension == "operation" or each.share < first.share for each in rest)


def test_what_changed_everywhere_names_no_part() -> None:
    scores, provider = mixed(1)
    scores[2700:] += 1.0
    assert extended(Recent(), scores, {"provider": provider}).slices(0, 2700) == ()


def test_a_part_that_is_not_known_of_every_row_is_named_all_the_same() -> None:
    scores, provider = mixed(2, "south")
    hidden = np.random.default_rng(5).random(N) < 0.5
    shown = [("" if hide else each) for hide, each in zip(hidden, provider, strict=True)]
    [found] = extended(Recent(), scores, {"provider": shown}).slices(0, 2700)
    assert found.value == "south"
    assert 0.3 < found.share < 0.8, "half of the rows do not say"


def test_too_little_names_no_part() -> None:
    scores, provider = mixed(3, "south")
    recent = extended(Recent(), scores[:300], {"provider": provider[:300]})
    assert recent.slices(0, 100) == (), "nothing is known from before"


def test_examples_are_from_before_and_after() -> None:
    scores, provider = mixed(4)
    scores[[2810, 2900, 2950, 2951, 2999]] = 9.0
    recent = extended(Recent(), scores, {"provider": provider})
    assert recent.before(2700) == tuple(f"inference-{row}" for row in range(2695, 2700))
    assert recent.after(2700, 2999, 0, "up") == tuple(f"inference-{row}" for row in (2810, 2900, 2950, 2951, 2999))
    assert recent.after(2700, 2999, None, "other") == tuple(f"inference-{row}" for row in range(2995, 3000))
    assert recent.after(2998, 2999, 0, "up") == ("inference-2998", "inference-2999")


def test_examples_for_less_are_the_least() -> None:
    scores, provider = mixed(4)
    scores[[2800, 2801, 2802, 2803, 2804]] = -9.0
    recent = extended(Recent(), scores, {"provider": provider})
    assert recent.after(2700, 2999, 0, "down") == tuple(f"inference-{row}" for row in range(2800, 2805))


def test_examples_from_before_a_slow_change_are_old_ones() -> None:
    scores, _ = mixed(4)
    recent = extended(Recent(), scores, {})
    rows = [int(example.removeprefix("inference-")) for example in recent.before(2000)]
    assert len(rows) == 5
    assert max(rows) < 2000
    assert rows == sorted(rows)


def test_a_new_version_is_named_if_it_came_shortly_before_the_change() -> None:
    model = ["cobalt-4"] * 2500 + ["cobalt-5"] * 500
    recent = extended(Recent(), np.zeros(N), {"response_model": model})
    new = 2500 * SECOND
    assert recent.versions(new + 60 * SECOND, 2900 * SECOND) == ("response_model cobalt-5",)
    assert recent.versions(new + 3 * HOUR, new + 4 * HOUR) == ()
    assert recent.versions(0, new - 1) == ()


def test_the_first_version_and_those_that_segments_begin_with_are_not_new() -> None:
    model = ["cobalt-4", "basalt-70b"] * (N // 2)
    prompt = [""] * 1000 + ["p1"] * (N - 1000)
    recent = extended(Recent(), np.zeros(N), {"response_model": model, "prompt_version": prompt})
    assert recent.versions(0, N * SECOND) == ()


def test_a_version_that_was_away_for_a_day_is_new_again() -> None:
    apart = 60 * SECOND
    for away, named in ((1300, False), (1500, True)):  # minutes; a day is 1,440
        model = ["b"] * 5 + ["a"] * 295 + ["b"] + ["a"] * (away - 1) + ["b"] * 50
        recent = extended(Recent(), np.zeros(len(model)), {"model_version": model}, apart=apart)
        assert (recent.versions(0, len(model) * apart) == ("model_version b",)) is named


def test_what_differs_with_every_answer_is_no_version() -> None:
    prompt = [f"p{row}" for row in range(N)]
    recent = extended(Recent(), np.zeros(N), {"prompt_version": prompt})
    assert recent.versions((N - 1) * SECOND, N * SECOND) == ()


def test_a_row_is_found_by_its_time() -> None:
    recent = extended(Recent(), np.zeros(N), {})
    last = N - 1
    for row in (N - 1, N - 100, N - 254):
        assert recent.row_at(row * SECOND, last) == row
        assert recent.row_at(row * SECOND - 1, last) == row
    assert recent.row_at(N * SECOND, last) == N
    assert abs(recent.row_at(1000 * SECOND, last) - 1000) <= 256
    assert recent.row_at(-1, last) == 0
    assert extended(Recent(), np.zeros(50), {}).row_at(10 * SECOND, 49) == 10


COLUMNS: dict[str, list[str]] = {
    "stream": ["yes", "no", "no"] * (N // 3),
    "response_model": ["a"] * 999 + ["b", "a"] * 501 + ["c"] * (N - 2001),
    "prompt_version": [""] * 1500 + [f"p{row % 70}" for row in range(N - 1500)],
}


def walked(cuts: list[int], *, restart: bool) -> tuple[list[object], bytes]:
    """Take rows in pieces, ask at some rows, where pieces end as spans do, and return answers and state."""
    scores = np.random.default_rng(1).normal(size=(N, 2))
    scores[:1200, 1] = np.nan
    asked = (700, 1301, 1620, 2048, 2999)
    edges = sorted({0, *cuts, *(row + 1 for row in asked), *range(0, N, 128), N})
    recent, answers = Recent(), list[object]()
    for start, stop in pairwise(edges):
        known = 1 if stop <= 1200 else 2
        words: dict[str, Words] = {
            name: said(column[start:stop]) for name, column in COLUMNS.items() if any(column[start:stop])
        }
        ids = [f"inference-{row}" for row in range(start, stop)]
        recent.extend(ids, np.arange(start, stop) * 20 * SECOND, scores[start:stop, :known], words)
        if restart:
            recent = Recent.restore(unpack(pack(recent.state())))
        row = stop - 1
        if row in asked:
            since = row - 150
            answers += [recent.before(since), recent.after(since, row, 0, "up"), recent.slices(0, since)]
            answers += [
                recent.versions(since * 20 * SECOND, row * 20 * SECOND),
                recent.row_at(since * 20 * SECOND, row),
            ]
    return answers, pack(recent.state())


@given(cuts=st.lists(st.integers(0, N), max_size=12), restart=st.booleans())
@settings(max_examples=15, deadline=None)
def test_pieces_and_restarts_change_nothing(cuts: list[int], restart: bool) -> None:
    assert walked(cuts, restart=restart) == walked([], restart=False)


def test_memory_is_bounded() -> None:
    sizes = []
    for n in (6000, 12_000):
        rng = np.random.default_rng(2)
        words = {
            "provider": [f"p{each}" for each in rng.integers(0, 500, n)],
            "prompt_version": [str(r) for r in range(n)],
        }
        sizes.append(len(pack(extended(Recent(), rng.normal(size=n), words).state())))
    assert sizes[1] < 1.1 * sizes[0] < 14_000


@given(cuts=st.lists(st.integers(0, 1500), max_size=12), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_parts_that_have_left_count_as_if_they_had_left_row_by_row(cuts: list[int], seed: int) -> None:
    rng, n = np.random.default_rng(seed), 1500
    scores, tools = rng.normal(size=(n, 3)), rng.choice(["", "search", "mail"], n).tolist()
    scores[rng.random((n, 3)) < 0.3] = np.nan
    recent = Recent()
    for start, stop in pairwise(sorted({0, *cuts, *range(0, n, 128), n})):
        ids = [f"inference-{row}" for row in range(start, stop)]
        recent.extend(ids, np.arange(start, stop) * SECOND, scores[start:stop], {"tool": said(tools[start:stop])})
    dimension = recent.state()["dimensions"]["tool"]
    counts, sums = np.zeros((18, 3), np.float32), np.zeros((18, 3), np.float32)
    for row in range(n - 384):
        place = dimension["labels"].index(tools[row]) if tools[row] else 17
        known = ~np.isnan(scores[row])
        counts[place] += known
        sums[place] += np.where(known, scores[row].astype(np.float32), np.float32(0))
        if row % 256 == 255:
            counts, sums = counts * np.float32(0.98), sums * np.float32(0.98)
    np.testing.assert_array_equal(dimension["counts"], counts)
    np.testing.assert_array_equal(dimension["sums"], sums)
