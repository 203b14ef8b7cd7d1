"""River's own ADWIN, on means of 32 rows, whatever the blocks; another River's state is relearned, and nothing else."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from river.drift import ADWIN

from detectors.second_opinion import EACH, SecondOpinion

N = 6000


def told(seed: int, change: int = N // 2) -> NDArray[np.float64]:
    """Return two streams' rows: the first changes, the second does not; one row in five is not known."""
    rng = np.random.default_rng(seed)
    known = rng.random((N, 2)) < 0.8
    scores = rng.normal(size=(N, 2))
    scores[change:, 0] += 0.7
    return np.stack([known, np.where(known, scores, 0.0)], axis=2)


def made() -> SecondOpinion:
    second = SecondOpinion()
    second.grow([False])
    second.grow([False])
    return second


def test_a_change_is_seen_and_none_where_there_is_none() -> None:
    second = made()
    second.update(told(1))
    assert N // 2 < second.seen[0] <= N
    assert second.seen[1] == -1


def test_it_fires_where_rivers_own_fires() -> None:
    rows = told(2)
    adwin, seen = ADWIN(delta=1e-3, clock=1, grace_period=5), []  # type: ignore[no-untyped-call]  # River gives no types
    for start in range(0, N - N % EACH, EACH):
        count, total = rows[start : start + EACH, 0].sum(axis=0)
        adwin.update(total / count)  # type: ignore[no-untyped-call]  # River gives no types
        if adwin.drift_detected:
            seen.append(start + EACH)
    second = made()
    fired = []
    for start in range(0, N - N % EACH, EACH):
        second.update(rows[start : start + EACH])
        if second.seen[0] == start + EACH:
            fired.append(start + EACH)
    assert seen
    assert fired == seen


@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, N), max_size=12).map(sorted))
@settings(max_examples=15, deadline=None)
def test_cutting_and_restarting_changes_nothing(seed: int, cuts: list[int]) -> None:
    rows, whole, second = told(seed), made(), made()
    whole.update(rows)
    for start, stop in zip([0, *cuts], [*cuts, N], strict=True):
        second.update(rows[start:stop])
        second = SecondOpinion.restore(copy.deepcopy(second.state()))
    assert (second.row, second.seen) == (whole.row, whole.seen)


def test_what_is_forgotten_begins_anew() -> None:
    second = made()
    second.update(told(1))
    second.forget(0)
    assert second.seen[0] == -1
    second.update(told(1)[N // 2 :])
    assert second.seen[0] == -1, "what it has become is what it is now"


def test_another_rivers_adwin_is_learned_anew_and_the_rest_is_kept() -> None:
    second = made()
    second.update(told(1)[: N - 1000])
    assert second.seen[0] > 0
    state = second.state() | {"river": "0.0.1", "detectors": b"what no River can read"}
    again = SecondOpinion.restore(state)
    assert (again.row, again.seen) == (second.row, second.seen)
    again.update(told(1)[N - 1000 :])
    assert again.row == N


@pytest.mark.parametrize("rows", [0, 1, EACH - 1])
def test_too_little_says_nothing(rows: int) -> None:
    second = made()
    second.update(told(1)[:rows])
    assert second.seen == [-1, -1]


def test_judgements_that_come_late_go_to_hddm_one_by_one() -> None:
    rng = np.random.default_rng(6)
    wrong = rng.random(4000) < np.where(np.arange(4000) < 2000, 0.1, 0.3)
    told = np.stack([np.ones(4000), np.where(wrong, 3.0, -0.33)], axis=1)[:, None]
    whole, cut = SecondOpinion(), SecondOpinion()
    for second in (whole, cut):
        second.grow([True])
    seen = []
    for row in range(0, 4000, 100):
        whole.update(told[row : row + 100])
        seen.append(whole.seen[0])
    for row in range(0, 4000, 7):
        cut.update(told[row : row + 7])
        cut = SecondOpinion.restore(cut.state())
    assert max(seen[:20]) == -1, "nothing has changed yet"
    assert 2000 < whole.seen[0] < 2600
    assert cut.seen == whole.seen


class _CutShort:
    """Pickles as a window of River's ADWIN whose state ends too early."""

    def __reduce__(self) -> tuple[type, tuple[float, int, int, int, int], bytes]:
        helper = vars(ADWIN())["_helper"]  # type: ignore[no-untyped-call]  # River gives no types
        return type(helper), (0.001, 1, 5, 5, 5), b"cut"


def test_a_state_over_which_river_panics_is_refused_as_others_are() -> None:
    state = made().state() | {"detectors": pickle.dumps([_CutShort()])}
    with pytest.raises(ValueError, match="do not take this"):
        SecondOpinion.restore(state)
