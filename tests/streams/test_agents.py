"""Stage 1 of the walk: nothing is acknowledged before it is stored, measured and accounted for, whatever fails."""

import asyncio
from typing import Any

import numpy as np
import pytest

from sinks.base import SinkBroken, SinkBusy
from sinks.joins import Meant
from streams.batches import RecordBatch
from streams.dead_letters import PoisonFlood
from streams.measure import pack, position_of, unpack
from tests.streams.measure.made import measured, response
from tests.streams.test_ingest import TOPICS, batch, event
from tests.streams.walk_scene import Scene, stream

REQUESTS, RESPONSES, FEEDBACK = TOPICS
BUSY = SinkBusy("full", retry_after=0.001)


def answered(first: int, n: int = 3, partition: int = 0, **change: Any) -> RecordBatch:
    ids = range(first, first + n)
    return batch(
        RESPONSES, partition, first, [event(RESPONSES, inference_id=f"{partition}-{i}", **change) for i in ids]
    )


def in_order(log: list[str], *steps: str) -> bool:
    """Say whether the steps stand in the log, each once, in this order."""
    return [entry for entry in log if entry in steps] == list(steps)


class TestIngest:
    async def test_a_block_is_acknowledged_when_all_that_it_gave_is_confirmed(self) -> None:
        scene = Scene()
        event_ = scene.batch(answered(0))
        gates = {name: scene.gate(name) for name in ("insert inference_parts", "publish", "insert ledger")}
        walk = asyncio.create_task(scene.ingest().walk(stream(event_)))
        for gate in gates.values():
            await asyncio.sleep(0.05)
            assert event_.acks == 0
            assert scene.tables["ledger"] == []
            gate.set()
        await walk
        assert event_.acks == 1
        ack = "ack inference.responses/0/2"
        assert in_order(scene.log, "insert inference_parts", "insert ledger", ack)
        assert in_order(scene.log, "publish", "insert ledger", ack)
        (row,) = scene.tables["ledger"]
        assert (row["first_offset"], row["last_offset"], row["written"], row["dead"]) == (0, 2, 3, 0)
        assert scene.sample("sluice_records_total", topic=RESPONSES, outcome="written") == 3
        assert scene.sample("sluice_inferences_total", segment="-|-|-|-", status="ok") == 3
        assert scene.sample("sluice_event_time_seconds") == 1_763_726_402

    async def test_blocks_are_confirmed_one_after_another_and_measurements_leave_in_order(self) -> None:
        scene = Scene()
        events = [scene.batch(answered(3 * n)) for n in range(8)]
        scene.refusals["inference_parts"] = [BUSY, BUSY]
        await scene.ingest().walk(stream(*events))
        assert [event_.acks for event_ in events] == [1] * 8
        assert [entry for entry in scene.log if entry.startswith("ack")] == [
            f"ack inference.responses/0/{3 * n + 2}" for n in range(8)
        ]
        offsets = [offset for _, value in scene.published for offset in unpack(value).position.tolist()]
        assert offsets == [position_of(n, 0) for n in range(24)]
        # A block's rows are not written before the block before it is acknowledged.
        steps = [entry.split()[0] for entry in scene.log if entry.startswith(("ack", "insert inference"))]
        assert steps == ["insert", "ack"] * 8

    async def test_a_busy_sink_gets_the_block_until_it_takes_it(self) -> None:
        scene = Scene()
        event_ = scene.batch(batch(REQUESTS, 0, 0, [event(REQUESTS), b"poison"]))
        scene.refusals["inference_parts"] = [BUSY] * 3
        scene.refusals["ledger"] = [BUSY]
        await scene.ingest().walk(stream(event_))
        assert event_.acks == 1
        assert scene.sample("sluice_sink_busy_total", sink="clickhouse") == 4
        assert scene.sample("sluice_dead_letters_total", topic=REQUESTS, reason="not_json") == 1
        assert [row["offset"] for row in scene.tables["dead_letters"]] == [1]

    async def test_what_people_say_is_measured_in_the_segment_of_its_inference(self) -> None:
        scene = Scene(answers={"call:before": Meant("before", "desk|-|-|-", None, None)})
        thumbs = [event(FEEDBACK, inference_id=id_) for id_ in ("0-1", "before", "nobody's")]
        events = [scene.batch(answered(0)), scene.batch(batch(FEEDBACK, 0, 0, thumbs))]
        await scene.ingest(block_records=10, linger_seconds=0.5).walk(stream(*events))
        measured = {key: unpack(value) for key, value in scene.published}
        assert set(measured) == {b"-|-|-|-", b"desk|-|-|-"}
        both = measured[b"-|-|-|-"]
        assert sorted(both.inference_id) == ["0-0", "0-1", "0-1", "0-2"]
        assert np.nansum(both.values["thumbs_down"]) == 1
        assert np.isnan(both.values["error"]).tolist() == (both.values["thumbs_down"] == 1).tolist()
        assert measured[b"desk|-|-|-"].inference_id == ["before"]

    async def test_what_somebody_uses_is_told_to_the_shard_that_has_all_theirs(self) -> None:
        scene = Scene()
        ann: dict[str, Any] = {"user.id": "ann"}
        events = [scene.batch(answered(3 * n, **ann | {"service.name": f"s{n}"})) for n in range(2)]
        await scene.ingest().walk(stream(*events))
        told = [(key.decode(), unpack(value)) for key, value in scene.published]
        assert [key for key, _ in told if "|" in key] == ["s0|-|-|-", "s1|-|-|-"]
        ((shard, first), (again, second)) = ((key, used) for key, used in told if "|" not in key)
        assert shard == again
        assert shard.startswith("users/")
        assert first.inference_id + second.inference_id == [f"0-{n}" for n in range(6)]
        assert first.words["user"].labels == second.words["user"].labels != ("ann",), "by their pseudonym"

    @pytest.mark.parametrize("what", ["inference_parts", "ledger", "publish"])
    async def test_what_breaks_ends_the_walk_at_once_and_nothing_is_acknowledged(self, what: str) -> None:
        scene = Scene()
        event_ = scene.batch(answered(0))
        scene.refusals[what] = [SinkBroken("no such table")]
        # No further block comes: the walk has to say so all the same.
        walk = scene.ingest().walk(stream(event_, then_wait=True))
        with pytest.raises(SinkBroken, match="no such table"):
            await asyncio.wait_for(walk, timeout=60)
        assert event_.acks == 0
        assert scene.tables["ledger"] == []
        assert scene.sample("sluice_records_total", topic=RESPONSES, outcome="written") == 0

    async def test_a_flood_of_poison_ends_the_walk_and_is_not_acknowledged(self) -> None:
        scene = Scene()
        flood = scene.batch(batch(REQUESTS, 0, 0, [b"{"] * 1000))
        with pytest.raises(PoisonFlood, match="SLUICE_POISON_SHARE=1"):
            await asyncio.wait_for(scene.ingest().walk(stream(flood, then_wait=True)), timeout=60)
        assert flood.acks == 0
        assert scene.tables == {}

    async def test_a_worker_that_stops_acknowledges_nothing_that_is_under_way(self) -> None:
        scene = Scene()
        event_ = scene.batch(answered(0))
        gate = scene.gate("insert inference_parts")
        walk = asyncio.create_task(scene.ingest().walk(stream(event_, then_wait=True)))
        await scene.until(lambda: scene.published)
        walk.cancel()
        with pytest.raises(asyncio.CancelledError):
            await walk
        gate.set()
        await asyncio.sleep(0.02)
        assert event_.acks == 0
        assert scene.tables["ledger"] == []

    @pytest.mark.parametrize("away_for", ["inference_parts", "ledger", "asked"])
    async def test_a_block_that_is_no_longer_ours_is_let_go_while_the_sink_is_away(self, away_for: str) -> None:
        scene = Scene()
        # Without a duration, so that it is asked when their requests came.
        moved, mine = (scene.batch(answered(0, partition=each, duration_s=None)) for each in (0, 1))
        scene.refusals[away_for] = [BUSY] * 1000
        walk = asyncio.create_task(scene.ingest().walk(stream(moved, mine)))
        await scene.until(lambda: f"refused {away_for}" in scene.log)
        moved.current = False  # a rebalance
        scene.refusals[away_for].clear()
        scene.refusals[away_for] += [BUSY]
        await walk
        assert moved.acks == 0
        assert mine.acks == 1
        assert [row["partition"] for row in scene.tables["ledger"]] == [1]

    async def test_what_comes_behind_a_block_that_was_let_go_waits_for_it_to_be_read_again(self) -> None:
        scene = Scene()
        first, second = (scene.batch(answered(each, n=1)) for each in (0, 1))
        scene.refusals["inference_parts"] = [BUSY] * 1000
        walk = asyncio.create_task(scene.ingest().walk(stream(first, second)))
        await scene.until(lambda: "refused inference_parts" in scene.log)
        first.current = second.current = False  # a rebalance: all is read again from where it was committed
        scene.refusals["inference_parts"].clear()
        scene.refusals["inference_parts"] += [BUSY]
        await walk
        assert (first.acks, second.acks) == (0, 0)
        assert scene.tables["inference_parts"] == []
        assert len(scene.published) == 1, "of the first: were the second there, the first would count as seen"


async def test_what_stage_1_sends_is_what_stage_2_reads() -> None:
    scene = Scene()
    events = [response(inference_id=f"i{n}", duration_s=None if n % 3 else n) for n in range(300)]
    segments = ["a|-|-|-" if n % 2 else "b|-|-|-" for n in range(300)]
    pieces = measured(events, segments)
    value = batch("sluice.measurements", 0, 0, [pack(each) for _, each in pieces])
    for record, (segment, _) in zip(value.records, pieces, strict=True):
        record.key = segment.encode()
    detect = scene.detect()
    await detect.walk(stream(scene.batch(value)))
    await detect.checkpoint()
    assert [key for _, key, _ in scene.changelog] == [b"a|-|-|-", b"b|-|-|-"]
