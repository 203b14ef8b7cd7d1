"""A worker's watch over its segments: what was seen counts once, state comes back as it was kept, or not at all."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from detectors.base import Measurements, Signal
from detectors.drift import DELTA
from streams.detect import Watch, Watched, finding
from streams.pace import SILENT_S
from tests.detectors.traffic import after, answers, measured, piece

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
CHAT = "chat|/v1|small|production"


class Scene:
    """What is kept outlives the watch that kept it."""

    def __init__(self) -> None:
        self.sealed: dict[bytes, bytes] = {}
        self.refusals = 0

    def watch(self, key: bytes = KEY, delta: float = DELTA) -> Watch:
        def refused() -> None:
            self.refusals += 1

        return Watch(self.sealed, key, delta, refused)

    def keep(self, watch: Watch) -> list[bytes]:
        kept = dict(watch.checkpoint())
        self.sealed |= kept
        return list(kept)


@pytest.fixture(scope="module")
def traffic() -> Measurements:
    """A thousand answers, and from then on twice as slow ones."""
    return measured(after(answers(1000, seed=1), answers(800, seed=2, slower=3.0)))


def pieces(whole: Measurements, size: int) -> Iterator[Measurements]:
    n = len(whole.inference_id)
    return (piece(whole, start, min(start + size, n)) for start in range(0, n, size))


def process(watch: Watch, segment: str, measurements: Measurements) -> Watched:
    """Take measurements and watch them at once: so long after, no partition is waited for."""
    watch.take(segment, measurements, now=0.0)
    return watch.release(now=10 * SILENT_S)


def together(parts: list[Watched]) -> Watched:
    return Watched(
        [id_ for part in parts for id_ in part.ids],
        [time for part in parts for time in part.times],
        [score for part in parts for score in part.scores],
        [each for part in parts for each in part.findings],
    )


def told(watched: Watched) -> tuple[list[str], list[float], list[str]]:
    return watched.ids, watched.scores, [each.finding_id for each in watched.findings]


def test_a_change_is_found_and_scores_name_their_inferences(traffic: Measurements) -> None:
    watched = process(Scene().watch(), CHAT, traffic)
    slower = next(each for each in watched.findings if each.metric == "duration_s")
    assert (slower.segment, slower.direction, slower.detector) == (CHAT, "up", "adwin")
    assert slower.mean_after > 2 * slower.mean_before
    assert slower.inference_id in traffic.inference_id[1000:]
    assert len(watched.ids) == len(watched.times) == len(watched.scores) == 1800 - 256  # no score while it warms up
    assert dict(zip(traffic.inference_id, traffic.time_unix_nano.tolist(), strict=True)).items() >= set(
        zip(watched.ids, watched.times, strict=True)
    )


@pytest.mark.parametrize("size", [1, 97, 512])
def test_neither_blocks_nor_checkpoints_nor_restarts_change_what_is_said(traffic: Measurements, size: int) -> None:
    scene = Scene()
    whole = told(process(Scene().watch(), CHAT, traffic))
    watch, parts = scene.watch(), []
    for n, each in enumerate(pieces(traffic, size)):
        if n % max(1, 400 // size) == 0:
            scene.keep(watch)
            watch = scene.watch()  # another worker
        parts.append(process(watch, CHAT, each))
    assert told(together(parts)) == whole


def test_what_is_read_twice_after_a_crash_is_said_once(traffic: Measurements) -> None:
    scene = Scene()
    first = scene.watch()
    before = process(first, CHAT, piece(traffic, 0, 700))
    scene.keep(first)
    process(first, CHAT, piece(traffic, 700, 1500))  # and then it is gone, with what it knew of these
    second = scene.watch()
    again = process(second, CHAT, piece(traffic, 300, 1800))
    assert told(together([before, again])) == told(process(Scene().watch(), CHAT, traffic))


def test_what_is_forgotten_is_watched_again_from_what_was_kept(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    before = process(watch, CHAT, piece(traffic, 0, 700))
    scene.keep(watch)
    dropped = process(watch, CHAT, piece(traffic, 700, 1800))
    watch.forget()
    assert scene.keep(watch) == [], "what was forgotten must not be kept"
    again = process(watch, CHAT, piece(traffic, 700, 1800))
    assert told(again) == told(dropped)
    assert told(together([before, again])) == told(process(Scene().watch(), CHAT, traffic))


def test_only_what_changed_is_kept(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    process(watch, "b", piece(traffic, 0, 10))
    process(watch, "a", piece(traffic, 0, 10))
    assert scene.keep(watch) == [b"a", b"b"]
    process(watch, "a", piece(traffic, 10, 20))
    assert scene.keep(watch) == [b"a"]
    assert scene.keep(watch) == []


@pytest.mark.parametrize("harm", ["another key", "another segment", "a flipped bit", "cut short", "empty"])
def test_state_that_is_not_ours_is_refused_and_learned_anew(
    traffic: Measurements, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene()
    first = scene.watch(key=OTHER_KEY if harm == "another key" else KEY)
    segment = "other" if harm == "another segment" else CHAT
    process(first, segment, piece(traffic, 0, 300))
    ((_, state),) = first.checkpoint()
    damaged = bytearray(state)
    damaged[-1] ^= 1
    harmed = {"a flipped bit": bytes(damaged), "cut short": state[:20], "empty": b""}
    scene.sealed[CHAT.encode()] = harmed.get(harm, state)

    with caplog.at_level(logging.ERROR):
        watched = process(scene.watch(), CHAT, piece(traffic, 0, 300))
    assert scene.refusals == 1
    assert len(watched.ids) == 300 - 256, "it learns from the first row on"
    (record,) = caplog.records
    assert record.getMessage().startswith(f"The detectors of {CHAT} start anew: ")
    assert "\n" not in record.getMessage()


def test_another_delta_rearms_what_was_kept_and_keeps_the_scores(traffic: Measurements) -> None:
    scene = Scene()
    first = scene.watch(delta=DELTA)
    process(first, CHAT, piece(traffic, 0, 900))
    scene.keep(first)
    deaf = process(scene.watch(delta=1e-300), CHAT, piece(traffic, 900, 1800))
    same = process(scene.watch(delta=DELTA), CHAT, piece(traffic, 900, 1800))
    assert deaf.findings == []
    assert same.findings[0].metric == "duration_s"
    assert deaf.scores == same.scores


SIGNAL = Signal(
    metric="duration_s",
    detector="adwin",
    direction="up",
    mean_before=1.0,
    mean_after=2.0,
    count_before=900,
    count_after=30,
    event=930,
    since_event=900,
    time_unix_nano=2,
    since_unix_nano=1,
    inference_id="i-930",
    examples_before=("i-899",),
    examples_after=("i-901", "i-930"),
)


def test_an_id_is_made_of_what_was_seen_and_nothing_else() -> None:
    said = finding(CHAT, SIGNAL)
    # Written out: after an upgrade, too, a replay has to repeat it.
    assert said.finding_id == "7c8fa7c60fe54138d704a6bf3eedb545"
    # The examples and means may differ where an older state is woken; it is the same change all the same.
    assert finding(CHAT, replace(SIGNAL, mean_after=2.1, examples_after=())).finding_id == said.finding_id
    others = [
        finding("other", SIGNAL),
        finding(CHAT, replace(SIGNAL, metric="error")),
        finding(CHAT, replace(SIGNAL, detector="none")),
        finding(CHAT, replace(SIGNAL, inference_id="i-931")),
    ]
    assert len({each.finding_id for each in (said, *others)}) == 5
    assert (said.examples_before, said.examples_after) == (["i-899"], ["i-901", "i-930"])


def test_what_is_held_is_kept_and_watched_by_the_next_worker(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    watch.take(CHAT, traffic, now=0.0)
    assert watch.release(now=0.1) == Watched()
    scene.keep(watch)
    heir = scene.watch()
    heir.take(CHAT, piece(traffic, 0, 10), now=0.0)  # seen before: it only wakes the segment
    assert told(heir.release(now=SILENT_S)) == told(process(Scene().watch(), CHAT, traffic))
