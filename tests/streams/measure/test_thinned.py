"""A hot segment is watched by a sample of its inferences: whose, depends on the id alone; and evidence stays honest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.bank import SegmentBank
from detectors.base import Measurements
from detectors.budget import Budget
from detectors.held import join, part
from streams.measure import thinned
from streams.settings import SettingsError, load

HOT, COLD = "chat|/v1|large|production", "chat|/v1|small|production"
SECOND_NS = 10**9


def answers(n: int, *, step: float = 1.0, seed: int = 1) -> Measurements:
    """Answers of a tenth of a second each, whose durations grow by a step from the middle on."""
    draw = np.random.default_rng(seed)
    seconds = np.exp(draw.normal(0.0, 0.4, n)) * np.where(np.arange(n) < n // 2, 1.0, step)
    times = np.arange(n) * SECOND_NS // 10 + 1_794_182_400 * SECOND_NS
    ids = [f"{number:032x}" for number in draw.integers(0, 2**63, n).tolist()]
    return Measurements(np.zeros(n, np.int64), np.arange(n), times, ids, {"duration_s": seconds})


def sample(rows: Measurements, share: float) -> Measurements:
    ((_, kept),) = thinned([(HOT, rows)], {HOT: share})
    return kept


def test_other_segments_pass_untouched() -> None:
    rows = answers(10)
    assert list(thinned([(COLD, rows)], {HOT: 0.1})) == [(COLD, rows)]
    assert list(thinned([(HOT, rows)], {})) == [(HOT, rows)]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_the_sample_is_as_large_as_its_share(share: float) -> None:
    kept = len(sample(answers(50_000), share).inference_id)
    assert abs(kept - 50_000 * share) < 5 * (50_000 * share * (1 - share)) ** 0.5


@given(st.integers(1, 399))
def test_who_is_in_it_does_not_depend_on_how_a_stream_is_cut(cut: int) -> None:
    rows = answers(400)
    whole = sample(rows, 0.3)
    halves = [each for _, each in thinned([(HOT, part(rows, 0, cut)), (HOT, part(rows, cut, 400))], {HOT: 0.3})]
    cut_up = halves[0] if len(halves) == 1 else join(*halves)
    assert cut_up.inference_id == whole.inference_id
    np.testing.assert_array_equal(cut_up.position, whole.position)
    np.testing.assert_array_equal(cut_up.values["duration_s"], whole.values["duration_s"])


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    rows = answers(2_000)
    assert set(sample(rows, 0.1).inference_id) < set(sample(rows, 0.4).inference_id)


def test_of_nothing_nothing_is_sent() -> None:
    assert list(thinned([(HOT, answers(20))], {HOT: 1e-9})) == []


def test_a_sample_finds_what_all_find_after_as_many_answers_of_its_own() -> None:
    rows = answers(24_000, step=1.6)
    began = rows.time_unix_nano[12_000]
    waits = {}
    for share in (1.0, 0.25):
        found = SegmentBank(Budget(1, 10.0)).process(sample(rows, share)).signals
        waits[share] = min(signal.time_unix_nano for signal in found if signal.metric == "duration_s") - began
    assert 0 < waits[1.0] < waits[0.25] < 40 * waits[1.0]


def test_a_sample_of_a_still_stream_finds_nothing() -> None:
    assert SegmentBank(Budget(1, 10.0)).process(sample(answers(24_000), 0.25)).signals == []


def test_a_share_of_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="SEGMENT_SHARES"):
        load(segment_shares={HOT: 0.0})
