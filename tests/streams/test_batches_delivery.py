"""Batches on real brokers: whatever happens to workers and sinks, no record is lost and offsets follow the acks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.broker import KafkaServer
from tests.streams.batch_harness import Scene


@pytest.fixture
async def scene(broker: KafkaServer, tmp_path: Path) -> AsyncIterator[Scene]:
    async with Scene(broker.bootstrap, tmp_path) as scene:
        yield scene


def gaps(intervals: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Where one interval of a partition ends and another begins than at the next offset."""
    spans = sorted({(note["first"], note["last"]) for note in intervals})
    reached = accumulate((last for _, last in spans), max)
    return [(left, first) for left, (first, _) in zip(reached, spans[1:], strict=False) if first > left + 1]


async def test_two_of_three_workers_are_killed_under_load(
    broker: KafkaServer, tmp_path: Path, record_property: Any
) -> None:
    count = 60_000
    async with Scene(broker.bootstrap, tmp_path, partitions=6) as scene:
        workers = [scene.start() for _ in range(3)]
        await scene.until(lambda: sorted(len(worker.partitions) for worker in workers) == [2, 2, 2], what="sharing")
        load = asyncio.create_task(scene.produce(range(count), rate=6000))
        for worker, confirmed in zip(workers, (count // 6, count // 3), strict=False):
            await scene.until_confirmed(confirmed)
            worker.kill()
        await load
        await scene.until_confirmed(count)
        ids = scene.ids()
        assert set(ids) == set(range(count))
        twice = ids.total() - count
        record_property("delivered twice", twice)
        assert twice < count * 0.15
        await scene.until_committed()
        for partition in range(scene.partitions):
            assert not gaps([note for note in scene.notes("ids") if note["partition"] == partition])


async def test_a_rolling_restart_loses_nothing_and_repeats_little(
    broker: KafkaServer, tmp_path: Path, record_property: Any
) -> None:
    count = 30_000
    async with Scene(broker.bootstrap, tmp_path, partitions=6) as scene:
        old = [scene.start() for _ in range(2)]
        await scene.until(lambda: [len(worker.partitions) for worker in old] == [3, 3], what="sharing")
        load = asyncio.create_task(scene.produce(range(count), rate=2500))
        for worker in old:
            scene.start()
            await scene.until(lambda: bool(scene.workers[-1].partitions), what="the new worker's start")
            assert await asyncio.to_thread(worker.stop) == 0
        await load
        await scene.until_confirmed(count)
        ids = scene.ids()
        assert set(ids) == set(range(count))
        record_property("delivered twice", ids.total() - count)
        assert ids.total() - count < count * 0.05
        await scene.until_committed()


@pytest.mark.parametrize(("agent", "refused"), [("concurrent", range(2, 60, 5)), ("sequential", (3,))])
async def test_what_a_sink_refused_is_read_again(scene: Scene, agent: str, refused: Sequence[int]) -> None:
    count = 12_000
    await scene.produce(range(count))
    scene.start(agent=agent, refused=tuple(refused), sink_seconds=0.005)
    await scene.until_confirmed(count)
    # How many batches there are, and so how many of these numbers come, the broker's fetches decide.
    assert len(refused) / 2 < len(scene.notes("refused")) <= len(refused)
    assert set(scene.ids()) == set(range(count))
    await scene.until_committed()


async def test_a_sink_that_is_down_pauses_its_partitions_and_nothing_else(scene: Scene) -> None:
    limit = 3
    await scene.produce(range(20_000))
    scene.start(gate=str(scene.gate), max_unacked_batches=limit, plain_topic=scene.plain_topic)

    def held(partition: int) -> int:
        return max((note["held"] for note in scene.notes("held") if note["partition"] == partition), default=0)

    await scene.until(lambda: all(held(partition) == limit for partition in range(4)), what="all windows full")
    cpu = scene.notes("cpu")[-1]["cpu"]
    for identity in range(30):
        await scene.produce([identity], topic=scene.plain_topic)
        await asyncio.sleep(0.1)
    await scene.until(lambda: len(scene.notes("plain")) == 30, seconds=20, what="the plain agent, meanwhile,")
    assert scene.notes("cpu")[-1]["cpu"] - cpu < 1, "waiting for a sink takes no CPU to speak of"
    assert not scene.ids()
    scene.gate.touch()
    await scene.until_confirmed(20_000)
    assert all(held(partition) == limit for partition in range(4))
    await scene.until_committed()
    await scene.until_committed(scene.plain_topic)


async def test_a_window_of_one_batch_is_filled_again_at_once(scene: Scene) -> None:
    await scene.produce(range(8000))
    scene.start(gate=str(scene.gate), max_unacked_batches=1, sink_seconds=0.05)
    await scene.until(lambda: len(scene.notes("held")) == 4, what="all windows full")
    cpu = scene.notes("cpu")[-1]["cpu"]
    await asyncio.sleep(2)
    scene.gate.touch()
    await scene.until_confirmed(8000)
    assert scene.ids().total() == 8000
    assert scene.notes("cpu")[-1]["cpu"] - cpu < 1


async def test_a_worker_whose_sink_is_down_still_gives_partitions_up(scene: Scene) -> None:
    await scene.produce(range(8000))
    first = scene.start(gate=str(scene.gate))
    await scene.until(lambda: bool(scene.notes("held")), what="a batch that is held")
    second = scene.start()
    await scene.until(lambda: len(first.partitions) == len(second.partitions) == 2, what="sharing")
    scene.gate.touch()
    await scene.until_confirmed(8000)
    await scene.until_committed()


async def test_commits_wait_for_the_first_batch_and_a_stopping_worker_for_its_acks(scene: Scene) -> None:
    await scene.produce(range(20_000))
    worker = scene.start(gate=str(scene.gate), gate_offset=0, sink_seconds=0.1)
    await scene.until(lambda: len(scene.notes("ids")) >= 4 * 7, what="other batches")
    await asyncio.sleep(1.5)  # the commit interval passes
    assert set((await scene.committed()).values()) <= {None, 0}
    stopping = asyncio.create_task(asyncio.to_thread(worker.stop))
    await asyncio.sleep(0.5)
    assert not stopping.done()
    scene.gate.touch()
    assert await stopping == 0
    ends = dict.fromkeys(range(4), 0)
    for note in scene.notes("ids"):
        ends[note["partition"]] = max(ends[note["partition"]], note["last"] + 1)
    assert await scene.committed() == ends
    assert scene.ids().total() == len(scene.ids())


async def test_a_table_written_from_batches_moves_to_another_worker(broker: KafkaServer, tmp_path: Path) -> None:
    count = 6000
    async with Scene(broker.bootstrap, tmp_path) as scene:
        await scene.produce(range(count))
        first = scene.start(agent="counting", sink_seconds=0.3)
        await scene.until_confirmed(count // 3)
        first.kill()
        assert len(scene.ids()) < count
        second = scene.start(agent="counting")
        await scene.until_confirmed(count)
        await scene.until_committed()
        assert await asyncio.to_thread(second.stop) == 0
        third = scene.start(agent="counting")
        await scene.until(lambda: any("table" in note for note in third.look()), what="recovery")
        table = [note["table"] for note in third.look() if "table" in note][-1]
        assert table == {f"{partition}-{key}": count // 12 for partition in range(4) for key in range(3)}


@pytest.fixture
def kafka(broker: KafkaServer) -> KafkaServer:
    if broker.name != "apache-kafka":
        pytest.skip(f"{broker.name} has neither transactions nor DeleteRecords")
    return broker


async def test_holes_that_transactions_leave_lie_inside_of_intervals(kafka: KafkaServer, tmp_path: Path) -> None:
    async with Scene(kafka.bootstrap, tmp_path, partitions=1) as scene:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=scene.topic)
        await producer.start()

        async def transact(first: int) -> None:
            await producer.begin_transaction()
            for identity in range(first, first + 20):
                await producer.send(scene.topic, f"{identity:012d}".encode(), partition=0)
            await (producer.abort_transaction() if first % 3 == 0 else producer.commit_transaction())

        try:
            for first in range(0, 600, 20):
                await transact(first)
            worker = scene.start(sink_seconds=0.0)
            await scene.until_confirmed(600)
            scene.ends[scene.topic][0] = 600 + 30  # each transaction ends in a marker, the last one is covered as well
            await scene.until_committed()
            for first in range(600, 1200, 20):
                await transact(first)
        finally:
            await producer.stop()
        await scene.until_confirmed(1200)
        scene.ends[scene.topic][0] = 1200 + 60  # the last marker comes alone
        await scene.until_committed()
        await scene.produce([1200])
        await scene.until_committed()
        intervals = scene.notes("ids")
        assert not gaps(intervals)
        assert scene.ids().total() == 1201
        assert sum(note["last"] + 1 - note["first"] for note in intervals) == 1201 + 60
        assert "deleted" not in worker.log.read_text()


async def test_records_deleted_before_they_were_read_are_not_covered(kafka: KafkaServer, tmp_path: Path) -> None:
    async with Scene(kafka.bootstrap, tmp_path, partitions=1) as scene:
        await scene.produce(range(3000))
        worker = scene.start(gate=str(scene.gate), max_unacked_batches=1)
        await scene.until(lambda: bool(scene.notes("held")), what="the first batch")
        await scene.produce(range(3000, 6000))
        await scene.delete_before(0, 5000)
        scene.gate.touch()
        await scene.until(lambda: 5999 in scene.ids(), what="the last record")
        (gap,) = gaps(scene.notes("ids"))
        assert gap[1] == 5000
        assert f"Offsets {gap[0] + 1} to 4999 of {scene.topic}, partition 0, were deleted" in worker.log.read_text()
        assert set(range(5000, 6000)) <= set(scene.ids())
        await scene.until_committed()
