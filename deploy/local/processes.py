"""A server that runs as a child of this process: started, found ready, noticed when it dies, stopped, gone with us."""

import atexit
import contextlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from os import close, environ, getpid
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
POLL_S = 0.05
LOG_TAIL_LINES = 20
# Below what systems take for outgoing connections (32768 and up on Linux, 49152 on macOS and Windows), any of which
# could otherwise hold a port between its choice and the start of its server.
PORTS = range(15_000, 32_000)

# Linux delivers a parent-death signal when the THREAD that forked ends, so every child is forked by this one thread,
# which lives as long as the process.
_forks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forks")
_dice = random.SystemRandom()  # not the seeded one: two test runs would draw the same ports
_marks: deque[int] = deque(maxlen=64)  # file descriptors, which the end of the process closes
_choosing = threading.Lock()


class ServerFailed(Exception):
    """A local server did not start or died; the message ends with the tail of its log."""


def free_port() -> int:
    """A TCP port on loopback that nothing holds, and that no other process gets of this function for a while.

    UDP's port of the same number is bound as a mark, which others of ours see, and which goes with this process; the
    latest 64 are kept, more than are ever chosen and not yet listened on.
    """
    begin = _dice.randrange(len(PORTS))
    for port in chain(PORTS[begin:], PORTS[:begin]):
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as mark, socket.socket() as probe:
            mark.bind((LOOPBACK, port))
            probe.bind((LOOPBACK, port))
            with _choosing:
                if len(_marks) == _marks.maxlen:
                    close(_marks.popleft())
                _marks.append(mark.detach())
            return port
    raise ServerFailed(f"no port of {PORTS.start} to {PORTS.stop - 1} is free on {LOOPBACK}: stop what holds them")


def listens(port: int) -> bool:
    """Whether something accepts TCP connections on this port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


class LocalServer(ABC):
    """A server program on a port of loopback. Subclasses say what to run and when it is ready.

    The port is chosen when the object is made and stays its own: after `kill()` or `stop()`, `start()` brings the
    server back where its clients look for it. As a context manager it is started on entry and stopped on exit.

    Args:
        port: TCP port to listen on; None takes a free one.
        log: file for what the server prints; None keeps it in a temporary file until `stop()`.
    """

    name: str
    ready_within_s = 120.0
    stops_within_s = 10.0

    def __init__(self, port: int | None = None, log: Path | None = None) -> None:
        self.port = free_port() if port is None else port
        self._own_log = log is None
        self.log = log or Path(tempfile.gettempdir()) / f"{self.name}-{getpid()}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments; called at every start, may raise ServerFailed with the cure."""

    def environment(self) -> Mapping[str, str]:
        """What the program finds in its environment besides what this process has; nothing, unless a subclass says."""
        return {}

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server does its work; called until it says yes, may take a second."""

    @property
    def pid(self) -> int:
        """The process id of the server itself; raises ServerFailed when it was not started."""
        if self._process is None:
            raise ServerFailed(f"{self.name} is not started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while the server runs or before it was started; else its exit status, negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Run the server and return when it answers; raises ServerFailed when it does not in `ready_within_s`."""
        if self._process is not None and self._process.poll() is None:
            raise ServerFailed(f"{self.name} already runs with pid {self._process.pid}")
        if listens(self.port):
            raise ServerFailed(f"{self.name}: port {self.port} is taken: stop what holds it or choose another")
        self._process = _forks.submit(self._fork, self.command()).result()
        atexit.register(self.stop)
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask the server to end, make it end after `stops_within_s`, and remove what it left; may be called twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stops_within_s)
        self.kill()
        if self._own_log:
            self.log.unlink(missing_ok=True)
        atexit.unregister(self.stop)

    def kill(self) -> None:
        """End the server at once, as kill -9 does; what it keeps on disk stays for the next `start()`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raise ServerFailed, with the tail of its log, when the server has died since its start."""
        code = self.exit_code
        if code is not None:
            raise ServerFailed(f"{self.name} ended with exit code {code}{self._log_tail()}")

    def _fork(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the command is a subclass's own list, no shell
                [sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(getpid()), *command],
                env={**environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in a terminal reaches us alone; we stop our servers in order
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.ready_within_s
        while not (listens(self.port) and self.answers()):
            self.check()
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} did not answer in {self.ready_within_s:g} s{self._log_tail()}")
            time.sleep(POLL_S)
        self.check()  # what answers must be the child, not a stranger who took the port

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:] if self.log.exists() else []
        return ", its log is empty" if not lines else "; its log ends:\n" + "\n".join(f"  {line}" for line in lines)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
