"""Stage 2 of the walk: state is kept, accounted for, then acknowledged; what is not ours any more leaves no trace."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sinks.base import SinkBroken
from streams import commands
from streams.agent_detect import EARLY, Detect
from streams.batches import RecordBatch
from streams.commands import Action, Command
from streams.measure import pack, unpack
from streams.pace import SILENT_S, WorkClock
from tests.detectors.traffic import after, answers, measured, piece
from tests.streams.test_agents import BUSY, in_order
from tests.streams.test_ingest import batch
from tests.streams.walk_scene import Batch, Scene, stream

MEASURED = "sluice.measurements"


def message(scene: Scene, value: bytes | None, offset: int, partition: int = 0, key: bytes | None = b"chat") -> Batch:
    """Return a batch with one message."""
    ((record,),) = (batch(MEASURED, partition, offset, [b""]).records,)
    record.key, record.value = key, value
    return scene.batch(RecordBatch(MEASURED, partition, offset, offset, [record]))


def watched(scene: Scene, start: int, stop: int, *, offset: int, partition: int = 0, key: bytes = b"chat") -> Batch:
    """Return a batch with one message of measurements, rows start to stop of the traffic."""
    return message(scene, pack(piece(TRAFFIC, start, stop)), offset, partition, key)


def word(scene: Scene, action: Action, metric: str, offset: int) -> Batch:
    """Return a batch with one message, a person's word."""
    said = Command(action, metric, by="ann", note="", time_unix_nano=1_790_000_000_000_000_000)
    return message(scene, commands.pack(said), offset)


TRAFFIC = measured(after(answers(1000, seed=1), answers(1000, seed=2, slower=3.0)))


