"""`sluice doctor` names what is missing and what to do about it; what is well does not hide what is not."""

from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.broker import KafkaServer
from deploy.local.processes import free_port
from sinks.clickhouse import connect, migrate
from streams import doctor, topics
from streams.settings import Settings, load
from tests.grafana_server import TOKEN, running
from tests.sinks.half_server import HalfServer


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    return f"127.0.0.1:{free_port()}"


def _absent(nobody: str, batches: Path) -> Settings:
    url = f"http://alice:s3cret@{nobody}/sluice"
    return load(kafka_bootstrap=nobody, clickhouse_url=url, state_key="short", batches=batches)


async def test_everything_that_is_missing_is_said_at_once_with_its_cure(nobody: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    *diagnoses, variables = await doctor.examine(_absent(nobody, tmp_path / "file" / "batches"))
    assert (variables.subject, variables.well) == ("variables", True)
    cures = {
        "Kafka": "SLUICE_KAFKA_BOOTSTRAP",
        "ClickHouse": "SLUICE_CLICKHOUSE_URL",
        "state key": "openssl rand -hex 32",
        "batches": "SLUICE_BATCHES",
    }
    assert [each.subject for each in diagnoses] == list(cures)
    for each in diagnoses:
        assert not each.well
        assert cures[each.subject] in each.words
        assert "\n" not in each.words
        assert "alice" not in each.words
        assert "s3cret" not in each.words
        assert "short " not in each.words.replace("shorter", ""), "what the key is is nobody's business"


async def test_a_broker_says_which_topics_the_worker_will_make(broker: KafkaServer) -> None:
    settings = load(kafka_bootstrap=broker.bootstrap, topic_prefix=f"d{uuid4().hex[:10]}.")
    before = await doctor.kafka(settings)
    assert before.well
    assert f"the worker will create {settings.topic_prefix}inference.feedback, " in before.words
    await topics.ensure(settings)
    after = await doctor.kafka(settings)
    assert (after.well, after.words) == (True, f"answers at {broker.bootstrap}")


async def test_a_clickhouse_says_which_tables_the_worker_will_make(clickhouse_url: str) -> None:
    settings = load(clickhouse_url=f"{clickhouse_url}/doctor_{uuid4().hex}")
    before = await doctor.clickhouse(settings)
    assert before.well
    assert "the worker will apply 001_inferences.sql, " in before.words
    with connect(settings.clickhouse_url) as client:
        migrate(client)
        after = await doctor.clickhouse(settings)
        client.command("DROP TABLE ledger")
        torn = await doctor.clickhouse(settings)
        client.command(f"DROP DATABASE {client.database}")
    assert after.well
    assert after.words.endswith(" answers")
    assert not torn.well
    assert "has lost ledger. Restore it from ClickHouse's BACKUP" in torn.words


async def test_a_server_that_is_no_clickhouse_is_not_well(clickhouse_url: str) -> None:
    with HalfServer(clickhouse_url) as server:
        server.answer = b"SSH-2.0-OpenSSH_9.2\r\n"
        found = await doctor.clickhouse(load(clickhouse_url=f"{server.url}/sluice"))
    assert not found.well
    assert f"ClickHouse at {server.url} does not answer" in found.words


async def test_a_state_key_and_a_folder_that_will_do(tmp_path: Path) -> None:
    settings = load(state_key="k" * 32, batches=tmp_path / "to" / "be" / "made")
    key, batches = await doctor.state_key(settings), await doctor.batches(settings)
    assert (key.well, key.words) == (True, "is set")
    assert (batches.well, batches.words) == (True, f"go to {tmp_path / 'to' / 'be' / 'made'}")
    assert not (tmp_path / "to").exists(), "looking changes nothing"
    assert not (await doctor.state_key(load(state_key="k" * 31))).well


async def test_a_torn_batch_is_named(tmp_path: Path) -> None:
    (tmp_path / "2026-W46").mkdir()
    (tmp_path / ".2026-W47.partial").mkdir()
    batches = await doctor.batches(load(batches=tmp_path))
    assert not batches.well
    assert "2026-W46 is no review batch: it has no manifest.json" in batches.words
    assert "W47" not in batches.words, "what a killed cut left is no batch, and the next cut clears it"


async def test_variables_that_set_nothing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_GRUOP", "mistyped")
    found = await doctor.variables(load())
    assert found.well, "it may be somebody else's variable"
    assert "SLUICE_GRUOP" in found.words


async def test_a_grafana_is_looked_at_where_one_is_set(nobody: str) -> None:
    with running() as served:
        well = await doctor.grafana(load(grafana_url=served.url, grafana_token=TOKEN))
        shut = await doctor.grafana(load(grafana_url=served.url, grafana_token="another"))  # noqa: S106  # opens nothing
    away = await doctor.grafana(load(grafana_url=f"http://{nobody}", grafana_token=TOKEN))
    assert (well.well, well.words) == (True, f"answers at {served.url}")
    assert not shut.well
    assert "SLUICE_GRAFANA_TOKEN" in shut.words
    assert not away.well
    assert "SLUICE_GRAFANA_URL" in away.words
    subjects = [each.subject for each in await doctor.examine(load(grafana_url=f"http://{nobody}"))]
    assert subjects[-2:] == ["Grafana", "variables"]
