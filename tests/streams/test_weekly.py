"""The weekly cut: what is due is cut once, what was missed is made up for, what fails holds up nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect, migrate
from sinks.columns import request_parts
from sinks.review.audit import Audit
from sinks.review.manifest import verify
from streams.events import InferenceRequest, Received
from streams.settings import Settings
from streams.traffic.plan import nanoseconds
from streams.weekly import cut_due_weeks

WEDNESDAY = datetime(2026, 11, 11, 12, tzinfo=UTC)  # of 2026-W46
WEEK = timedelta(days=7)


@pytest.fixture
def settings(clickhouse_url: str, tmp_path: Path) -> Settings:
    held = Settings(clickhouse_url=f"{clickhouse_url}/weekly_{uuid4().hex}", batches=tmp_path / "batches")
    migrate(connect(held.clickhouse_url))
    return held


def _ask(client: Client, *times: datetime) -> None:
    received: Received[InferenceRequest] = Received()
    for time in times:
        id_ = f"i-{time.isoformat()}"
        received.events.append(
            InferenceRequest(
                kind="request", event_id=id_, inference_id=id_, time_unix_nano=nanoseconds(time), operation="chat"
            )
        )
        received.records.append("inference.requests/0/0")
        received.ingest_ms.append(0)
    client.insert_arrow("inference_parts", request_parts(received))


def test_a_week_is_cut_once_when_it_has_closed(settings: Settings) -> None:
    client = connect(settings.clickhouse_url)
    assert cut_due_weeks(settings) == (0, 0)
    _ask(client, WEDNESDAY)
    assert cut_due_weeks(settings) == (0, 0), "the week is still open"
    _ask(client, WEDNESDAY + WEEK)
    assert cut_due_weeks(settings) == (1, 0)
    assert verify(settings.batches / "2026-W46").counts.eligible == 1
    assert cut_due_weeks(settings) == (0, 0), "it is cut already"
    assert [(entry.step, entry.by) for entry in Audit(settings.batches / "2026-W46").steps()] == [("cut", "sluice")]


def test_weeks_that_were_missed_are_made_up_for(settings: Settings) -> None:
    _ask(connect(settings.clickhouse_url), WEDNESDAY, WEDNESDAY + WEEK, WEDNESDAY + 2 * WEEK)
    assert cut_due_weeks(settings) == (2, 0)
    assert sorted(path.name for path in settings.batches.iterdir() if path.is_dir()) == ["2026-W46", "2026-W47"]


def test_a_week_that_cannot_be_cut_holds_up_no_other(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    _ask(connect(settings.clickhouse_url), WEDNESDAY, WEDNESDAY + WEEK, WEDNESDAY + 2 * WEEK)
    settings.batches.mkdir()
    (settings.batches / ".2026-W46.partial").write_text("a file where the cut wants a folder")
    assert cut_due_weeks(settings) == (1, 1)
    assert "2026-W46 was not cut, and is tried again at the next schedule" in caplog.text
    assert (settings.batches / "2026-W47" / "manifest.json").exists()
