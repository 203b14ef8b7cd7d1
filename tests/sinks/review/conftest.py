"""A database of its own for each test, with Sluice's tables."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect, migrate


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    client = connect(f"{clickhouse_url}/review_{uuid4().hex}")
    migrate(client)
    yield client
    client.command(f"DROP DATABASE {client.database}")
    client.close()