class TestDetect:
    async def test_state_is_kept_then_accounted_for_then_acknowledged(self) -> None:
        scene = Scene()
        detect = scene.detect()
        event_ = watched(scene, 0, 1500, offset=0, partition=3)
        await detect.walk(stream(event_))
        assert in_order(scene.log, "insert inference_parts", "insert finding_events")
        assert "publish" in scene.log
        assert event_.acks == 0
        assert scene.changelog == []
        gate = scene.gate("keep")
        checkpoint = asyncio.create_task(detect.checkpoint())
        await asyncio.sleep(0.05)
        assert (event_.acks, scene.tables["ledger"]) == (0, [])
        gate.set()
        await checkpoint
        assert event_.acks == 1
        assert in_order(scene.log, "keep", "insert ledger", "ack sluice.measurements/3/0")
        ((partition, key, _),) = scene.changelog
        assert (partition, key) == (3, b"chat"), "state goes to the partition that its measurements came from"
        assert len(scene.tables["inference_parts"]) == 1500 - 256
        findings = [json.loads(value) for _, value in scene.published]
        assert [row["finding_id"] for row in scene.tables["finding_events"]] == [
            each["finding_id"] for each in findings
        ]
        assert scene.sample("sluice_findings_total", segment="chat", metric="duration_s", direction="up") >= 1
        await detect.checkpoint()
        assert event_.acks == 1, "nothing is acknowledged twice"
        assert len(scene.tables["ledger"]) == 1

    async def test_a_partition_that_is_far_ahead_does_not_wait_for_the_timer(self) -> None:
        scene = Scene()
        events = [watched(scene, n, n + 1, offset=n) for n in range(EARLY + 1)]
        await scene.detect().walk(stream(*events))
        assert [event_.acks for event_ in events] == [1] * EARLY + [0]

    async def test_what_is_not_measurements_is_set_aside_and_the_rest_watched(self) -> None:
        scene = Scene()
        detect = scene.detect()
        records = batch(MEASURED, 0, 0, [b"junk", pack(piece(TRAFFIC, 0, 300)), pack(piece(TRAFFIC, 0, 9))]).records
        records[1].key, records[2].key = b"chat", None
        event_ = scene.batch(RecordBatch(MEASURED, 0, 0, 2, records))
        await detect.walk(stream(event_))
        await detect.checkpoint()
        assert [(row["offset"], row["reason"]) for row in scene.tables["dead_letters"]] == [
            (0, "wrong_shape"),
            (2, "wrong_shape"),
        ]
        (row,) = scene.tables["ledger"]
        assert (row["records"], row["written"], row["dead"]) == (3, 1, 2)
        assert scene.sample("sluice_dead_letters_total", topic=MEASURED, reason="wrong_shape") == 2

    async def test_a_busy_sink_holds_up_a_checkpoint_and_loses_nothing(self) -> None:
        scene = Scene()
        detect = scene.detect()
        event_ = watched(scene, 0, 600, offset=0)
        scene.refusals["inference_parts"] = [BUSY] * 2
        scene.refusals["ledger"] = [BUSY] * 2
        walk = asyncio.create_task(detect.walk(stream(event_)))
        await scene.until(lambda: "refused inference_parts" in scene.log)
        await asyncio.gather(walk, detect.checkpoint())
        assert event_.acks == 1
        assert in_order(scene.log, "insert inference_parts", "keep", "insert ledger", "ack sluice.measurements/0/0")

    @pytest.mark.parametrize("what", ["inference_parts", "publish"])
    async def test_a_checkpoint_in_waiting_keeps_nothing_of_a_block_that_broke(self, what: str) -> None:
        scene = Scene()
        detect = scene.detect()
        event_ = watched(scene, 0, 1500, offset=0)
        scene.refusals[what] = [SinkBroken("no such table")]
        gate = scene.gate("insert inference_parts", "publish")
        walk = asyncio.create_task(detect.walk(stream(event_, then_wait=True)))
        await scene.until(lambda: detect.turn.locked())
        checkpoint = asyncio.create_task(detect.checkpoint())  # the timer's
        await asyncio.sleep(0.02)
        gate.set()
        with pytest.raises(SinkBroken):
            await asyncio.wait_for(walk, timeout=60)
        await checkpoint
        assert event_.acks == 0
        assert scene.changelog == []
        assert scene.tables["ledger"] == []

    @pytest.mark.parametrize("what", ["keep", "ledger"])
    async def test_a_checkpoint_that_breaks_says_so_and_acknowledges_nothing(self, what: str) -> None:
        scene = Scene()
        detect = scene.detect()
        event_ = watched(scene, 0, 300, offset=0)
        await detect.walk(stream(event_))
        scene.refusals[what] = [SinkBroken("gone")]
        with pytest.raises(SinkBroken):
            await detect.checkpoint()
        await detect.checkpoint()
        assert event_.acks == 0
        assert scene.tables["ledger"] == []

    async def test_where_packing_takes_long_it_takes_a_tenth_of_the_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        scene = Scene()
        detect = scene.detect()
        events = [watched(scene, 0, 300, offset=0), watched(scene, 300, 600, offset=1)]
        packed = detect.watch.checkpoint

        def slowly() -> Iterator[tuple[str, bytes]]:
            time.sleep(0.2)
            return packed()

        monkeypatch.setattr(detect.watch, "checkpoint", slowly)
        await detect.walk(stream(events[0]))
        await detect.checkpoint_in_time()
        await detect.walk(stream(events[1]))
        await detect.checkpoint_in_time()
        assert [event_.acks for event_ in events] == [1, 0]
        await asyncio.sleep(detect.next_checkpoint - time.monotonic())
        await detect.checkpoint_in_time()
        assert [event_.acks for event_ in events] == [1, 1]

    async def test_after_a_rebalance_what_was_not_acknowledged_is_watched_again_to_the_same_effect(self) -> None:
        scene = Scene()
        detect = scene.detect()
        first = watched(scene, 0, 700, offset=0)
        await detect.walk(stream(first))
        await detect.checkpoint()
        lost = watched(scene, 700, 1500, offset=1)
        await detect.walk(stream(lost))
        said = {row["finding_id"] for row in scene.tables["finding_events"]}
        assert said

        scene.generation, lost.current = 2, False
        await detect.checkpoint()
        assert (len(scene.changelog), lost.acks) == (1, 0), "the state ahead of the last checkpoint is not ours to keep"

        again = watched(scene, 700, 1500, offset=1)
        await detect.walk(stream(again))
        await detect.checkpoint()
        assert again.acks == 1
        assert {row["finding_id"] for row in scene.tables["finding_events"]} == said
        scores = [row["inference_id"] for row in scene.tables["inference_parts"]]
        assert set(scores) == set(TRAFFIC.inference_id[256:1500])

    async def test_a_segment_that_was_elsewhere_meanwhile_goes_on_from_what_was_kept_there(self) -> None:
        scene = Scene()
        here, elsewhere = scene.detect(), scene.detect()
        for detect, start, stop in ((here, 0, 700), (elsewhere, 700, 1200), (here, 1200, 1500)):
            scene.generation += 1  # the partition moves; what was kept is read from the changelog
            await detect.walk(stream(watched(scene, start, stop, offset=start)))
            await detect.checkpoint()
        alone = scene.detect().watch
        alone.take("another segment", unpack(pack(piece(TRAFFIC, 0, 1500))), 0, 0, now=0.0, block=0)
        whole = alone.release(now=10 * SILENT_S)
        assert [row["anomaly_score"] for row in scene.tables["inference_parts"]] == whole.scores
        assert len(scene.tables["finding_events"]) == len(whole.findings)

    async def test_a_batch_left_over_from_before_a_rebalance_leaves_no_state(self) -> None:
        scene = Scene()
        detect = scene.detect(block_records=2)  # both in one block
        left_over, mine = watched(scene, 0, 300, offset=0), watched(scene, 0, 300, offset=0, partition=1, key=b"mine")
        scene.generation, left_over.current = 2, False  # while it waited to be read
        await detect.walk(stream(left_over, mine))
        await detect.checkpoint()
        assert [(partition, key) for partition, key, _ in scene.changelog] == [(1, b"mine")]
        assert (left_over.acks, mine.acks) == (0, 1)
        assert [row["partition"] for row in scene.tables["ledger"]] == [1]

    async def test_a_batch_that_was_watched_as_the_group_moved_leaves_no_state(self) -> None:
        # Faust notes the new generation in another thread a moment before it gives up the batches of the old one.
        scene = Scene()
        detect = scene.detect()
        moving = watched(scene, 0, 300, offset=0)
        scene.generation = 2
        await detect.walk(stream(moving))
        moving.current = False
        await detect.checkpoint()
        assert (scene.changelog, moving.acks, scene.tables["ledger"]) == ([], 0, [])

    @pytest.mark.parametrize("away_for", ["inference_parts", "ledger"])
    async def test_what_is_no_longer_ours_is_let_go_while_the_sink_is_away(self, away_for: str) -> None:
        scene = Scene()
        detect = scene.detect()
        moved, mine = watched(scene, 0, 300, offset=0), watched(scene, 0, 300, offset=0, partition=1, key=b"mine")
        scene.refusals[away_for] = [BUSY] * 1000
        walk = asyncio.create_task(detect.walk(stream(moved)))
        checkpoint = asyncio.create_task(detect.checkpoint()) if away_for == "inference_parts" else None
        if checkpoint is None:
            await walk
            checkpoint = asyncio.create_task(detect.checkpoint())
        await scene.until(lambda: f"refused {away_for}" in scene.log)
        scene.generation, moved.current = 2, False
        await asyncio.wait_for(asyncio.gather(walk, checkpoint), timeout=60)
        scene.refusals[away_for].clear()
        await detect.walk(stream(mine))
        await detect.checkpoint()
        assert (moved.acks, mine.acks) == (0, 1)
        assert [row["partition"] for row in scene.tables["ledger"]] == [1]
        assert scene.changelog[-1][:2] == (1, b"mine")


