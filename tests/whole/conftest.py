"""One worker, for the tests that leave it alone; the others start workers of their own. All use one broker.

That is Apache Kafka, which is what people run, and where it is absent the embedded one. On that the demo and the stack
run whole; whatever a broker could do otherwise is asked of both in tests/deploy and tests/streams.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local import kafka
from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.kafka import ApacheKafka
from streams.stack import LocalWorker
from tests.conftest import require_kafka_or_skip
from tests.whole.harness import World
from tests.whole.side_by_side import Trials, chosen


class Running(NamedTuple):
    """A world and the worker that runs in it."""

    world: World
    worker: LocalWorker


@pytest.fixture(scope="session")
def broker() -> Iterator[KafkaServer]:
    """A running broker with `.name` and `.bootstrap`; REQUIRE_KAFKA=1 fails without Apache Kafka."""
    if os.environ.get("REQUIRE_KAFKA") == "1":
        require_kafka_or_skip()
    kind: type[KafkaServer] = EmbeddedBroker if kafka.missing() else ApacheKafka
    with kind() as running:
        yield running


@pytest.fixture(scope="session")
def running(broker: KafkaServer, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A worker that nothing happens to; tests tell their inferences apart by the ids."""
    with World(broker.bootstrap, clickhouse_url, tmp_path_factory.mktemp("running")) as world:
        yield Running(world, world.start())


@pytest.fixture(scope="session")
def trials(
    broker: KafkaServer,
    clickhouse_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Trials]:
    """All tests made by `side_by_side` that were chosen, under way."""
    bodies = chosen(request.session.items, Path(__file__).parent)
    trials = Trials(bodies, lambda name: World(broker.bootstrap, clickhouse_url, tmp_path_factory.mktemp(name)))
    yield trials
    trials.close()
