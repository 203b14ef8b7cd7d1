"""`sluice up`: three servers that start together, say where they are, and end together whatever ends first."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploy.local.processes import free_port, listens

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180.0
SERVERS = {"tansu": "tansu", "local-clickhouse": "deploy.local.clickhouse", "worker": "streams.cli worker"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the children are looked up in /proc, which is Linux's")


class Up:
    """`sluice up` as a process, with what it printed and the pids of its three servers."""

    def __init__(self, folder: Path) -> None:
        self.printed = folder / "printed"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        environment |= {"PYTHONPATH": str(ROOT), "SLUICE_WEB_PORT": str(free_port())}
        with self.printed.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "up"], cwd=folder, env=environment, stdout=out, stderr=out
            )

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while "sluice simulate" not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)
        commands = _children(self.process.pid)
        self.pids = {
            name: pid for name, part in SERVERS.items() for pid, command in commands.items() if part in command
        }
        assert (set(self.pids), len(commands)) == (set(SERVERS), 3), f"{commands}\n{self.text}"

    @property
    def text(self) -> str:
        return self.printed.read_text()

    def ended(self) -> int:
        """Wait until it and all of its servers are gone; return its exit code."""
        code = self.process.wait(PATIENCE_S)
        deadline = time.monotonic() + 60
        while left := [name for name, pid in self.pids.items() if _runs(pid)]:
            assert time.monotonic() < deadline, f"{left} still run"
            time.sleep(0.05)
        return code


@pytest.fixture(scope="module")
def usual_ports_taken() -> Iterator[None]:
    """Somebody has Kafka's and ClickHouse's usual ports: each stack takes free ones, so that they can run at once."""
    with contextlib.ExitStack() as stack:
        for port in (9092, 8123):
            if not listens(port):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


@contextlib.contextmanager
def stacks(names: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Up]]:
    ups = {name: Up(tmp_path_factory.mktemp(name)) for name in names}
    try:
        for up in ups.values():
            up.wait_until_up()
        yield ups
    finally:
        for up in ups.values():
            up.process.kill()
            up.process.wait()


@pytest.fixture(scope="module")
def signalled(
    usual_ports_taken: None,  # noqa: ARG001  # asked for what it does
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Up]]:
    """A stack to end with each of these signals."""
    with stacks(["SIGINT", "SIGTERM", "SIGKILL"], tmp_path_factory) as ups:
        yield ups


@pytest.fixture(scope="module")
def bereaved(
    usual_ports_taken: None,  # noqa: ARG001  # asked for what it does
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Up]]:
    """A stack to lose each of its servers."""
    with stacks(list(SERVERS), tmp_path_factory) as ups:
        yield ups


def test_it_says_where_each_is_and_each_is_there(signalled: dict[str, Up]) -> None:
    text = signalled["SIGINT"].text
    said = re.search(
        r"^  Kafka +127\.0\.0\.1:(\d+) .*\n"
        r"  ClickHouse +http://127\.0\.0\.1:(\d+)/sluice .*\n"
        r"  status page +(http://127\.0\.0\.1:\d+/)\n"
        r"  metrics +http://127\.0\.0\.1:(\d+)/metrics\n"
        r"  worker log +(\S+)\n",
        text,
        re.MULTILINE,
    )
    assert said, text
    kafka, clickhouse, page, metrics, log = said.groups()
    assert listens(int(kafka))
    with urllib.request.urlopen(f"http://127.0.0.1:{clickhouse}/ping") as answer:
        assert answer.read() == b"Ok.\n"
    with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
        assert b"sluice_records_total" in answer.read()
    assert "Applied 001_inferences.sql" in Path(log).read_text()
    assert f"The status page is at {page}" in Path(log).read_text()
    assert (
        f"SLUICE_KAFKA_BOOTSTRAP=127.0.0.1:{kafka} SLUICE_CLICKHOUSE_URL=http://127.0.0.1:{clickhouse}/sluice" in text
    )
    assert "state_key" not in text.lower()


def test_its_worker_becomes_ready_and_the_status_page_says_so(signalled: dict[str, Up]) -> None:
    page = re.search(r"status page (\S+)", signalled["SIGINT"].text)
    assert page
    deadline = time.monotonic() + PATIENCE_S
    while not (said := json.loads(_got(f"{page[1]}api/status")))["health"]["ready"]:
        assert time.monotonic() < deadline, said
        time.sleep(0.5)
    assert {each["words"] for each in said["partitions"]} == {"nothing to read"}
    assert [each["well"] for each in said["servers"]] == [True, True]
    assert "<h1" in _got(page[1])
    assert _got(f"{page[1]}info") == "{}", "the receiver stands beside it"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _got(f"{page[1]}table/")  # Faust's own pages would show detectors' state


def _got(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  # http, of the stack
        body: bytes = answer.read()
    return body.decode()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_all_of_it(signalled: dict[str, Up], name: str) -> None:
    up = signalled[name]
    up.process.send_signal(signal.Signals[name])
    assert up.ended() == 0
    assert up.text.endswith("Everything has ended.\n")
    assert "Traceback" not in up.text


def test_killed_itself_it_leaves_nothing(signalled: dict[str, Up]) -> None:
    up = signalled["SIGKILL"]
    up.process.kill()
    assert up.ended() == -signal.SIGKILL


@pytest.mark.parametrize("name", SERVERS)
def test_when_one_dies_the_others_are_stopped_and_it_is_named(bereaved: dict[str, Up], name: str) -> None:
    up = bereaved[name]
    os.kill(up.pids[name], signal.SIGKILL)
    assert up.ended() == 2
    said = up.text.partition("--speed max\n")[2].splitlines()
    assert re.fullmatch(rf"sluice: {name} ended with exit code -9; its log ends:", said[0])
    assert not [line for line in said[1:] if not line.startswith("  ")], "the rest is its log"
    assert "Traceback" not in up.text


def _children(parent: int) -> dict[int, str]:
    """The processes whose parent is this one: pid → command."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # one that ended meanwhile
            if int(_stat(int(process.name))[1]) == parent:
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _runs(pid: int) -> bool:
    try:
        return _stat(pid)[0] != "Z"
    except OSError:
        return False


def _stat(pid: int) -> list[str]:
    """State, parent and more, of a process; its name, which may hold anything, is cut off."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