class TestWords:
    """A person's word comes among the measurements, under the segment's key."""

    async def test_it_is_obeyed_in_its_place_and_what_comes_of_it_is_stored_published_and_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene = Scene()
        detect = scene.detect(block_records=10)  # all in one block
        events = [watched(scene, 0, 1500, offset=0), word(scene, "accept", "duration_s", 1)]
        with caplog.at_level(logging.INFO, logger="sluice.walk"):
            await detect.walk(stream(*events, watched(scene, 1500, 2000, offset=2)))
        opened, *_, closed = statements(scene, "duration_s")
        assert (opened["finding_id"], opened["state"]) == (closed["finding_id"], "open")
        assert closed["state"] == "closed"
        assert [(row["finding_id"], row["state"]) for row in scene.tables["finding_events"]] == [
            (each["finding_id"], each["state"]) for each in published(scene)
        ]
        levels = [(each.levelname, each.getMessage()) for each in caplog.records]
        assert levels[0][0] == "WARNING"
        assert [level for level, line in levels if line.startswith("OVER: duration_s up in chat")] == ["INFO"]
        assert scene.sample("sluice_findings_total", segment="chat", metric="duration_s", direction="up") == 1
        assert [row["metric"] for row in scene.tables["references"]].count("duration_s") >= 2
        await detect.checkpoint()
        assert [row["written"] for row in scene.tables["ledger"]] == [1, 1, 1]
        assert [each.acks for each in events] == [1, 1]

    async def test_read_again_after_a_crash_it_has_the_same_effect(self) -> None:
        scene = Scene()
        before = scene.detect()
        await before.walk(stream(watched(scene, 0, 900, offset=0)))
        await before.checkpoint()
        rest = [(900, 1500, 1), (1500, 2000, 3)]
        for _ in range(2):  # the second time by another worker, from what was kept
            detect = scene.detect(block_records=10)
            (early, late) = (watched(scene, start, stop, offset=offset) for start, stop, offset in rest)
            await detect.walk(stream(early, word(scene, "accept", "duration_s", 2), late))
        told = statements(scene, "duration_s")
        assert told[: len(told) // 2] == told[len(told) // 2 :]
        assert [each["state"] for each in told].count("closed") == 2

    async def test_a_bad_one_is_set_aside(self) -> None:
        scene = Scene()
        detect = scene.detect()
        good = commands.pack(Command("pin", "*", "ann", "", 1_790_000_000_000_000_000))
        bad = [good.replace(b"pin", b"nip"), good[:-1], good.replace(b"\xa7version\x01", b"\xa7version\x02")]
        await detect.walk(stream(*(message(scene, value, offset) for offset, value in enumerate(bad))))
        await detect.walk(stream(message(scene, good, 3, key=None)))
        reasons = [row["reason"] for row in scene.tables["dead_letters"]]
        assert reasons == ["wrong_shape", "wrong_shape", "unsupported_schema_version", "wrong_shape"]
        assert detect.watch.segments.live == {}

    async def test_one_for_a_segment_that_nobody_knows_is_kept(self) -> None:
        scene = Scene()
        detect = scene.detect()
        event_ = word(scene, "pin", "error", 0)
        await detect.walk(stream(event_))
        await detect.checkpoint()
        assert (event_.acks, [key for _, key, _ in scene.changelog]) == (1, [b"chat"])


class TestReferences:
    async def test_they_are_stored_when_they_are_learned(self) -> None:
        scene = Scene()
        detect = scene.detect()
        await detect.walk(stream(watched(scene, 0, 512, offset=0)))
        assert scene.tables["references"] == []
        await detect.walk(stream(watched(scene, 512, 700, offset=1)))
        learned = scene.tables["references"]
        assert {row["metric"] for row in learned} == set(TRAFFIC.values)
        assert {(row["segment"], row["state"], row["unit"]) for row in learned if row["metric"] == "duration_s"} == {
            ("chat", "learning", "s")
        }
        await detect.walk(stream(watched(scene, 700, 900, offset=2)))
        assert len(learned) == len(TRAFFIC.values)

    async def test_they_hold_nothing_up_but_what_is_busy(self) -> None:
        scene = Scene()
        detect = scene.detect()
        scene.refusals["references"] = [BUSY]
        event_ = watched(scene, 0, 700, offset=0)
        await detect.walk(stream(event_))
        await detect.checkpoint()
        assert event_.acks == 1
        assert in_order(scene.log, "refused references", "insert references", "keep")


def statements(scene: Scene, metric: str) -> list[dict[str, Any]]:
    return [each for each in published(scene) if each["metric"] == metric]


def published(scene: Scene) -> list[dict[str, Any]]:
    return [json.loads(value) for _, value in scene.published]


def scores(scene: Scene) -> list[str]:
    return [row["inference_id"] for row in scene.tables["inference_parts"]]


async def a_second_later(detect: Detect) -> None:
    """Let the timer come when no block was watched in the last second."""
    detect.turned = -math.inf
    await detect.release_in_time()


class TestRowsThatWait:
    """Rows that wait for other partitions are acknowledged with the state in which they wait."""

    async def test_they_are_watched_when_nobody_has_spoken_for_long(self) -> None:
        scene = Scene()
        detect, now = scene.detect(), 0.0
        detect.clock = WorkClock(lambda: now)
        event_ = watched(scene, 0, 1500, offset=0)
        await detect.walk(stream(event_))
        await detect.checkpoint()
        assert (event_.acks, scores(scene), detect.watch.held) == (1, [], 1500)
        now = 2 * SILENT_S
        detect.turned = time.monotonic()
        await detect.release_in_time()
        assert detect.watch.held == 1500, "a block was watched just now: it is the next one's turn"
        await a_second_later(detect)
        assert scores(scene) == TRAFFIC.inference_id[256:1500]
        assert scene.tables["finding_events"]
        assert len(scene.changelog) == 1
        await detect.checkpoint()
        assert len(scene.changelog) == 2, "that they were watched is kept"
        assert len(scene.tables["ledger"]) == 1
        await detect.checkpoint()
        assert len(scene.changelog) == 2

    async def test_a_worker_that_starts_anew_watches_them_also_when_nothing_more_comes(self) -> None:
        scene = Scene()
        before, now = scene.detect(), 0.0
        before.clock = WorkClock(lambda: now)
        await before.walk(stream(watched(scene, 0, 1500, offset=0, partition=2)))
        await before.checkpoint()  # and then it is killed

        detect = scene.detect()
        detect.clock = WorkClock(lambda: now)
        scene.homes[b"chat"] = 2
        await detect.release_in_time()
        assert detect.watch.held == 0, "the changelog is not read yet: what is there may be old"
        detect.recovered(detect.generation())
        await detect.release_in_time()
        assert (detect.watch.held, scores(scene)) == (1500, [])
        now = 2 * SILENT_S
        await detect.release_in_time()
        assert scores(scene) == TRAFFIC.inference_id[256:1500]
        await detect.checkpoint()
        assert scene.changelog[-1][:2] == (2, b"chat")

    async def test_a_worker_that_starts_anew_knows_whom_to_miss(self) -> None:
        scene = Scene()
        before = scene.detect()
        await before.walk(stream(watched(scene, 0, 600, offset=0), watched(scene, 0, 9, offset=1, key=b"users/0")))
        await before.checkpoint()
        detect = scene.detect()
        scene.homes |= {b"chat": 0, b"users/0": 0}
        detect.recovered(detect.generation())
        await detect.release_in_time()
        assert list(detect.watch.segments) == ["chat"], "a user who is silent is no finding: theirs sleep on"
        await detect.checkpoint()
        assert len(scene.changelog) == 2, "that they woke changes nothing"

    async def test_those_of_another_workers_segment_are_left_to_it(self) -> None:
        scene = Scene()
        before, now = scene.detect(), 0.0
        before.clock = WorkClock(lambda: now)
        await before.walk(stream(watched(scene, 0, 600, offset=0), watched(scene, 0, 600, offset=0, key=b"mine")))
        await before.checkpoint()
        scene.homes[b"mine"] = 0
        detect = scene.detect()
        detect.recovered(detect.generation())
        await detect.release_in_time()
        assert list(detect.watch.segments) == ["mine"]

    async def test_what_breaks_while_they_are_stored_leaves_them_waiting(self) -> None:
        scene = Scene()
        detect, now = scene.detect(), 0.0
        detect.clock = WorkClock(lambda: now)
        scene.homes[b"chat"] = 0
        detect.recovered(detect.generation())
        await detect.walk(stream(watched(scene, 0, 600, offset=0)))
        await detect.checkpoint()
        now = 2 * SILENT_S
        scene.refusals["inference_parts"] = [SinkBroken("no such table")]
        with pytest.raises(SinkBroken):
            await a_second_later(detect)
        await detect.checkpoint()
        assert len(scene.changelog) == 1, "what is not stored must not be kept as watched"
        await detect.release_in_time()
        now = 4 * SILENT_S
        await detect.release_in_time()
        assert scores(scene) == TRAFFIC.inference_id[256:600]
