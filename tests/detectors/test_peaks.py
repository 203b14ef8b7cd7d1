"""Peaks: a limit is exceeded about as often as was accepted, and nothing is rare before enough was seen."""

import numpy as np
import pytest

from detectors.peaks import HOURS, LEAST, Peaks


def highest(n: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).gumbel(4.0, 0.8, n)


def test_a_limit_is_exceeded_seldom_enough() -> None:
    rarity, over, hours = 5.0, 0, 0
    for seed in range(200):
        peaks = Peaks(span=1.0)
        peaks.learn(highest(200, seed))
        over += int((highest(1000, seed + 1000) > peaks.limit(rarity)).sum())
        hours += 1000
    assert 0.1 * np.exp(-rarity) < over / hours < 1.2 * np.exp(-rarity)


def test_a_few_incidents_among_the_peaks_hide_nothing() -> None:
    clean, spoiled = Peaks(1.0), Peaks(1.0)
    clean.learn(highest(300, 1))
    spoiled.learn(np.concatenate([highest(300, 1), np.full(6, 500.0)]))
    assert spoiled.limit(10.0) < 1.4 * clean.limit(10.0)


def test_nothing_is_rare_before_enough_was_seen() -> None:
    peaks = Peaks(1.0)
    peaks.learn(highest(LEAST - 1, 2))
    assert np.isinf(peaks.limit(1.0))
    peaks.learn(highest(1, 3))
    assert np.isfinite(peaks.limit(1.0))


def test_rarity_is_the_inverse_of_the_limit() -> None:
    for span in (1.0, 24.0):
        peaks = Peaks(span)
        peaks.learn(highest(200, 4))
        assert peaks.rarity(peaks.limit(9.0)) == pytest.approx(9.0)


def test_what_looks_back_longer_is_less_sure() -> None:
    hour, day = Peaks(1.0), Peaks(24.0)
    for peaks in (hour, day):
        peaks.learn(highest(48, 5))
    assert day.limit(12.0) > hour.limit(12.0)


def test_only_the_latest_are_remembered() -> None:
    peaks = Peaks(1.0)
    for seed in range(5):
        peaks.learn(highest(HOURS, seed))
    once = Peaks.restore(peaks.state())
    assert once.limit(10.0) == peaks.limit(10.0)
    assert len(peaks.state()["seen"]) == HOURS
