"""SIGTERM: the worker ends what it has begun, commits it, and leaves; the next one reads nothing twice."""

from deploy.local.clickhouse import LocalClickHouse
from tests.whole.events import response
from tests.whole.harness import World, logged
from tests.whole.side_by_side import side_by_side


@side_by_side
def test_sigterm_under_load_commits_and_ends(world: World) -> None:
    worker = world.start()
    with world.load(response(f"stopped-{number}", duration_s=1.0) for number in range(6_000)):
        world.until_at_least(lambda: worker.metric("sluice_records_total"), 1_500, "records confirmed")
        worker.stop()
    assert worker.exit_code == 0, f"it ends by itself, before it is killed after {worker.stops_within_s:g} s"
    assert logged(worker), "and none of its lines has a traceback"
    world.start()
    world.settle()
    assert world.count("inferences") == 6_000
    reached: dict[tuple[str, int], int] = {}
    for topic, partition, first, last in world.rows(
        "SELECT topic, partition, first_offset, last_offset FROM ledger ORDER BY topic, partition, first_offset"
    ):
        assert first == reached.get((topic, partition), 0), f"{topic}/{partition} was read twice"
        reached[topic, partition] = last + 1


@side_by_side
def test_sigterm_is_heeded_while_clickhouse_is_away(world: World) -> None:
    with LocalClickHouse(world.folder / "clickhouse") as clickhouse:
        world.use_clickhouse(clickhouse.url)
        worker = world.start()
        world.produce(response(f"early-{number}", duration_s=1.0) for number in range(1_000))
        world.until_at_least(lambda: world.count("inferences"), 1_000, "rows")
        clickhouse.kill()
        world.produce(response(f"late-{number}", duration_s=1.0) for number in range(1_000))
        world.until_at_least(lambda: worker.metric("sluice_sink_busy_total"), 1, "refused offers")
        worker.stop()
        assert worker.exit_code == 0, f"it ends by itself, before it is killed after {worker.stops_within_s:g} s"
        clickhouse.start()
        world.start()
        world.settle()
        assert world.count("inferences") == 2_000
