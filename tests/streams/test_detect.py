"""A worker's watch over its segments: what was seen counts once, state comes back as it was kept, or not at all."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from detectors.bank import SegmentBank
from detectors.base import Measurements
from detectors.budget import Budget
from detectors.sealed import unseal
from detectors.usage import UsageBank
from streams.commands import Action, Command
from streams.detect import Watch, Watched
from streams.events import Finding, ReferenceRow
from streams.pace import SILENT_S
from streams.segments import REST_S
from tests.detectors import used
from tests.detectors.traffic import after, answers, measured, piece

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
CHAT = "chat|/v1|small|production"
USERS = "users/3"
BUDGET = Budget(segments=10, false_alarms=10.0)
DEAF = Budget(segments=10, false_alarms=1e-250)  # some 576 nats more than BUDGET asks


class Scene:
    """What is kept outlives the watch that kept it."""

    def __init__(self) -> None:
        self.sealed: dict[bytes, bytes] = {}
        self.refusals = 0

    def watch(self, key: bytes = KEY, budget: Budget = BUDGET) -> Watch:
        def refused() -> None:
            self.refusals += 1

        return Watch(self.sealed, key, budget, refused)

    def keep(self, watch: Watch) -> list[bytes]:
        kept = {segment.encode(): state for segment, state in watch.checkpoint()}
        self.sealed |= kept
        return list(kept)


@pytest.fixture(scope="module")
def traffic() -> Measurements:
    """A thousand answers, and from then on slower ones."""
    return measured(after(answers(1000, seed=1), answers(800, seed=2, slower=3.0)))


@pytest.fixture(scope="module")
def usage() -> Measurements:
    """Three days of what users use, and in the last six hours one whom nobody knew uses a lot."""
    hours = np.sort(np.random.default_rng(4).uniform(66, 72, 1500))
    flood = used.calls(np.random.default_rng(5), hours, np.full(1500, 2999), errors=0.0)
    return used.block([*used.usual(seed=3, days=3), flood])


def pieces(whole: Measurements, size: int) -> Iterator[Measurements]:
    n = len(whole.inference_id)
    return (piece(whole, start, start + size) for start in range(0, n, size))


def process(watch: Watch, segment: str, measurements: Measurements) -> Watched:
    """Take measurements and watch them at once: so long after, no partition is waited for."""
    watch.take(segment, measurements, 0, 0, now=0.0, block=0)
    return watch.release(now=10 * SILENT_S)


def together(parts: list[Watched]) -> Watched:
    return Watched(
        [id_ for part in parts for id_ in part.ids],
        [time for part in parts for time in part.times],
        [score for part in parts for score in part.scores],
        [each for part in parts for each in part.findings],
        [each for part in parts for each in part.references],
    )


def told(watched: Watched) -> tuple[list[str], list[float], list[str], dict[str, str]]:
    """All that is said, and the references as they stand in the end."""
    learned = {row.metric: repr(replace(row, said_unix_nano=0)) for row in watched.references}
    return watched.ids, watched.scores, [each.model_dump_json() for each in watched.findings], learned


def about(watched: Watched, metric: str) -> list[Finding]:
    return [each for each in watched.findings if each.metric == metric]


def command(action: Action, metric: str, n: int = 0) -> Command:
    return Command(action, metric, by="ann", note="", time_unix_nano=1_790_000_000_000_000_000 + n)


# --- what is found ---


def test_a_change_is_found_and_scores_name_their_inferences(traffic: Measurements) -> None:
    watched = process(Scene().watch(), CHAT, traffic)
    slower = about(watched, "duration_s")[0]
    assert (slower.segment, slower.state, slower.direction) == (CHAT, "open", "up")
    assert slower.mean_after > 2 * slower.mean_before
    assert slower.inference_id in traffic.inference_id[1000:]
    assert len(watched.ids) == len(watched.times) == len(watched.scores) == 1800 - 256  # no score while it warms up
    assert dict(zip(traffic.inference_id, traffic.time_unix_nano.tolist(), strict=True)).items() >= set(
        zip(watched.ids, watched.times, strict=True)
    )


def test_who_uses_far_more_than_usual_is_found_and_gets_no_score(usage: Measurements) -> None:
    watched = process(Scene().watch(), USERS, usage)
    assert {each.subject for each in watched.findings} == {used.named(2999)}
    metrics = {each.metric for each in watched.findings} | {
        also.metric for each in watched.findings for also in each.also
    }
    assert metrics == {"usage.tokens", "usage.cost_usd"}, "no call of theirs failed, and nobody thumbed"
    assert (watched.ids, watched.references) == ([], [])


def test_a_service_that_is_called_as_shards_are_is_a_service(traffic: Measurements) -> None:
    assert about(process(Scene().watch(), "users/eu|/v1|small|production", traffic), "duration_s")


def test_a_segment_that_stops_is_found_by_the_others() -> None:
    scene = Scene()
    watch = scene.watch()
    minutely = {"apart": 60 * 10**9, "partitions": 1}
    days, goes_on = measured(answers(3000, seed=6), **minutely), measured(answers(3300, seed=7), **minutely)
    for n in range(0, 3000, 500):
        watch.take("stops", piece(days, n, n + 500), 0, 0, now=0.0, block=0)
        watch.take("goes on", piece(goes_on, n, n + 500), 0, 0, now=0.0, block=0)
        assert watch.release(now=10 * SILENT_S).findings == []
    scene.keep(watch)
    heir, n = scene.watch(), 3000
    heir.wake("stops", 0, now=0.0)
    assert list(heir.segments.resting) == ["stops"]
    for each in (watch, heir):  # also who starts anew in the middle of the silence knows of it
        each.take("goes on", piece(goes_on, n, n + 300), 0, 0, now=0.0, block=0)
    said, again = (each.release(now=10 * SILENT_S) for each in (watch, heir))
    (found,) = said.findings
    assert (found.segment, found.metric, found.direction) == ("stops", "traffic", "down")
    assert (found.mean_after, found.inference_id) == (0.0, days.inference_id[-1])
    assert told(again) == told(said)


def test_a_segment_that_rested_says_what_it_would_have_said_awake() -> None:
    minutely = {"apart": 60 * 10**9, "partitions": 1}
    days, goes_on = measured(answers(4000, seed=6), **minutely), measured(answers(4000, seed=7), **minutely)
    both = {"comes and goes": days, "goes on": goes_on}
    awake, rests = Scene(), Scene()
    said: list[list[Watched]] = []
    for scene, rest_at in ((awake, ()), (rests, (2_000, 3_100))):
        watch, each = scene.watch(), list[Watched]()
        for n in range(0, 4000, 100):
            # In the silence of seven hours and after it, one of both says nothing while the other does.
            for name, whole in both.items():
                if name == "goes on" or not 3_000 <= n < 3_400:
                    watch.take(name, piece(whole, n, n + 100), 0, 0, now=float(n), block=0)
            each.append(watch.release(now=n + 10 * SILENT_S))
            scene.keep(watch)
            if n in rest_at:
                watch.rest(now=n + REST_S)
                assert set(watch.segments.resting) == set(both)
        said.append(each)
        found = {(finding.segment, finding.metric, finding.state) for part in each for finding in part.findings}
        assert {("comes and goes", "traffic", "open"), ("comes and goes", "traffic", "closed")} <= found
    for part, same in zip(*said, strict=True):  # whoever woke last comes last
        assert sorted(zip(part.ids, part.times, part.scores, strict=True)) == sorted(
            zip(same.ids, same.times, same.scores, strict=True)
        )
        assert sorted(map(repr, part.findings)) == sorted(map(repr, same.findings))
        assert sorted(map(repr, part.references)) == sorted(map(repr, same.references))
    assert rests.keep(rests.watch()) == []
    for name in both:
        states = [unseal(scene.sealed[name.encode()], KEY, context=name) for scene in (awake, rests)]
        assert states[0] == states[1]


def test_a_new_segment_leans_on_those_that_rest(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    weeks = measured(answers(12_500, seed=8), apart=61 * 10**9, partitions=1)
    process(watch, "chat|/v1|small|production", weeks)
    names = []
    for name in ("chat|/v1|small|staging", "chat|/v1|small|canary"):
        watch.take(name, piece(traffic, 0, 10), 0, 0, now=0.0, block=0)
        bank = watch.segments.live[name]
        assert isinstance(bank, SegmentBank)
        names.append(sorted(bank.drift.state()["levels"]["parent"]))
        watch.release(now=10 * SILENT_S)
        scene.keep(watch)
        watch.rest(now=2 * REST_S)
        assert name in watch.segments.resting
    assert names[0] == names[1]
    assert "output_tokens" in names[1]


def test_what_is_not_kept_yet_does_not_rest(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    process(watch, CHAT, traffic)
    watch.rest(now=1e6)
    assert CHAT in watch.segments.live
    scene.keep(watch)
    watch.rest(now=REST_S / 2)
    assert CHAT in watch.segments.live, "it was used just now"
    watch.rest(now=1e6)
    assert CHAT in watch.segments.resting


# --- once, whatever happens ---


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


def test_neither_do_they_where_usage_is_watched(usage: Measurements) -> None:
    scene, parts = Scene(), []
    whole = told(process(Scene().watch(), USERS, usage))
    for each in pieces(usage, 2_999):
        watch = scene.watch()
        parts.append(process(watch, USERS, each))
        scene.keep(watch)
    assert told(together(parts)) == whole
    assert whole[2]


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
    watch.obey("b", command("pin", "error"), 0)
    assert scene.keep(watch) == [b"b"]


def test_what_is_held_is_kept_and_watched_by_the_next_worker(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    watch.take(CHAT, traffic, 0, 0, now=0.0, block=0)
    assert watch.release(now=0.1) == Watched()
    scene.keep(watch)
    heir = scene.watch()
    heir.take(CHAT, piece(traffic, 0, 10), 0, 0, now=0.0, block=0)  # seen before: it only wakes the segment
    assert told(heir.release(now=10 * SILENT_S)) == told(process(Scene().watch(), CHAT, traffic))


# --- state that is none ---


@pytest.mark.parametrize("segment", [CHAT, USERS])
@pytest.mark.parametrize("harm", ["another key", "another segment", "a flipped bit", "cut short", "empty"])
def test_state_that_is_not_ours_is_refused_and_learned_anew(
    traffic: Measurements, harm: str, segment: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene()
    first = scene.watch(key=OTHER_KEY if harm == "another key" else KEY)
    kept = "other" if harm == "another segment" else segment
    process(first, kept, piece(traffic, 0, 300))
    ((_, state),) = first.checkpoint()
    damaged = bytearray(state)
    damaged[-1] ^= 1
    harmed = {"a flipped bit": bytes(damaged), "cut short": state[:20], "empty": b""}
    scene.sealed[segment.encode()] = harmed.get(harm, state)

    with caplog.at_level(logging.ERROR):
        watch = scene.watch()
        watched = process(watch, segment, piece(traffic, 0, 300))
        process(watch, segment, piece(traffic, 300, 310))
    assert scene.refusals == 1
    assert len(watched.ids) == (300 - 256 if segment == CHAT else 0), "it learns from the first row on"
    (record,) = caplog.records
    assert record.getMessage().startswith(f"The detectors of {segment} start anew: ")
    assert "\n" not in record.getMessage()


def test_state_of_another_version_is_refused_and_learned_anew(
    traffic: Measurements, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene()
    first = scene.watch()
    process(first, CHAT, piece(traffic, 0, 600))
    scene.keep(first)
    monkeypatch.setattr("detectors.bank.VERSION", 1_000_000)  # as after an upgrade
    watch = scene.watch()
    watch.wake(CHAT, 0, now=0.0)
    assert CHAT in watch.segments.live
    assert scene.refusals == 1
    assert "this Sluice reads 1000000: run one version on all workers" in caplog.text


# --- how many false alarms are accepted ---


def test_the_budget_reaches_the_detectors_of_segments(traffic: Measurements) -> None:
    assert process(Scene().watch(budget=DEAF), CHAT, traffic).findings == []
    watch = Scene().watch(budget=Budget(segments=7, false_alarms=0.5))
    process(watch, CHAT, traffic)
    bank = watch.segments.live[CHAT]
    assert isinstance(bank, SegmentBank)
    assert (bank.budget.segments, bank.budget.false_alarms) == (7, 0.5)


def test_the_budget_reaches_the_detectors_of_usage(usage: Measurements) -> None:
    scene = Scene()
    assert process(scene.watch(budget=DEAF), USERS, usage).findings == []
    thresholds = []
    for false_alarms in (1.0, 100.0):
        watch = scene.watch(budget=Budget(segments=10, false_alarms=false_alarms))
        process(watch, USERS, piece(usage, 0, 100))
        bank = watch.segments.live[USERS]
        assert isinstance(bank, UsageBank)
        thresholds.append(bank.log_threshold)
        scene.keep(watch)
    assert thresholds[0] - thresholds[1] == pytest.approx(np.log(100)), "what was kept is armed with it, too"


def test_another_budget_rearms_what_was_kept_and_keeps_the_scores(traffic: Measurements) -> None:
    scene = Scene()
    first = scene.watch()
    process(first, CHAT, piece(traffic, 0, 900))
    scene.keep(first)
    deaf = process(scene.watch(budget=DEAF), CHAT, piece(traffic, 900, 1800))
    same = process(scene.watch(), CHAT, piece(traffic, 900, 1800))
    assert about(same, "duration_s")
    assert deaf.findings == []
    assert deaf.scores == same.scores


# --- a person's word ---


@pytest.mark.parametrize("at", [1100, 1800], ids=["at once", "in the next minute"])
def test_what_is_accepted_is_over_and_is_expected_from_then_on(at: int) -> None:
    """Also by the detectors of minutes, whether they have seen it yet or not."""
    slower = measured(after(answers(1000, seed=1), answers(4000, seed=2, slower=3.0)))
    watch = Scene().watch()
    opened = about(process(watch, CHAT, piece(slower, 0, at)), "duration_s")
    watch.obey(CHAT, command("accept", "duration_s"), 0)
    watched = watch.release(now=20 * SILENT_S)
    (closed,) = watched.findings
    assert (closed.state, closed.finding_id) == ("closed", opened[0].finding_id)
    (now,) = watched.references
    assert now.metric == "duration_s"
    assert np.nanmean(now.expected) == pytest.approx(closed.mean_after, rel=0.3)
    assert about(process(watch, CHAT, piece(slower, at, 5000)), "duration_s") == []


def test_a_word_is_obeyed_once(traffic: Measurements) -> None:
    scene = Scene()
    watch = scene.watch()
    process(watch, CHAT, traffic)
    for _ in range(2):
        watch.obey(CHAT, command("pin", "*"), 0)
    watch.obey(CHAT, command("unpin", "error", n=1), 0)
    scene.keep(watch)
    heir = scene.watch()
    heir.obey(CHAT, command("pin", "*"), 0)  # read again after a crash
    heir.obey(CHAT, command("unpin", "error", n=1), 0)
    assert heir.release(now=0.0) == Watched()
    bank = heir.segments.live[CHAT]
    assert isinstance(bank, SegmentBank)
    assert {week.metric: week.pinned for name in bank.drift.names() for week in bank.drift.learned(name)} == {
        "error": False,
        **dict.fromkeys(set(traffic.values) - {"error"}, True),
    }


@pytest.mark.parametrize("crash", [False, True])
def test_words_are_obeyed_in_order_among_what_was_seen(traffic: Measurements, *, crash: bool) -> None:
    """Also where it is read again: then the rows before a word still wait when it comes."""
    scene = Scene()
    watch = scene.watch()
    first = process(watch, CHAT, piece(traffic, 0, 900))
    scene.keep(watch)
    said = process(watch, CHAT, piece(traffic, 900, 1800))
    opened = about(said, "duration_s")[0].finding_id
    if crash:
        watch = scene.watch()
        watch.take(CHAT, piece(traffic, 900, 1800), 0, 0, now=0.0, block=0)
    watch.obey(CHAT, command("accept", "duration_s"), 0)
    accepted = watch.release(now=0.0)
    assert [(each.finding_id, each.state) for each in accepted.findings][-1] == (opened, "closed")
    assert about(together([first, said, accepted]), "duration_s")[-1].state == "closed"
    bank = watch.segments.live[CHAT]
    assert isinstance(bank, SegmentBank)
    assert bank.holds == 0


def test_a_word_to_usage_changes_nothing(usage: Measurements) -> None:
    watch = Scene().watch()
    process(watch, USERS, usage)
    before = watch.segments.live[USERS].dumps()
    watch.obey(USERS, command("reset", "*"), 0)
    assert watch.release(now=20 * SILENT_S) == Watched()
    assert watch.segments.live[USERS].dumps() == before


def test_what_was_said_and_not_released_is_forgotten_with_the_rest(traffic: Measurements) -> None:
    watch = Scene().watch()
    process(watch, CHAT, traffic)
    watch.obey(CHAT, command("accept", "duration_s"), 0)
    watch.forget()
    assert watch.release(now=20 * SILENT_S) == Watched()


# --- references ---


def test_references_are_told_when_they_are_learned_anew_and_only_then(traffic: Measurements) -> None:
    watch = Scene().watch()
    assert process(watch, CHAT, piece(traffic, 0, 512)).references == [], "so few are no reference"
    learned = process(watch, CHAT, piece(traffic, 512, 700)).references
    assert {row.metric for row in learned} == set(traffic.values)
    assert {(row.segment, row.state) for row in learned} == {(CHAT, "learning")}
    assert {row.said_unix_nano for row in learned} == {int(traffic.time_unix_nano[699])}
    error, duration = (next(row for row in learned if row.metric == name) for name in ("error", "duration_s"))
    assert (error.unit, duration.unit, error.events) == ("share", "s", 512)
    assert np.mean(error.expected) == pytest.approx(traffic.values["error"][:512].mean(), rel=0.5)
    assert all(low < expected < high for low, expected, high in zip(*banded(duration), strict=True))
    assert process(watch, CHAT, piece(traffic, 700, 900)).references == []


def test_a_pinned_reference_says_so_and_a_reset_one_is_gone(traffic: Measurements) -> None:
    watch = Scene().watch()
    process(watch, CHAT, piece(traffic, 0, 900))
    watch.obey(CHAT, command("pin", "duration_s"), 0)
    (pinned,) = watch.release(now=20 * SILENT_S).references
    assert (pinned.metric, pinned.state) == ("duration_s", "pinned")
    watch.obey(CHAT, command("reset", "duration_s", n=1), 0)
    assert watch.release(now=21 * SILENT_S).references == []
    bank = watch.segments.live[CHAT]
    assert isinstance(bank, SegmentBank)
    assert bank.drift.learned("duration_s") == []


def banded(row: ReferenceRow) -> tuple[tuple[float, ...], ...]:
    return row.band_low, row.expected, row.band_high
