"""A client of the local ClickHouse, each test in a database of its own."""

from collections.abc import Iterator
from uuid import uuid4

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    """A client whose database is its own."""
    database = f"test_{uuid4().hex[:12]}"
    with clickhouse_connect.get_client(dsn=clickhouse_url) as first:
        first.command(f"CREATE DATABASE {database}")
    with clickhouse_connect.get_client(dsn=f"{clickhouse_url}/{database}", tz_mode="aware") as connected:
        yield connected
        connected.command(f"DROP DATABASE {database}")
