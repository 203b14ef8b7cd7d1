"""What lies in a batch is not picked again, and what came too late for one is in the next and counted."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.cut import CutResult, cut
from sinks.review.plan import plan
from sinks.review.policy import Budget, Caps, Policy, Quotas
from sinks.review.refusals import TamperedBatch
from sinks.review.windows import Window
from tests.sinks.review.planting import MONDAY, NEXT_MONDAY, hour, inference, plant, request, response

DAY = timedelta(days=1)
W46, W47 = Window.week("2026-W46"), Window.week("2026-W47")
ALL = Policy(budget=Budget(items=1000), quotas=Quotas(control=1000), caps=Caps(per_user=1000, per_topic=1000))


def made(client: Client, window: Window, out: Path, policy: Policy = ALL) -> CutResult:
    return cut(client, window, policy, out, lateness=DAY)


def items(result: CutResult) -> dict[str, dict[str, Any]]:
    lines = (result.path / "items.jsonl").read_bytes().splitlines()
    return {item["inference_id"]: item for item in map(orjson.loads, lines)}


def test_late_events_go_to_the_next_cut_and_are_counted(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(5) for row in inference(f"a{n}", hour(n))])
    plant(client, [row for n in range(5) for row in inference(f"b{n}", NEXT_MONDAY + timedelta(hours=30 + n))])
    first = made(client, W46, tmp_path)
    assert items(first).keys() == {f"a{n}" for n in range(5)}
    came = NEXT_MONDAY + timedelta(days=3)
    plant(client, [request("late", hour(3), ingest_time=came), response("late", hour(3.1), ingest_time=came)])
    plant(client, [response("a0", hour(0.1), ingest_time=came, status="error")])  # an inference that was in time
    plant(client, inference("closes", NEXT_MONDAY + timedelta(days=9)))
    second = made(client, W47, tmp_path)
    assert items(second).keys() == {"late", *(f"b{n}" for n in range(5))}
    assert {name for name, item in items(second).items() if item["late"]} == {"late"}
    assert (second.counts.late, second.counts.inferences, second.counts.eligible) == (1, 5, 6)
    manifest = orjson.loads((second.path / "manifest.json").read_bytes())
    assert list(manifest["parents"]) == ["2026-W46"]


def test_an_item_is_in_one_batch_where_windows_overlap(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(40) for row in inference(f"a{n:02d}", hour(n))])
    plant(client, inference("closes", NEXT_MONDAY + timedelta(days=2)))
    some = Policy(quotas=Quotas(control=10))
    first = made(client, Window.between(MONDAY, hour(30)), tmp_path, some)
    second = made(client, W46, tmp_path)
    assert not items(first).keys() & items(second).keys()
    assert second.counts.in_another_batch == 10
    assert second.counts.eligible == 30
    third = made(client, W46, tmp_path)
    assert third.identical


def test_what_comes_too_late_for_the_next_cut_too_is_in_the_one_after(client: Client, tmp_path: Path) -> None:
    week = timedelta(days=7)
    for number in range(4):
        plant(client, inference(f"own{number}", hour(1) + number * week))
    plant(client, inference("closes", hour(1) + 5 * week))
    for window in (W46, W47):
        made(client, window, tmp_path)
    came = {"ingest_time": NEXT_MONDAY + timedelta(days=9)}
    plant(client, [request("two weeks late", hour(3), **came), response("two weeks late", hour(3.1), **came)])
    third = made(client, Window.week("2026-W48"), tmp_path)
    assert items(third).keys() == {"own2", "two weeks late"}
    assert third.counts.late == 1
    fourth = made(client, Window.week("2026-W49"), tmp_path)
    assert items(fourth).keys() == {"own3"}
    assert fourth.counts.late == 0


def test_an_item_is_in_one_batch_where_a_part_of_the_window_was_cut_before(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(40) for row in inference(f"a{n:02d}", hour(n))])
    plant(client, inference("closes", NEXT_MONDAY + timedelta(days=2)))
    part = made(client, Window.between(hour(10), hour(30)), tmp_path)
    assert len(items(part)) == 20
    whole = made(client, W46, tmp_path)
    assert not items(part).keys() & items(whole).keys()
    assert (whole.counts.in_another_batch, whole.counts.eligible) == (20, 20)
    assert made(client, W46, tmp_path).identical
    assert made(client, Window.between(hour(10), hour(30)), tmp_path).identical


def test_a_batch_that_is_cut_later_changes_nothing_about_one_that_is_there(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(40) for row in inference(f"a{n:02d}", hour(n))])
    plant(client, inference("closes", NEXT_MONDAY + timedelta(days=2)))
    made(client, W46, tmp_path, Policy(quotas=Quotas(control=10)))
    made(client, Window.between(MONDAY, hour(30)), tmp_path)
    assert made(client, W46, tmp_path, Policy(quotas=Quotas(control=10))).identical


def test_a_parent_that_was_tampered_with_stops_the_cut(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(5) for row in inference(f"a{n}", hour(n))])
    plant(client, inference("closes", NEXT_MONDAY + timedelta(days=9)))
    first = made(client, W46, tmp_path)
    (first.path / "items.jsonl").write_bytes(b"")
    with pytest.raises(TamperedBatch, match=r"items\.jsonl"):
        made(client, W47, tmp_path)


def test_without_consent_nothing_is_eligible(client: Client, tmp_path: Path) -> None:
    said = {"yes": "true", "given": " Granted", "no": "false", "denied": "Denied", "odd": "perhaps", "empty": ""}
    said |= {"opted out": "opted-out", "hashed": "[SHA256:0123456789abcdef]"}
    plant(client, [row for name, tag in said.items() for row in inference(name, hour(1), tags={"consent": tag})])
    plant(client, inference("unasked", hour(1)) + inference("closes", NEXT_MONDAY + timedelta(days=2)))
    result = made(client, W46, tmp_path)
    assert items(result).keys() == {"yes", "given", "unasked"}
    assert result.counts.without_consent == 6


def test_a_plan_says_what_the_cut_then_takes_and_writes_nothing(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(40) for row in inference(f"a{n:02d}", hour(n), anomaly=n / 40)])
    policy = Policy(quotas=Quotas(control=10, anomaly=5))
    early = plan(client, W46, policy, tmp_path, DAY)
    assert not early.closed
    assert list(tmp_path.iterdir()) == []
    plant(client, inference("closes", NEXT_MONDAY + timedelta(days=2)))
    planned, result = plan(client, W46, policy, tmp_path, DAY), made(client, W46, tmp_path, policy)
    assert planned.closed
    assert (planned.items, planned.funnel.eligible) == (result.counts.items, result.counts.eligible)
    taken = {reason: count for reason, count in result.counts.by_reason.items() if count}
    assert taken == {reason.value: count for reason, count in planned.taken.items()}
    assert planned.minutes == planned.items * 45 / 60
    tables = client.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%cut%'")
    assert tables.result_rows == []
