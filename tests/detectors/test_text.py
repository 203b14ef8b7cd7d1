"""Texts that change fire where they do, whatever the cuts and restarts; texts at rest do not."""

import gzip
import math
from pathlib import Path

import msgpack
import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from detectors.style import WIDTH
from detectors.text import Alarm, StateUnknown, TextDrift
from detectors.text_bets import TEXTS
from detectors.text_features import STYLE, features
from detectors.text_words import GRAMS

ANSWERS = Path(__file__).parents[3] / "shared" / "data" / "alpaca_eval_outputs.jsonl.gz"
Features = tuple[NDArray[np.float32], NDArray[np.uint8]]


def drawn(n: int, seed: int, moved: float = 0.0, topic: float = 0.0) -> Features:
    """Draw n texts' features: levels that hang together; `moved` shifts the first by so many deviations."""
    rng = np.random.default_rng(seed)
    style = 120 + 15 * (rng.normal(size=(n, WIDTH)) + rng.normal(size=(n, 1)))
    style[:, 0] += 21 * moved
    grams = rng.random((n, GRAMS)) < np.linspace(0.001, 0.05, GRAMS)
    grams[:, 5] |= rng.random(n) < topic
    return np.clip(np.rint(style), 0, 255).astype(np.float32), grams.astype(np.uint8)


def joined(*parts: Features) -> Features:
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


CHANGED = joined(drawn(700, 1), drawn(150, 2, moved=1.0))


def test_it_fires_soon_after_a_change_and_says_what_moved() -> None:
    first = TextDrift().update_many(*CHANGED)[0]
    assert 700 <= first.index < 760
    assert first.log10_e >= 6
    assert f"{STYLE[0]} up" in first.subject


def test_a_topic_that_surges_fires_by_its_words() -> None:
    first = TextDrift().update_many(*joined(drawn(600, 3), drawn(600, 4, topic=0.15)))[0]
    assert first.index >= 600
    assert (first.part, first.subject.split(",")[0]) == ("topics", "words of bucket 5")


def test_it_is_silent_at_rest() -> None:
    assert TextDrift().update_many(*drawn(6_000, 5)) == []


def test_repeated_texts_at_rest_are_not_a_change() -> None:
    style, grams = drawn(3_000, 6)
    rng = np.random.default_rng(7)
    row = np.arange(3_000)
    row = np.where((row > 700) & (rng.random(3_000) < 0.4), row - rng.integers(1, 300, 3_000), row)
    assert TextDrift().update_many(style[row], grams[row]) == []


@pytest.mark.parametrize("labels", [2, 4, 15])
def test_labels_at_rest_are_not_a_change(labels: int) -> None:
    words = ("travel", "billing", "parcels", "accounts", "Returns", "refunds please", "other", "spam", "not sure")
    known = [f"{word}{'s' * (number // 9)}" for number, word in enumerate((words * 2)[:labels])]
    style, grams = features(known)
    for seed in range(6):
        drawn = np.random.default_rng(seed).integers(0, labels, 4_000)
        assert TextDrift(12.0).update_many(style[drawn], grams[drawn]) == []


def test_one_answer_to_everything_is_a_change() -> None:
    style, grams = features(["Something went wrong. Please try again later."])
    texts = joined(drawn(700, 8), (np.repeat(style, 100, axis=0), np.repeat(grams, 100, axis=0)))
    first = TextDrift().update_many(*texts)[0]
    assert 700 <= first.index < 760


def in_cuts(detector: TextDrift, texts: Features, cuts: list[int], *, restart: bool) -> list[Alarm]:
    alarms, begin = [], 0
    for end in [*cuts, len(texts[0])]:
        found = detector.update_many(texts[0][begin:end], texts[1][begin:end])
        alarms += [Alarm(begin + alarm.index, alarm.log10_e, alarm.part, alarm.subject) for alarm in found]
        if restart:
            detector = TextDrift.restore(msgpack.unpackb(msgpack.packb(detector.state())))
        begin = end
    return alarms


@pytest.mark.parametrize("restart", [False, True])
def test_cuts_and_restarts_change_nothing(restart: bool) -> None:
    texts = joined(drawn(1_900, 8), drawn(200, 9, moved=0.8))
    whole = TextDrift().update_many(*texts)
    assert whole
    cuts = sorted([*np.random.default_rng(10).integers(0, 2_100, 25).tolist(), 200, 399, 400, 401, 914, 1_913])
    assert in_cuts(TextDrift(), texts, cuts, restart=restart) == whole


def test_one_text_at_a_time_is_a_river_detector() -> None:
    detector, fired = TextDrift(), []
    for index, (style, grams) in enumerate(zip(*CHANGED, strict=True)):
        detector.update((style, grams))
        if detector.drift_detected:
            fired.append(index)
    assert fired == [alarm.index for alarm in TextDrift().update_many(*CHANGED)]


def test_a_drift_that_stays_fires_again_until_it_is_accepted() -> None:
    detector = TextDrift()
    detector.update_many(*drawn(700, 1))
    assert len(detector.update_many(*drawn(300, 2, moved=1.0))) > 2
    assert not detector.learning
    detector.accept()
    assert detector.learning
    assert detector.update_many(*drawn(1_500, 11, moved=1.0)) == []


def test_a_higher_threshold_fires_later() -> None:
    detector = TextDrift()
    detector.update_many(CHANGED[0][:700], CHANGED[1][:700])
    soon = TextDrift.restore(detector.state())
    detector.log_threshold = math.log(1e12)
    late = detector.update_many(CHANGED[0][700:], CHANGED[1][700:])[0]
    assert late.index > soon.update_many(CHANGED[0][700:], CHANGED[1][700:])[0].index
    assert late.log10_e >= 12


def test_the_state_is_small() -> None:
    detector = TextDrift()
    detector.update_many(*drawn(3_000, 12))
    assert len(msgpack.packb(detector.state())) <= 64 * 1024


@pytest.mark.parametrize("key", ["version", "features"])
def test_a_state_of_another_version_is_refused(key: str) -> None:
    with pytest.raises(StateUnknown):
        TextDrift.restore(TextDrift().state() | {key: 0})


@pytest.mark.skipif(not ANSWERS.exists(), reason=f"{ANSWERS.name} is not in ../shared/data")
def test_a_real_model_swap_is_found_within_fifty_answers() -> None:
    with gzip.open(ANSWERS) as lines:
        rows = [orjson.loads(line) for line in lines]
    before, after = ("gpt-4o-2024-05-13", "claude-3-5-sonnet-20240620")
    old, new = (features([row["output"] for row in rows if row["model"] == model]) for model in (before, after))
    deal = np.random.default_rng(13).permutation(len(old[0]))
    texts = joined((old[0][deal[:552]], old[1][deal[:552]]), (new[0][deal[552:]], new[1][deal[552:]]))
    assert 552 <= TextDrift().update_many(*texts)[0].index < 602
    assert len(old[0]) > TEXTS
