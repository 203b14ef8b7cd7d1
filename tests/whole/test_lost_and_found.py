"""Tables, the detectors' state, or part of a batch are lost between two runs: it is said; what Kafka has comes back."""

import asyncio
import time

from aiokafka.admin import AIOKafkaAdminClient

from streams import kept_state
from streams.stack import LocalWorker
from tests.conftest import require_kafka_or_skip
from tests.sinks.review.deciding import batch, item
from tests.whole.events import EACH, SERVICES, answers
from tests.whole.harness import PATIENCE_S, Line, World, logged
from tests.whole.side_by_side import side_by_side
from tests.whole.test_findings_survive import assert_found, stored

FIRST = 600


@side_by_side
def test_what_is_lost_is_said_at_the_start_and_read_again(world: World) -> None:
    # The embedded broker counts a worker that has left as a member for ever, and lets nobody put its group back.
    require_kafka_or_skip()
    worker = world.start()
    world.produce(answers(0, FIRST))
    world.settle()
    worker.stop()

    for table in ("inference_parts", "ledger"):
        world.client.command(f"DROP TABLE {table}")
    refused = world.sluice("worker")
    assert refused.returncode == 2
    assert "has lost inference_parts, ledger" in refused.stderr
    assert "make it anew, empty, with `sluice migrate`" in refused.stderr
    assert "ledger was gone, and is made anew" in world.sluice("migrate").stderr

    worker = world.start()
    (said,) = errors(worker)
    assert "offsets are committed and not in the ledger" in said.message
    assert "`sluice rewind gaps`" in said.message
    assert worker.metric("sluice_lost_at_start", what="ledger") == 1
    worker.stop()
    rewind(world, "records")
    worker = world.start()
    world.settle()
    assert stored(world) == FIRST * len(SERVICES)
    worker.stop()

    asyncio.run(delete_state(world))
    worker = world.start()
    assert [said.message.partition(":")[0] for said in errors(worker)] == ["The detectors' state is gone"]
    assert worker.metric("sluice_lost_at_start", what="state") == 1
    worker.stop()
    rewind(world, "measurements")
    world.start()
    world.produce(answers(FIRST, EACH))
    world.settle()
    assert_found(world)


@side_by_side
def test_a_torn_batch_is_named_at_the_start_and_no_whole_one(world: World) -> None:
    whole, torn = (batch(world.settings.batches, [item("a")], name) for name in ("2026-W45", "2026-W46"))
    items = torn / "items.jsonl"
    items.write_bytes(items.read_bytes()[:-9])
    worker = world.start()
    (said,) = errors(worker)
    assert f"{torn}" in said.message
    assert "items.jsonl" in said.message
    assert "`sluice batch mend" in said.message
    assert whole.name not in said.message
    assert worker.metric("sluice_lost_at_start", what="batch") == 1
    assert worker.metric("sluice_lost_at_start", what="ledger") == 0


def rewind(world: World, what: str) -> None:
    """Rewind as soon as the group has missed a worker that was stopped before it had joined."""
    deadline = time.monotonic() + PATIENCE_S
    while (ran := world.sluice("rewind", what)).returncode != 0:
        assert "stop all of them" in ran.stderr
        assert time.monotonic() < deadline, ran.stderr
        time.sleep(3)
    assert "Start the workers" in ran.stdout


def errors(worker: LocalWorker) -> list[Line]:
    return [line for line in logged(worker) if (line.level, line.logger) == ("ERROR", "sluice.worker")]


async def delete_state(world: World) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.settings.kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([kept_state.changelog(world.settings)])
    finally:
        await admin.close()
