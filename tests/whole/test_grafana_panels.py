"""No panel says "No data": every query of every panel finds something in what a worker made of simulated traffic."""

import asyncio
import contextlib
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bench.outage.servers import Prometheus
from deploy.local.broker import EmbeddedBroker
from streams import simulate
from streams.kafka import connection
from streams.measure import segment_name
from streams.produce import Speed
from streams.scenarios import ErrorStep, LatencyStep, Poison
from streams.stack import LocalWorker
from streams.traffic.fleet import FLEET
from streams.traffic.plan import Plan
from tests.grafana_server import TOKEN, Grafana, running
from tests.sinks.review.deciding import batch, item, keep, says
from tests.whole.events import feedback
from tests.whole.grafana_queries import Asked, Sources, every_query
from tests.whole.harness import PATIENCE_S, World

QUERIES = list(every_query())
RECORDS_PER_S = 400.0
# Of the second worker, to which nothing happened; and no segment is hot.
SILENT = ("sluice_findings", "sluice_finding_evidence", "sluice_segment_watched_share")
WITH_ADDRESS: dict[str, Any] = {"gen_ai.evaluation.explanation": "Write to ann@example.org!"}
JSON = {"Content-Type": "application/json"}
ELSE_NOTHING = " or vector(0)"
SLOW, FAILING = FLEET[0].segment, FLEET[2].segment
INCIDENT = (LatencyStep("slow", SLOW, 0.6, 4.0), ErrorStep("failing", FAILING, 0.6, 0.6))
SCRAPES_S = 3.0  # until Prometheus has seen what the last traffic did


class Quick(Prometheus):
    """Scrapes every second, and tells nobody."""

    def configuration(self) -> dict[str, Any]:
        return super().configuration() | {"global": {"scrape_interval": "1s"}, "alerting": {}, "rule_files": []}


@pytest.fixture(scope="module")
def grafana() -> Iterator[Grafana]:
    with running() as served:
        yield served


@pytest.fixture(scope="module")
def sources(grafana: Grafana, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    if shutil.which("prometheus") is None:
        if os.environ.get("REQUIRE_PROMETHEUS") == "1":
            pytest.fail("apt-get install prometheus")
        pytest.skip("apt-get install prometheus")
    folder = tmp_path_factory.mktemp("panels")
    shown = {"grafana_url": grafana.url, "grafana_token": SecretStr(TOKEN), "pages_url": "https://sluice.example"}
    with EmbeddedBroker() as broker, World(broker.bootstrap, clickhouse_url, folder, **shown) as world:
        people = batch(world.settings.batches, [item("i0"), item("i1")])
        keep(people, says("ann", "i0"), says("ann", "i1", "reject"))
        first = world.start()
        now = datetime.now(UTC)
        send(world, Plan(now - timedelta(hours=1), timedelta(hours=1), 4_000, 7, INCIDENT, now))
        world.settle()
        first.stop()
        worker = world.start()  # which leads, and sees at once what a leader looks at by the minute
        world.until_at_least(lambda: ready(worker), 1, "workers that have joined their group")
        with Quick(worker.port, 9, folder / "prometheus.log") as prometheus:
            # Over several scrapes: what a series begins with is no rate.
            live = Plan(now - timedelta(minutes=5), timedelta(minutes=5), 1_000, 8, (Poison(share=0.02),), now)
            send(world, live, RECORDS_PER_S)
            said = feedback("over-http", **WITH_ADDRESS).value
            told = urllib.request.Request(f"http://127.0.0.1:{worker.port}/v1/feedback", said, JSON)
            urllib.request.urlopen(told, timeout=30).close()  # noqa: S310  # of a worker on loopback
            world.settle()
            time.sleep(SCRAPES_S)
            yield Sources(f"http://127.0.0.1:{prometheus.port}", world.client)


def ready(worker: LocalWorker) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/readyz", timeout=30):
        return True
    return False


def send(world: World, plan: Plan, speed: Speed = "max") -> None:
    asyncio.run(simulate.to_kafka(plan, connection(world.settings), world.settings.topic_prefix, speed))


@pytest.mark.parametrize("asked", QUERIES, ids=str)
def test_a_panel_finds_something(sources: Sources, asked: Asked) -> None:
    assert sources.rows(asked)


@pytest.mark.parametrize("asked", [each for each in QUERIES if "$segment" in each.text], ids=str)
def test_a_panel_finds_something_in_the_segment_that_was_chosen(sources: Sources, asked: Asked) -> None:
    everything, chosen = sources.rows(asked), replace(sources, segment=segment_name(*FAILING)).rows(asked)
    assert chosen
    assert len(chosen) <= len(everything)


@pytest.mark.parametrize("asked", [each for each in QUERIES if each.text.endswith(ELSE_NOTHING)], ids=str)
def test_where_a_panel_would_say_none_there_is_some(sources: Sources, asked: Asked) -> None:
    found = sources.series(asked.text.removesuffix(ELSE_NOTHING), instant=asked.target["instant"])
    assert bool(found) != any(name in asked.text for name in SILENT)


def test_workers_annotate_what_they_find_once(grafana: Grafana, sources: Sources) -> None:
    found = {name for (name,) in sources.table("SELECT finding_id FROM findings")}
    assert found
    deadline = time.monotonic() + PATIENCE_S
    while len(grafana.annotations) < len(found) and time.monotonic() < deadline:
        time.sleep(0.2)  # the leader looks every 20 s
    assert sorted(note["tags"][-1] for note in grafana.annotations.values()) == sorted(found)
    assert all("https://sluice.example/findings/" in note["text"] for note in grafana.annotations.values())


def test_a_panel_without_data_is_noticed(sources: Sources) -> None:
    assert not sources.series("sum(sluice_nothing_of_the_kind)", instant=True)
    assert not sources.series("0 / (0 * max(sluice_event_time_seconds))", instant=True), "not a number"
    assert not sources.table("SELECT finding_id FROM findings WHERE metric = 'nothing'")
