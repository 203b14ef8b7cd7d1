"""One worker on each broker, for the tests that leave it alone; the others start workers of their own."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from deploy.local.broker import KafkaServer
from streams.stack import LocalWorker
from tests.whole.harness import World
from tests.whole.side_by_side import Trials, chosen


class Running(NamedTuple):
    """A world and the worker that runs in it."""

    world: World
    worker: LocalWorker


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
    """All tests made by `side_by_side` that were chosen for this broker, under way."""
    bodies = chosen(request.session.items, broker=type(broker))
    trials = Trials(bodies, lambda name: World(broker.bootstrap, clickhouse_url, tmp_path_factory.mktemp(name)))
    yield trials
    trials.close()
