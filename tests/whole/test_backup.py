"""A machine is lost with all that it had, Kafka too: another goes on from the backup, with what people said."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from deploy.local.broker import EmbeddedBroker
from sinks import columns
from sinks.backup import KEPT, KEYS, TRAFFIC
from streams.backup import BackupRefused, restore
from streams.events import HOURS, ReferenceRow
from streams.stack import LocalWorker
from tests.whole.events import EACH, SERVICES, answers, segment
from tests.whole.harness import World

NOTE = "the week of the trial"


def world_on(clickhouse_url: str, folder: Path) -> Iterator[World]:
    """A world with a Kafka of its own."""
    with EmbeddedBroker() as broker:
        own = {"releases": folder / "releases", "review_policy": folder / "review.toml"}
        with World(broker.bootstrap, clickhouse_url, folder, **own) as world:
            yield world


@pytest.fixture
def lost(clickhouse_url: str, tmp_path: Path) -> Iterator[World]:
    yield from world_on(clickhouse_url, tmp_path / "lost")


@pytest.fixture
def spare(clickhouse_url: str, tmp_path: Path) -> Iterator[World]:
    yield from world_on(clickhouse_url, tmp_path / "spare")


def lines(ran: "CompletedProcess[str]") -> str:
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def refusal(ran: "CompletedProcess[str]") -> str:
    assert (ran.returncode, ran.stdout) == (2, "")
    return ran.stderr


def findings(world: World) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in world.rows("SELECT finding_id, state, ifNull(acknowledged_by, '') FROM findings")]


def written(world: World, name: str, text: str) -> None:
    path = world.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


FOLDERS = {
    "batches/2026-W40/items.jsonl": "{}\n",
    "batches/2026-W40/review/audit.jsonl": '{"step": "cut"}\n',
    "batches/.prelabels/moderation-0123456789abcdef.jsonl": "{}\n",
    "releases/1/manifest.json": "{}",
    "review.toml": "# ours\n",
}


def test_another_machine_goes_on_from_a_backup(lost: World, spare: World, tmp_path: Path) -> None:
    worker = lost.start()
    lost.produce(answers())
    lost.settle()
    ((finding, _, _),) = findings(lost)
    lines(lost.sluice("findings", "ack", finding, "--by", "Ada"))
    for name, text in FOLDERS.items():
        written(lost, name, text)
    written(lost, "batches/.2026-W41.partial/items.jsonl", "half")
    archive = tmp_path / "sluice.tar"
    lines(lost.sluice("reference", "pin", "checkout", "--by", "Ada", "--note", NOTE))
    _stop(worker)
    learned = _learn(lost)
    assert "the detectors of 6 segments" in lines(lost.sluice("backup", str(archive)))
    assert "is there already" in refusal(lost.sluice("backup", str(archive)))

    _assert_damage_is_refused(spare, archive)
    restored = lines(spare.sluice("restore", str(archive)))
    assert "the detectors of 6 segments" in restored
    assert findings(spare) == [(finding, "acknowledged", "Ada")]
    assert _references(spare) == learned
    assert f"pin *, by Ada ({NOTE})" in lines(spare.sluice("reference", "show", "checkout"))
    found = {name: (spare.folder / name).read_text() for name in FOLDERS}
    assert found == FOLDERS
    assert [path.name for path in (spare.folder / "batches").glob(".*")] == [".prelabels"]
    assert "here is" in refusal(spare.sluice("restore", str(archive)))

    tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    known = {*KEPT, *TRAFFIC, *KEYS, "migrations"}
    assert {name for (name,) in spare.rows(tables)} == known, "or ClickHouse's own backup"

    # In a Kafka that counts from 0 anew, its detectors know what was usual, and see the stream return.
    spare.start()
    spare.produce(answers(EACH, 2 * EACH, slow=lambda *_: False))
    spare.settle()
    assert findings(spare) == [(finding, "closed", "Ada")]


def _stop(worker: LocalWorker) -> None:
    worker.stop()
    assert worker.exit_code == 0


def _learn(world: World) -> list[str]:
    """Write references as workers do after weeks, one of them learned twice, and return all that is known of them."""
    known = (float("nan"), *(0.1 * hour for hour in range(1, HOURS)))
    rows = [
        ReferenceRow(segment(service), metric, said, "rolling", 2.5, "s", known, known, known, 2**63 + said)
        for service in SERVICES
        for metric, said in (("duration_s", 1), ("duration_s", 2), ("error", 1))
    ]
    world.client.insert_arrow("references", columns.reference_rows(rows))
    of_them, log = _references(world)
    assert of_them.count("duration_s") == of_them.count("error") == len(SERVICES)
    assert NOTE in log
    return [of_them, log]


def _references(world: World) -> list[str]:
    """Each row of both tables, as text: what is not known is unlike itself."""
    return [repr(world.rows(f"SELECT * FROM {name} FINAL ORDER BY ALL")) for name in ("references", "reference_log")]  # noqa: S608  # our tables


def _assert_damage_is_refused(spare: World, archive: Path) -> None:
    whole, log = archive.read_bytes(), "batches/2026-W40/review/audit.jsonl"
    with tarfile.open(archive) as tar:
        at = tar.getmember(log).offset_data
    damaged = archive.with_name("damaged.tar")
    damaged.write_bytes(whole[:at] + b"X" + whole[at + 1 :])
    assert f"{log} is not what was written" in refusal(spare.sluice("restore", str(damaged)))
    damaged.write_bytes(whole[: at + 1])
    assert "is no whole backup" in refusal(spare.sluice("restore", str(damaged)))
    blocked = spare.folder / "a file"
    blocked.touch()
    elsewhere = spare.settings.model_copy(update={"review_policy": blocked / "review.toml"})
    with pytest.raises(BackupRefused, match="set SLUICE_REVIEW_POLICY to a path that can"):
        restore(elsewhere, spare.client, archive)
    assert not [name for name in FOLDERS if (spare.folder / name).exists()]
