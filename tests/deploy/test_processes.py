"""Local servers as child processes: ready, dead, restarted on their port, and gone when their parent is."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local.processes import LOOPBACK, LocalServer, ServerFailed, free_port

SERVES = "import http.server as h; h.HTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
ROOT = Path(__file__).parents[2]
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVES

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal and /proc are Linux's")


class Scripted(LocalServer):
    """A server that runs a line of Python."""

    name = "scripted"

    def __init__(self, line: str, log: Path | None = None) -> None:
        super().__init__(log=log)
        self._line = line.format(port=self.port)

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", self._line]

    def answers(self) -> bool:
        return True


class Absent(Scripted):
    """A server whose program is not installed."""

    def __init__(self) -> None:
        super().__init__("")

    def command(self) -> Sequence[str]:
        return ["no-such-program"]


def test_runs_between_start_and_stop() -> None:
    with Scripted(SERVES) as server:
        os.kill(server.pid, 0)
        assert server.exit_code is None
        server.check()
    assert server.exit_code == -signal.SIGTERM
    assert not server.log.exists()


def test_one_that_dies_at_its_start_shows_its_log() -> None:
    server = Scripted("import sys; print('no such directory: xyz'); sys.exit(3)")
    with pytest.raises(
        ServerFailed, match=r"scripted ended with exit code 3; its log ends:\n  no such directory: xyz$"
    ):
        server.start()
    server.stop()


def test_one_that_never_answers_is_given_up_and_ended() -> None:
    server = Scripted("import time; time.sleep(60)")
    server.ready_within_s = 0.3
    with pytest.raises(ServerFailed, match=r"did not answer in 0\.3 s"):
        server.start()
    assert server.exit_code == -signal.SIGKILL
    server.stop()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ServerFailed, match="cannot run no-such-program: No such file or directory"):
        Absent().start()


def test_its_death_is_noticed(tmp_path: Path) -> None:
    with Scripted(SERVES, log=tmp_path / "server.log") as server:
        server.log.write_text("about to fall\n")
        server.kill()
        with pytest.raises(ServerFailed, match=r"exit code -9; its log ends:\n  about to fall"):
            server.check()
    assert (tmp_path / "server.log").exists(), "a log that was asked for stays"


def test_comes_back_on_the_same_port_after_kill() -> None:
    with Scripted(SERVES) as server:
        port, first = server.port, server.pid
        server.kill()
        server.start()
        assert (server.port, server.pid != first) == (port, True)


def test_refuses_a_taken_port_and_a_second_start() -> None:
    with Scripted(SERVES) as server:
        with pytest.raises(ServerFailed, match="already runs"):
            server.start()
        other = Scripted(SERVES)
        other.port = server.port
        with pytest.raises(ServerFailed, match=rf"port {server.port} is taken: stop what holds it"):
            other.start()


def test_one_that_ignores_sigterm_is_killed() -> None:
    server = Scripted(IGNORES_SIGTERM)
    server.stops_within_s = 0.3
    server.start()
    server.stop()
    assert server.exit_code == -signal.SIGKILL


def test_outlives_the_thread_that_started_it() -> None:
    server = Scripted(SERVES)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    time.sleep(0.3)
    server.check()
    server.stop()


@on_linux
def test_dies_with_a_parent_that_is_killed() -> None:
    program = (
        "import time; from tests.deploy.test_processes import Scripted, SERVES; "
        "s = Scripted(SERVES); s.start(); print(s.pid, s.log, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pid, log = parent.stdout.readline().split()
        os.kill(int(pid), 0)
        parent.kill()
    assert _gone_within(int(pid), seconds=30)
    Path(log).unlink()


@on_linux
def test_a_program_that_forgets_to_stop_leaves_nothing() -> None:
    program = (
        "from tests.deploy.test_processes import Scripted, SERVES; s = Scripted(SERVES); s.start(); print(s.pid, s.log)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    pid, log = said.stdout.split()
    assert _gone_within(int(pid), seconds=30)
    assert not Path(log).exists()


def test_a_free_port_is_none_of_those_that_outgoing_connections_take() -> None:
    chosen = [free_port() for _ in range(60)]
    assert len(set(chosen)) == 60, "none is handed out twice"
    with socket.create_server((LOOPBACK, 0)) as the_systems:
        assert max(chosen) < the_systems.getsockname()[1]


def test_a_port_that_is_chosen_or_taken_is_no_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr(processes, "PORTS", range(port, port + 1))
    with pytest.raises(ServerFailed, match=f"no port of {port} to {port} is free"):
        free_port()
    with socket.create_server((LOOPBACK, 0)) as another:
        taken = another.getsockname()[1]
        monkeypatch.setattr(processes, "PORTS", range(taken, taken + 1))
        with pytest.raises(ServerFailed, match="is free"):
            free_port()


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":  # dead, not yet reaped by init
            return True
        time.sleep(0.05)
    return False
