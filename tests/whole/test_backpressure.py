"""ClickHouse is away for forty seconds under load: memory is flat, health is honest, and what waited is caught up."""

from deploy.local.clickhouse import LocalClickHouse
from tests.chaos.backpressure import outage
from tests.whole.harness import World
from tests.whole.side_by_side import side_by_side

SECONDS, RATE = 40, 300


@side_by_side
def test_an_outage_under_load_costs_time_and_nothing_else(world: World) -> None:
    with LocalClickHouse(world.folder / "clickhouse") as clickhouse:
        world.use_clickhouse(clickhouse.url)
        seen = outage(world, clickhouse, RATE, SECONDS, idempotent=False)
    assert seen.wrong() == [], seen.told()
