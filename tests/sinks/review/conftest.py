"""Sluice's tables, empty, for each test: made once for all of them, since making them takes a second of CPU."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect, migrate

_TABLES = "SELECT name FROM system.tables WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree')"


@pytest.fixture
def client(shared: Client) -> Iterator[Client]:
    """A database that others have used, and left empty; who changes its tables takes `own_client`."""
    yield shared
    for (table,) in shared.query(_TABLES).result_rows:
        shared.command(f"TRUNCATE TABLE `{table}`")


@pytest.fixture
def own_client(clickhouse_url: str) -> Iterator[Client]:
    """A database of a test's own."""
    yield from _made(clickhouse_url)


@pytest.fixture(scope="session")
def shared(clickhouse_url: str) -> Iterator[Client]:
    """The one that tests share, one after the other."""
    yield from _made(clickhouse_url)


def _made(clickhouse_url: str) -> Iterator[Client]:
    client = connect(f"{clickhouse_url}/review_{uuid4().hex}")
    migrate(client)
    yield client
    client.command(f"DROP DATABASE {client.database}")
    client.close()
