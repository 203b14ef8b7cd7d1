"""The leader sees what waits: weeks to be cut, batches for people, and for how long."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from sinks.clickhouse import ClickHouse, migrate
from sinks.prometheus import Metrics
from sinks.review.audit import Audit, State, Step
from sinks.review.cut import cut
from sinks.review.policy import Policy
from sinks.review.windows import Window
from streams.chores import review_loop
from streams.review_loop import look
from streams.settings import load
from tests.sinks.review.planting import NEXT_MONDAY, hour, inference, plant

W46 = Window.week("2026-W46")


async def test_what_waits_is_seen_and_shown(clickhouse_url: str, tmp_path: Path) -> None:
    clickhouse = ClickHouse(f"{clickhouse_url}/loop_{uuid4().hex}")
    migrate(clickhouse.client)
    settings = load(clickhouse_url=clickhouse.url, batches=tmp_path / "batches")
    rows = [row for n in range(20) for row in inference(f"i{n}", hour(n))]
    plant(clickhouse.client, [*rows, *inference("closes", NEXT_MONDAY + timedelta(days=2))])
    before = look(clickhouse.client, settings, NEXT_MONDAY)
    assert (before.due, dict(before.batches), dict(before.items), before.waiting_s) == (1, {}, {}, 0.0)

    folder = cut(clickhouse.client, W46, Policy(), settings.batches, settings.lateness).path
    (settings.batches / "notes").mkdir()
    after = look(clickhouse.client, settings, NEXT_MONDAY + timedelta(days=3))
    assert (after.due, dict(after.batches), after.waiting_s) == (0, {State.CUT: 1}, 2 * 86_400.0)
    cut_alone = {"inferences": 20, "eligible": 20, "picked": 20, "decided": 0, "accepted": 0, "released": 0}
    assert (dict(after.items), after.spent_s, after.to_release_s) == (cut_alone, 0.0, 0.0)

    metrics = Metrics()
    await review_loop(settings, clickhouse, metrics)
    assert metrics.registry.get_sample_value("sluice_cuts_due") == 0
    assert metrics.registry.get_sample_value("sluice_batches", {"state": "cut"}) == 1
    assert metrics.registry.get_sample_value("sluice_batches", {"state": "released"}) == 0
    assert metrics.registry.get_sample_value("sluice_review_items", {"stage": "picked"}) == 20
    assert (metrics.registry.get_sample_value("sluice_review_waiting_seconds") or 0) > 0

    Audit(folder).append(Step.REJECTED, "ann", NEXT_MONDAY, note="a test")
    rejected = look(clickhouse.client, settings, NEXT_MONDAY + timedelta(days=3))
    assert (dict(rejected.batches), rejected.waiting_s) == ({State.REJECTED: 1}, 0.0)
    clickhouse.client.command(f"DROP DATABASE {clickhouse.client.database}")
    clickhouse.close()
