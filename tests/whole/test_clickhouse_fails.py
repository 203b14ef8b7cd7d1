"""ClickHouse goes away and comes back, or refuses for good: the worker waits, or stops; nothing is lost or doubled."""

import re

from deploy.local.clickhouse import LocalClickHouse
from tests.whole.events import response
from tests.whole.harness import Message, World, ended, logged
from tests.whole.side_by_side import side_by_side


def some(first: int, last: int) -> list[Message]:
    return [response(f"kept-{number:05d}", duration_s=1.0) for number in range(first, last)]


@side_by_side
def test_an_outage_is_waited_for_and_a_broken_table_stops_the_worker(world: World) -> None:
    with LocalClickHouse(world.folder / "clickhouse") as clickhouse:
        world.use_clickhouse(clickhouse.url)
        worker = world.start()
        world.produce(some(0, 3_000))
        world.until_at_least(lambda: world.count("inferences"), 1, "rows")

        # It goes away under load, and more comes meanwhile.
        clickhouse.kill()
        world.produce(some(3_000, 6_000))
        world.until_at_least(lambda: worker.metric("sluice_sink_busy_total"), 2, "refused offers")
        world.produce(some(6_000, 9_000))
        assert worker.exit_code is None
        clickhouse.start()
        world.settle()
        assert world.count("inferences") == 9_000
        said = [line.message for line in logged(worker) if (line.level, line.logger) == ("WARNING", "sluice.offers")]
        assert len(said) == 2, "both stages wait, and it is said once"
        assert re.search(r"ClickHouse at http://127.0.0.1:\d+ does not answer .*nothing is lost", said[0])
        assert "The sink takes blocks again" in said[1]

        # A table is gone: waiting would not bring it back.
        world.client.command("RENAME TABLE inference_parts TO put_away")
        world.produce(some(9_000, 12_000))
        assert ended(worker) == 1
        (line,) = [line for line in logged(worker) if "The worker stops" in line.message]
        assert line.level == "CRITICAL"
        assert re.search(r": ClickHouse at .* refuses \(code 60\): .*inference_parts.* Restore it", line.message)

        world.client.command("RENAME TABLE put_away TO inference_parts")
        world.start()
        world.settle()
        assert world.count("inferences") == 12_000
