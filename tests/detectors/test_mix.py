"""Shares of words: bets are fair inside the band, a planted change is found and named, and a return is seen."""

import copy

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.base import Words
from detectors.budget import Budget
from detectors.drift import Drift, Taken
from detectors.mix import CLASSES, OTHER, Bets, Mix, _ratios, _shares
from detectors.packed import pack, unpack
from tests.detectors.traffic import DAY_NS

A_DAY = 2000
LEARNED = 9 * A_DAY
MIX = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.03, 0.01])
LABELS = tuple("abcdefg")
SHIFTED = np.array([0.3, 0.25, 0.15, 0.1, 0.06, 0.13, 0.01])


def budget() -> Budget:
    return Budget(segments=100, false_alarms=1.0)


def words(n: int, seed: int, shares: NDArray[np.float64] = MIX) -> Words:
    return Words(
        np.random.default_rng(seed).choice(len(shares), n, p=shares).astype(np.int32),
        (*LABELS, "brand-new")[: len(shares)],
    )


def fed(drift: Drift, column: Words, metric: str = "tool") -> list[Taken]:
    times = (drift.rows + np.arange(len(column.codes))) * (DAY_NS // A_DAY)
    return list(drift.walk(times, {}, {metric: column}))


def said(taken: list[Taken]) -> list[tuple[int, str]]:
    return [(each.stop - 1, "open") for each in taken if each.opened] + [
        (each.stop - 1, "back") for each in taken if each.returned
    ]


@pytest.fixture(scope="module")
def state() -> bytes:
    drift = Drift(budget())
    assert said(fed(drift, words(LEARNED, seed=1))) == []
    return pack(drift.state())


@pytest.fixture
def drift(state: bytes) -> Drift:
    return Drift.restore(budget(), unpack(state))


@pytest.mark.parametrize("seed", range(40))
def test_a_bet_is_fair_for_all_mixes_within_the_band(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = _shares(rng.dirichlet(np.full(CLASSES + 1, 0.5)))
    width = rng.uniform(0, 0.15, CLASSES + 1) * np.sqrt(p)
    bets = Bets.none()
    bets.seen[:] = rng.multinomial(300, rng.dirichlet(np.full(CLASSES + 1, 0.5)), 16)
    bets.expected[:] = 300 * p
    paid = np.exp(_ratios(p, width, bets))
    for _ in range(200):
        q = np.clip(p + rng.uniform(-1, 1, CLASSES + 1) * width, 0, None)
        q /= q.sum()
        if (np.abs(q - p) <= width).all():
            assert (paid @ q <= 1 + 1e-6).all()
    assert (paid @ p <= 1 + 1e-6).all()


def test_a_bet_pays_where_the_mix_has_become_what_it_bets_on() -> None:
    p = _shares(np.append(MIX, [0.0, 0.0]))
    bets = Bets.none()
    q = _shares(np.append(SHIFTED, [0.0, 0.0]))
    bets.seen[:], bets.expected[:] = 500 * q, 500 * p
    assert (np.log(np.exp(_ratios(p, np.full(9, 0.01), bets)) @ q) > 0.01).all()


def test_a_change_is_found_and_the_word_is_named(drift: Drift) -> None:
    [opening] = [opening for taken in fed(drift, words(1500, 2, SHIFTED)) for opening in taken.opened]
    assert (opening.metric, opening.subject, opening.direction) == ("tool", "f", "up")
    assert opening.before.mean == pytest.approx(0.03, abs=0.015)
    assert opening.after.low < 0.13 < opening.after.high
    assert abs(opening.since_row - LEARNED) <= 128
    assert opening.since_unix_nano == opening.since_row * (DAY_NS // A_DAY)
    assert not opening.learning


def test_a_word_that_was_never_seen_is_found_and_named(drift: Drift) -> None:
    column = words(500, 3, np.append(MIX * 0.85, 0.15))
    [opening] = [opening for taken in fed(drift, column) for opening in taken.opened]
    assert (opening.subject, opening.direction) == ("brand-new", "up")


def test_more_words_than_are_told_apart_are_others(drift: Drift) -> None:
    fed(drift, Words(np.full(3, 0, np.int32), ("h",)))
    rest = Words(np.arange(400, dtype=np.int32) % 50, tuple(f"w{each}" for each in range(50)))
    [opening] = [opening for taken in fed(drift, rest) for opening in taken.opened]
    assert opening.subject == OTHER


def test_a_mix_at_rest_is_no_news(drift: Drift) -> None:
    assert said(fed(drift, words(8 * A_DAY, 4))) == []


def test_a_return_is_seen_and_the_next_change_is_told_from_the_same_reference(drift: Drift) -> None:
    fed(drift, words(1500, 2, SHIFTED))
    back, *others = said(fed(drift, words(3000, 5)))
    assert not others
    assert back[1] == "back"
    [again] = [opening for taken in fed(drift, words(1500, 6, SHIFTED)) for opening in taken.opened]
    assert again.before.mean == pytest.approx(0.03, abs=0.015)


def test_a_mix_that_is_accepted_is_expected(drift: Drift) -> None:
    fed(drift, words(1500, 2, SHIFTED))
    drift.accept("tool")
    assert said(fed(drift, words(4 * A_DAY, 7, SHIFTED))) == []
    assert [at for at, what in said(fed(drift, words(3 * A_DAY, 8))) if what == "open"] != []


def test_a_pinned_mix_learns_nothing(drift: Drift) -> None:
    drift.pin("tool", pinned=True)
    before = [week.expected for week in drift.learned("tool")]
    fed(drift, words(3 * A_DAY, 9))
    assert all(np.array_equal(a, b.expected) for a, b in zip(before, drift.learned("tool"), strict=True))
    assert all(week.pinned for week in drift.learned("tool"))
    drift.pin("tool", pinned=False)
    fed(drift, words(3 * A_DAY, 10))
    assert not all(np.array_equal(a, b.expected) for a, b in zip(before, drift.learned("tool"), strict=True))


def test_a_mix_that_is_reset_is_not_watched(drift: Drift) -> None:
    drift.reset("tool")
    assert drift.learned("tool") == []
    assert said(fed(drift, words(100, 2, SHIFTED))) == []


def test_the_week_of_each_word_is_told(drift: Drift) -> None:
    weeks = {week.metric: week for week in drift.learned("tool")}
    assert set(weeks) == {f"tool={label}" for label in LABELS}
    for label, share in zip(LABELS, MIX.tolist(), strict=True):
        week = weeks[f"tool={label}"]
        assert week.expected.shape == (168,)
        assert week.expected.mean() == pytest.approx(share, abs=0.02)
        assert (week.low <= week.expected).all()
        assert (week.expected <= week.high).all()
    assert sum(week.expected for week in weeks.values()) == pytest.approx(np.ones(168), abs=0.02)


def test_rows_are_the_segments_where_words_come_late() -> None:
    drift = Drift(budget())
    times = np.arange(5000) * (DAY_NS // A_DAY)
    list(drift.walk(times, {"error": np.zeros(5000)}, {}))
    fed(drift, words(LEARNED, 1))
    [opening] = [opening for taken in fed(drift, words(1500, 2, SHIFTED)) for opening in taken.opened]
    assert abs(opening.since_row - 5000 - LEARNED) <= 128


@pytest.mark.parametrize("cuts", [[1], [64, 65, 700], list(range(0, 3000, 37))])
def test_cutting_and_restarting_changes_nothing(drift: Drift, cuts: list[int]) -> None:
    column = words(3000, 2, SHIFTED)
    hidden = np.where(np.random.default_rng(1).random(3000) < 0.3, -1, column.codes).astype(np.int32)
    pieces = Drift.restore(budget(), unpack(pack(drift.state())))
    whole, found = fed(drift, Words(hidden, LABELS)), []
    for start, stop in zip([0, *cuts], [*cuts, 3000], strict=True):
        first = pieces.rows
        taken = fed(pieces, Words(hidden[start:stop], LABELS))
        found += [(first + each.stop, each.opened, each.returned) for each in taken]
        pieces = Drift.restore(budget(), unpack(pack(pieces.state())))
    said_whole = [(LEARNED + each.stop, each.opened, each.returned) for each in whole if each.opened or each.returned]
    assert [each for each in found if each[1] or each[2]] == said_whole
    assert pack(pieces.state()) == pack(drift.state())


def test_weighing_takes_nothing_over(drift: Drift) -> None:
    mix: Mix = drift.mixes["tool"]
    before = copy.deepcopy(mix.state())
    mix.weigh(np.full(50, LEARNED * (DAY_NS // A_DAY)), np.zeros(50, np.intp))
    assert pack(mix.state()) == pack(before)
