"""Drift of a segment: found once, closed when it is back, judged by the reference of before, whatever the blocks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.detection import streams
from bench.detection.streams import Metric, World, sized
from detectors.base import Opening
from detectors.budget import Budget
from detectors.drift import Drift, SeasonalDrift
from detectors.packed import pack, unpack
from tests.detectors.traffic import DAY_NS, of_all_kinds

A_DAY = 2400
LEARNED = 16 * A_DAY
NAMES = {"error": "error", "latency": "duration_s", "tokens": "output_tokens", "mix": "finish_reason"}


def budget() -> Budget:
    return Budget(segments=100, false_alarms=1.0)


def seconds(n: int, seed: int, slower: float = 1.0) -> NDArray[np.float64]:
    return slower * np.random.default_rng(seed).lognormal(0, 0.5, n)


class Segment:
    """A segment whose latency is watched, and what has been said of it."""

    def __init__(self, state: bytes | None = None) -> None:
        self.drift = Drift(budget()) if state is None else Drift.restore(budget(), unpack(state))

    def feed(self, days: float, seed: int, slower: float = 1.0) -> list[tuple[str, Opening | None]]:
        """Let days pass and return what is said: openings and returns."""
        n = int(days * A_DAY)
        times = (self.drift.rows + np.arange(n)) * (DAY_NS // A_DAY)
        said: list[tuple[str, Opening | None]] = []
        for taken in self.drift.walk(times, {"duration_s": seconds(n, seed, slower)}, {}):
            said += [("open", opening) for opening in taken.opened] + [("back", None) for _ in taken.returned]
        return said

    def expected(self) -> NDArray[np.float64]:
        [week] = self.drift.learned("duration_s")
        return week.expected


@pytest.fixture(scope="module")
def state() -> bytes:
    segment = Segment()
    assert segment.feed(LEARNED / A_DAY, 1) == []
    return pack(segment.drift.state())


@pytest.fixture
def segment(state: bytes) -> Segment:
    return Segment(state)


def only(said: list[tuple[str, Opening | None]]) -> list[str]:
    return [what for what, _ in said]


def opened(said: list[tuple[str, Opening | None]]) -> list[Opening]:
    return [opening for _, opening in said if opening]


def test_a_change_opens_once_and_its_end_closes_it(segment: Segment) -> None:
    assert only(segment.feed(2, 2, slower=1.5)) == ["open"]
    assert only(segment.feed(2, 3)) == ["back"]


def test_after_a_finding_the_reference_is_the_old_one(segment: Segment) -> None:
    before = segment.expected()
    segment.feed(3, 2, slower=1.5)
    segment.feed(0.5, 3)
    np.testing.assert_allclose(segment.expected(), before, rtol=0.03)
    segment.feed(3, 4)
    np.testing.assert_allclose(segment.expected(), before, rtol=0.03)
    [again] = opened(segment.feed(1, 5, slower=1.5))
    assert again.before.mean == pytest.approx(1.0, rel=0.03)
    assert again.after.mean == pytest.approx(1.5, rel=0.2)


@pytest.mark.parametrize("days", [0.02, 0.5, 3])
def test_what_is_accepted_is_expected_from_then_on(segment: Segment, days: float) -> None:
    """However soon it is accepted; a stream that then goes back to what it was is news."""
    said = segment.feed(days, 2, slower=1.5)
    assert only(said) == ["open"]
    segment.drift.accept("duration_s")
    assert only(segment.feed(4, 4, slower=1.5)) == []
    assert segment.expected().mean() == pytest.approx(1.5, rel=0.05)
    [back] = opened(segment.feed(2, 5))
    assert back.direction == "down"


def test_a_pinned_reference_learns_nothing_but_still_tells(segment: Segment) -> None:
    segment.drift.pin("duration_s", pinned=True)
    before = segment.expected()
    assert only(segment.feed(4, 6, slower=1.01)) == []
    np.testing.assert_array_equal(segment.expected(), before)
    assert only(segment.feed(1, 7, slower=1.5)) == ["open"]
    assert only(segment.feed(1, 8)) == ["back"]
    assert segment.drift.learned("duration_s")[0].pinned, "closing does not unpin"
    np.testing.assert_array_equal(segment.expected(), before)
    segment.drift.pin("duration_s", pinned=False)
    segment.feed(4, 9, slower=1.01)
    assert (segment.expected() != before).any()


def test_what_is_reset_is_learned_anew_and_nothing_is_said_meanwhile(segment: Segment) -> None:
    segment.feed(1, 2, slower=1.5)
    segment.drift.reset("duration_s")
    assert segment.drift.learned("duration_s") == []
    assert only(segment.feed(10, 10, slower=2.0)) == []
    assert segment.expected().mean() == pytest.approx(2.0, rel=0.05)
    assert only(segment.feed(1, 11, slower=3.0)) == ["open"]


def test_a_slow_rise_is_no_normal_until_it_is_found(segment: Segment) -> None:
    """Four percent a day: quarantine holds what rises, and it is found before it has been learned."""
    said = [each for day in range(12) for each in segment.feed(1, 20 + day, slower=1.04**day)]
    assert "open" in only(said)


def test_metrics_that_are_not_known_are_not_minded(segment: Segment) -> None:
    for action in (segment.drift.accept, segment.drift.reset, segment.drift.close):
        action("nonsense")
    assert segment.drift.learned("nonsense") == []
    assert segment.drift.detectors("nonsense") == []


def values(stream: streams.Stream) -> Sequence[Any]:
    return [f"class {int(each)}" for each in stream.values] if stream.metric == "mix" else stream.values.tolist()


def drawn(metric: Metric, seed: int, *, changes: bool) -> streams.Stream:
    rng = np.random.default_rng([metric.encode()[0], seed])
    return streams.stream(metric, World(day=4000), rng, 16_000, sized(metric) if changes else None)


def fired(stream: streams.Stream) -> list[int]:
    detector = SeasonalDrift(NAMES[stream.metric], budget())
    return detector.update_many(stream.times, values(stream))


@pytest.mark.parametrize("metric", streams.METRICS)
@pytest.mark.parametrize("seed", range(3))
def test_season_and_wobble_are_no_change(metric: Metric, seed: int) -> None:
    stream = drawn(metric, seed, changes=False)
    assert [row for row in fired(stream) if row >= stream.reference] == []


@pytest.mark.parametrize(("metric", "within"), [("latency", 1000), ("tokens", 2000), ("mix", 2000), ("error", 4000)])
def test_the_yardsticks_changes_are_found(metric: Metric, within: int) -> None:
    delays = []
    for seed in range(5):
        stream = drawn(metric, seed, changes=True)
        assert stream.change_at is not None
        rows = [row for row in fired(stream) if row >= stream.reference]
        assert rows
        delays.append(rows[0] - stream.change_at)
    assert min(delays) >= 0, "not before it began"
    assert np.median(delays) <= within


@pytest.mark.parametrize("a_day", [2_000, 1_000_000], ids=["slow", "busy"])
@pytest.mark.parametrize(
    ("metric", "usual"),
    [("cost_usd", 4e-4), ("time_to_first_chunk_s", 0.2), ("input_tokens", 37), ("prediction", -1e6), ("prediction", 0)],
)
def test_a_number_that_never_changes_is_no_change_until_it_does(metric: str, usual: float, a_day: int) -> None:
    detector = SeasonalDrift(metric, budget())
    times = np.arange(60_000, dtype=np.int64) * (DAY_NS // a_day)
    assert detector.update_many(times, [usual] * len(times)) == []
    after = times[:100] + times[-1] + DAY_NS // a_day
    assert detector.update_many(after, [usual * 1.01 + 0.01 * (usual == 0)] * len(after))


@pytest.mark.parametrize("metric", ["latency", "mix"])
@pytest.mark.parametrize("rearms", [False, True])
def test_one_by_one_is_all_at_once(metric: Metric, rearms: bool) -> None:
    world = World(day=200)
    change = streams.Change(0.25 if metric == "mix" else 2.0)
    stream = streams.stream(metric, world, np.random.default_rng(3), 1500, change)
    whole, single = (SeasonalDrift(NAMES[metric], budget(), rearms=rearms) for _ in range(2))
    all_at_once, one_by_one = whole.update_many(stream.times, values(stream)), []
    for row, (time, value) in enumerate(zip(stream.times.tolist(), values(stream), strict=True)):
        single.update(value, time)
        if single.drift_detected:
            one_by_one.append(row)
    assert one_by_one == all_at_once
    assert all_at_once
    assert single.opening == whole.opening


N = 5000
WHOLE = of_all_kinds(N, seed=8, change=3000, back=4000)


def walked(edges: list[int], *, restart: bool) -> tuple[list[Any], NDArray[np.float64], bytes]:
    """Take the segment of all kinds in pieces; return what is said, the scores, and the state after it."""
    drift, said, scores = Drift(budget()), list[Any](), []
    for start, stop in zip([0, *edges], [*edges, N], strict=True):
        first = drift.rows
        part = {name: column[start:stop] for name, column in WHOLE.values.items()}
        words = {
            name: type(each)(each.codes[start:stop], each.labels)
            for name, each in WHOLE.words.items()
            if (each.codes[start:stop] >= 0).any()
        }
        for taken in drift.walk(WHOLE.time_unix_nano[start:stop], part, words):
            if taken.opened or taken.returned or taken.learned:
                said.append((first + taken.start if taken.learned else 0, taken.learned))
                said.append((first + taken.stop, taken.opened, taken.returned))
            padded = np.full((taken.stop - taken.start, 12), np.nan)
            padded[:, : taken.scores.shape[1]] = taken.scores
            scores.append(padded)
        if restart:
            drift = Drift.restore(budget(), unpack(pack(drift.state())))
    said = [each for each in said if any(each[1:])]
    return said, np.concatenate(scores), pack(drift.state())


@pytest.fixture(scope="module")
def whole() -> tuple[list[Any], NDArray[np.float64], bytes]:
    found = walked([], restart=False)
    assert sum(bool(each[1]) for each in found[0] if len(each) == 3) >= 2, "there is something to compare"
    return found


@given(edges=st.lists(st.integers(0, N), max_size=30).map(sorted), restart=st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cutting_and_restarting_changes_nothing(
    whole: tuple[list[Any], NDArray[np.float64], bytes], edges: list[int], restart: bool
) -> None:
    said, scores, state = walked(edges, restart=restart)
    assert said == whole[0]
    assert scores.tobytes() == whole[1].tobytes()
    assert state == whole[2]
