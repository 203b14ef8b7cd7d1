"""Sluice's tables in a database of their own, and the door to them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from sinks.clickhouse import ClickHouse, migrate


@pytest.fixture(scope="module")
def sink(clickhouse_url: str) -> Iterator[ClickHouse]:
    sink = ClickHouse(f"{clickhouse_url}/sinks_{uuid4().hex}")
    migrate(sink.client)
    yield sink
    sink.client.command(f"DROP DATABASE {sink.client.database}")
    sink.close()
