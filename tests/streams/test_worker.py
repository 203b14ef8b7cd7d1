"""What a worker needs and does not have: one line on stderr that names the cure, exit code 2, and `doctor` agrees."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.local.broker import KafkaServer
from deploy.local.processes import free_port
from streams.cli import main

KEY = "0123456789abcdef" * 2
ROOT = Path(__file__).parents[2]
NOBODY = f"127.0.0.1:{free_port()}"
OF_THE_MACHINE = [name for name in os.environ if name.startswith("SLUICE_")]


def environment(**given: str) -> dict[str, str]:
    """What a worker finds: these settings, and none of the machine's."""
    others = {name: value for name, value in os.environ.items() if name not in OF_THE_MACHINE}
    return others | {"PYTHONPATH": str(ROOT), "SLUICE_STATE_KEY": KEY, "SLUICE_WEB_PORT": str(free_port())} | given


def sluice(command: str, **given: str) -> Result:
    return CliRunner().invoke(main, [command], env=dict.fromkeys(OF_THE_MACHINE) | environment(**given))


def assert_one_line(exit_code: int, stderr: str, says: str) -> None:
    assert exit_code == 2, stderr
    assert re.fullmatch(rf"sluice: .*{says}.*\n", stderr), stderr


def assert_refused(says: str, **given: str) -> Result:
    ran = sluice("worker", **given)
    assert isinstance(ran.exception, SystemExit)
    assert_one_line(ran.exit_code, ran.stderr, says)
    assert not ran.stdout
    return ran


def test_an_unreachable_kafka(tmp_path: Path) -> None:
    # As a process of its own: what libraries log and what happens at the end of the interpreter is there as well.
    ran = subprocess.run(
        [sys.executable, "-m", "streams.cli", "worker"],
        cwd=tmp_path,
        env=environment(SLUICE_KAFKA_BOOTSTRAP=NOBODY),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    cure = rf"Kafka does not answer at {NOBODY} .*sluice up.*SLUICE_KAFKA_BOOTSTRAP"
    assert_one_line(ran.returncode, ran.stderr, cure)


def test_an_unreachable_clickhouse(broker: KafkaServer) -> None:
    assert_refused(
        rf"ClickHouse at http://{NOBODY} does not answer .*sluice up.*SLUICE_CLICKHOUSE_URL",
        SLUICE_KAFKA_BOOTSTRAP=broker.bootstrap,
        SLUICE_CLICKHOUSE_URL=f"http://{NOBODY}/sluice",
    )


def test_a_taken_port_of_metrics() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        cure = rf"/metrics cannot be served on 127\.0\.0\.1:{port} \(Address already in use\): set SLUICE_WEB_PORT"
        assert_refused(cure, SLUICE_WEB_PORT=str(port))


@pytest.mark.parametrize("key", ["", "hunter2"], ids=["none", "short"])
def test_a_state_key_that_is_none(key: str) -> None:
    cure = r"SLUICE_STATE_KEY is shorter than 32 characters: .*openssl rand -hex 32"
    assert "hunter2" not in assert_refused(cure, SLUICE_STATE_KEY=key).output


def test_a_wrong_setting_of_the_environment() -> None:
    assert_refused(r"SLUICE_PARTITIONS='many' is wrong: .*integer.*It sets: Partitions", SLUICE_PARTITIONS="many")


def test_a_slip_of_the_pen_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sluice.toml").write_text('kafka_bootstrp = "kafka:9092"\n')
    monkeypatch.chdir(tmp_path)
    assert_refused(r"There is no setting kafka_bootstrp .*`sluice settings` lists")


def test_a_variable_that_sets_nothing_is_said_and_no_obstacle(
    broker: KafkaServer, clickhouse_url: str, tmp_path: Path
) -> None:
    # Kubernetes sets SLUICE_PORT and more for a service called sluice: to refuse would be wrong, and so is silence.
    said = sluice(
        "doctor",
        SLUICE_NO_SUCH="1",
        SLUICE_KAFKA_BOOTSTRAP=broker.bootstrap,
        SLUICE_TOPIC_PREFIX="not-there-yet.",
        SLUICE_CLICKHOUSE_URL=f"{clickhouse_url}/not_there_yet",
        SLUICE_BATCHES=str(tmp_path / "batches"),
    )
    assert said.exit_code == 0
    words = re.findall(r"^(ok|MISSING) +([^:]+): (.*)$", said.stdout, re.MULTILINE)
    assert {subject: mark for mark, subject, _ in words} == dict.fromkeys(
        ("Kafka", "ClickHouse", "state key", "batches", "variables"), "ok"
    )
    found = {subject: told for _, subject, told in words}
    assert "the worker will create" in found["Kafka"]
    assert "the worker will apply 001_" in found["ClickHouse"]
    assert "SLUICE_NO_SUCH set nothing" in found["variables"]


def test_the_doctor_names_all_that_is_missing_at_once(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    said = sluice(
        "doctor",
        SLUICE_STATE_KEY="hunter2",
        SLUICE_KAFKA_BOOTSTRAP=NOBODY,
        SLUICE_CLICKHOUSE_URL=f"http://{NOBODY}/sluice",
        SLUICE_BATCHES=str(tmp_path / "a file"),
    )
    assert said.exit_code == 1
    missing = re.findall(r"^MISSING +([^:]+): (.*)$", said.stdout, re.MULTILINE)
    assert [subject for subject, _ in missing] == ["Kafka", "ClickHouse", "state key", "batches"]
    cures = ("SLUICE_KAFKA_BOOTSTRAP", "SLUICE_CLICKHOUSE_URL", "SLUICE_STATE_KEY", "SLUICE_BATCHES")
    for (_, told), cure in zip(missing, cures, strict=True):
        assert cure in told
    assert "hunter2" not in said.output


def test_the_doctor_refuses_a_wrong_setting_as_the_worker_does() -> None:
    said = sluice("doctor", SLUICE_POISON_SHARE="half", SLUICE_WEB_PORT="0")
    assert said.exit_code == 2
    assert re.search(r"SLUICE_WEB_PORT='0' is wrong: .*greater than or equal to 1", said.stderr)
    assert re.search(r"SLUICE_POISON_SHARE='half' is wrong: .*number", said.stderr)
