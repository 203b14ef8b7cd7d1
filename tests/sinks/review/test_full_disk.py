"""A disk that is full under a cut: one line says so, nothing of the batch is left, and with room it is made."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.chaos import full_disk
from tests.sinks.review.planting import inference, plant
from tests.whole.events import SECOND_NS, START_NS


def test_a_full_disk_is_said_and_leaves_nothing(own_client: Client, clickhouse_url: str, tmp_path: Path) -> None:
    if reason := full_disk.missing():
        pytest.skip(reason)
    begin = datetime.fromtimestamp(START_NS // SECOND_NS, UTC)
    plant(own_client, [row for n in range(120) for row in inference(f"i{n}", begin + timedelta(seconds=n))])
    full_disk.cut_on_a_full_disk(f"{clickhouse_url}/{own_client.database}", tmp_path / "disk")
