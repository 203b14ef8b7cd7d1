"""The pages of a worker whose store holds findings and whose folder holds two batches, one of them being decided."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import time
from uuid import uuid4

import orjson
import pytest

from sinks.clickhouse import ClickHouse, migrate
from sinks.review.audit import Step
from sinks.review.decisions import decision
from sinks.review.manifest import verify
from sinks.review.recording import record
from tests.sinks.review.report.making import make
from tests.streams.status_page.scene import Scene, moving, plant, served


@pytest.fixture(scope="session")
def decided_batches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two batches, and of what is none."""
    folder = tmp_path_factory.mktemp("batches")
    first = make(folder, "2026-W45", items=40)
    items = [orjson.loads(each) for each in (first / "items.jsonl").read_bytes().splitlines()]
    at = datetime(2026, 11, 18, 12, tzinfo=UTC)
    said = [
        decision(
            batch=first.name,
            inference_id=item["inference_id"],
            reviewer="Ada",
            verdict="accept",
            at=at,
            source="cli",
            seconds=30.0,
        )
        for item in items[:25]
    ]
    record(first, said, Step.DECIDED, "Ada", at)
    make(folder, "2026-W46", items=60, parents=(verify(first),))
    half = folder / "2026-W47"  # being written
    half.mkdir()
    (half / "report.html").write_text("not published")
    return folder


@pytest.fixture(scope="session")
def store(clickhouse_url: str) -> Iterator[str]:
    """The URL of a database with findings and an hour of the ledger."""
    sink = ClickHouse(f"{clickhouse_url}/pages_{uuid4().hex}")
    migrate(sink.client)
    plant(sink, time())
    yield sink.url
    sink.client.command(f"DROP DATABASE {sink.client.database}")
    sink.close()


@pytest.fixture(scope="session")
def scene(store: str, decided_batches: Path) -> Iterator[Scene]:
    """The pages after an hour of traffic, of which the last quarter failed more."""
    with served(store, decided_batches, up_s=3600) as scene:
        scene.live(3600, failing=0.12)
        scene.health = moving(behind=420)
        yield scene
