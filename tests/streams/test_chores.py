"""Chores of the leader: when it is their turn, and annotations of what was found lately, whenever it happened."""

import re
from uuid import uuid4

import pytest

from sinks import columns
from sinks.base import SinkBusy
from sinks.clickhouse import ClickHouse, migrate
from sinks.grafana import Annotations, connect
from sinks.joins import Joined
from sinks.prometheus import Metrics
from streams.chores import Turn, annotate
from tests.grafana_server import TOKEN, Refused, running
from tests.sinks.found import FULL, found, over


def test_a_turn_comes_as_soon_as_a_worker_leads_and_then_every_so_often() -> None:
    now, leads, ended = 100.0, False, list[float]()
    turn = Turn(lambda: leads, 60.0, lambda: now, ends=lambda: ended.append(now))
    assert not turn()
    leads = True
    assert [turn(), turn()] == [True, False]
    now += 59.0
    assert not turn()
    now += 1.0
    assert [turn(), turn()] == [True, False]
    assert ended == []
    leads = False
    assert [turn(), turn()] == [False, False]
    assert ended == [now], "said once"
    leads = True
    assert turn(), "another led meanwhile"


def test_who_leads_no_more_shows_nothing_of_what_the_leader_shows() -> None:
    metrics = Metrics()
    metrics.ledger_gap.set(7)
    metrics.batches.labels("decided").set(2)
    metrics.joined([Joined("human", 5, 4, (1.0, 2.0))])
    metrics.leads_no_more()
    shown = metrics.exposition()[0].decode()
    assert "sluice_ledger_gap_offsets NaN" in shown
    assert not re.search(r"^sluice_(batches|feedback_recent|feedback_delay)\S*{", shown, re.MULTILINE)


def test_topics_of_which_nothing_has_come_are_there_at_0() -> None:
    metrics = Metrics()
    metrics.expect(["inference.requests"])
    assert (
        metrics.registry.get_sample_value("sluice_records_total", {"topic": "inference.requests", "outcome": "written"})
        == 0
    )


async def test_annotations_say_what_the_store_says(clickhouse_url: str) -> None:
    clickhouse = ClickHouse(f"{clickhouse_url}/chores_{uuid4().hex}")
    migrate(clickhouse.client)
    metrics = Metrics()
    old = found("ab" * 16)
    clickhouse.insert("finding_events", columns.finding_rows([FULL, old]))  # their event times are what they are
    clickhouse.client.command(
        "ALTER TABLE finding_events UPDATE stored_at = now() - INTERVAL 9 DAY WHERE finding_id = {id:String}",
        {"id": old.finding_id},
        settings={"mutations_sync": 1},
    )
    with running() as grafana:
        annotations = Annotations(connect(grafana.url, TOKEN), "http://127.0.0.1:6066")
        await annotate(clickhouse, annotations, metrics)
        assert [note["tags"][-1] for note in grafana.annotations.values()] == [FULL.finding_id]

        clickhouse.insert("finding_events", columns.finding_rows([over(FULL, 30), FULL]))  # and a replay
        grafana.refuses["annotations"] = Refused(503, "away")
        with pytest.raises(SinkBusy):
            await annotate(clickhouse, annotations, metrics)
        assert metrics.registry.get_sample_value("sluice_grafana_failures_total") == 1
        grafana.refuses.clear()
        await annotate(clickhouse, annotations, metrics)
        (note,) = grafana.annotations.values()
        assert note["timeEnd"] > note["time"]
    clickhouse.client.command(f"DROP DATABASE {clickhouse.client.database}")
    clickhouse.close()
