"""Dead is what a new start would mend, unready what is missing; both are said in words, never for nothing."""

import asyncio
from collections.abc import Mapping

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from sinks.base import SinkBusy
from sinks.prometheus import Metrics
from streams import pages
from streams.ends import Ends, KafkaAway
from streams.health import Health
from streams.kafka import Connection
from streams.movement import Partition, Standing
from streams.offers import Offers
from streams.settings import Settings
from streams.vitals import BROKEN_S, Vitals

P = ("inference.requests", 3)
STALLED = {P: Standing(lag=1200, behind_s=300.0, still_s=300.0)}


def test_all_is_well_while_partitions_move() -> None:
    health = Health({P: Standing(1200, 30.0, 4.0)}, assigned=True)
    assert (health.dead(), health.unready()) == ([], [])


def test_a_partition_with_work_that_does_not_move_is_death_and_named() -> None:
    health = Health(STALLED, assigned=True)
    assert health.dead() == ["inference.requests, partition 3, has 1,200 records to read and has not moved for 300 s."]
    assert health.unready() == health.dead()


@pytest.mark.parametrize(
    ("health", "word"),
    [
        (Health(STALLED, assigned=True, sink_refuses_s=400.0), "ClickHouse has refused"),
        (Health(STALLED, assigned=True, kafka_away_s=400.0), "Kafka"),
        (Health(STALLED, assigned=True, sink_silent_s=30.0), "ClickHouse has not answered a call for 30 s."),
    ],
)
def test_a_server_that_is_away_is_no_reason_to_die_but_said(health: Health, word: str) -> None:
    assert health.dead() == []
    (said,) = health.unready()
    assert word in said


def test_a_call_that_its_client_should_have_given_up_and_a_worker_that_does_not_look_are_dead() -> None:
    assert "has not ended for 240 s" in Health(assigned=True, sink_silent_s=240).dead()[0]
    assert Health(assigned=True, sink_silent_s=239).dead() == []
    assert "has not looked" in Health(assigned=True, overlooked_s=30).dead()[0]


def test_before_partitions_are_given_out_a_worker_lives_and_is_not_ready() -> None:
    assert Health().dead() == []
    assert "No partitions" in Health().unready()[0]


class _Group:
    def __init__(self) -> None:
        self.offsets: dict[Partition, int] = {P: 10}

    def settled(self) -> bool:
        return bool(self.offsets)

    def confirmed(self) -> Mapping[Partition, int]:
        return self.offsets

    def seen(self, _partition: Partition) -> int:
        return 12


class _Ends(Ends):
    """Says what it is told to; the real one is tested with the brokers."""

    def __init__(self) -> None:
        super().__init__(Connection("127.0.0.1:1"))
        self.away = False

    async def ask(self, _partitions: object) -> dict[Partition, int]:
        if self.away:
            raise KafkaAway("TimeoutError")
        return {P: 15}


async def test_looks_reach_the_metrics_and_the_pages() -> None:
    now, metrics, group, ends = [0.0], Metrics(), _Group(), _Ends()
    offers = Offers(lambda: None, now=lambda: now[0])
    vitals = Vitals(group, ends, offers, metrics, limit_s=60, clock=lambda: now[0])

    async def at(second: float) -> None:
        now[0] = second
        await vitals.look()

    application = Application()
    application.router.add_routes(pages.routes(Settings(), metrics, lambda: vitals.health))
    async with TestClient(TestServer(application)) as client:

        async def answers(page: str) -> tuple[int, list[str]]:
            response = await client.get(page)
            return response.status, orjson.loads(await response.read())["why"]

        await at(0)
        assert await answers("/livez") == await answers("/readyz") == (200, [])
        labels = {"topic": P[0], "partition": "3"}
        assert metrics.registry.get_sample_value("sluice_lag_records", labels) == 5
        await at(70)
        status, why = await answers("/livez")
        assert (status, len(why)) == (503, 1)
        assert metrics.registry.get_sample_value("sluice_stalled_seconds", labels) == 70
        group.offsets = {P: 12}
        await at(75)
        assert await answers("/livez") == (200, [])
        ends.away = True
        await at(200)
        assert (await answers("/livez"))[0] == 200, "Kafka is away: a new start would not mend that"
        status, why = await answers("/readyz")
        assert status == 503
        assert "Kafka has not answered for 125 s." in why
        group.offsets = {}
        await at(205)
        assert metrics.registry.get_sample_value("sluice_lag_records", labels) is None, "it has gone elsewhere"
        now[0] += BROKEN_S + 1
        assert (await answers("/livez"))[0] == 503, "nobody looks any more"
        openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        assert (await (await client.get("/metrics", headers=openmetrics)).text()).endswith("# EOF\n")


async def test_a_store_that_refuses_is_said_as_long_as_it_does() -> None:
    metrics, ends = Metrics(), _Ends()
    offers = Offers(lambda: None)
    vitals = Vitals(_Group(), ends, offers, metrics, limit_s=60)
    taken = asyncio.Event()

    def write() -> None:
        if not taken.is_set():
            raise SinkBusy("full", retry_after=0.01)

    work = asyncio.create_task(offers.until_taken(write, lambda: True))
    async with asyncio.timeout(10):
        while not offers.waiting_s:  # noqa: ASYNC110  # what is waited for happens in a thread
            await asyncio.sleep(0.005)
    await vitals.look()
    assert "ClickHouse has refused" in vitals.health.unready()[0]
    assert (metrics.registry.get_sample_value("sluice_sink_waiting_seconds") or 0) > 0
    taken.set()
    assert await work
    await vitals.look()
    assert vitals.health.unready() == []


async def test_that_kafka_is_away_is_said_once_and_once_that_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    ends = _Ends()
    vitals = Vitals(_Group(), ends, Offers(lambda: None), Metrics(), limit_s=60)
    for ends.away in (False, True, True, True, False, False):
        await vitals.look()
    said = [record.getMessage() for record in caplog.records if record.name == "sluice.vitals"]
    assert said == [
        "Kafka does not say where logs end (TimeoutError); asked again every 5 s.",
        "Kafka says again where logs end.",
    ]
