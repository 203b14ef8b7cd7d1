"""One run of a worker over a backlog: a process starts, consumes all there is, and what it took comes out.

CPU is user and system time of the worker's process with all its threads, from the assignment of its partitions (a
peer's: from where its job runs) to the commit of the last record (a peer's: to the insert of the last).
"""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.records import LITELLM
from bench.worker import Kind
from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.processes import free_port
from streams import offsets, topics
from streams.settings import Settings
from streams.stack import LocalWorker

PEERS = Path(".peers")
DEADLINE_S = 120.0  # of one run, which takes ten seconds where a core is free


@dataclass(frozen=True, slots=True)
class Cost:
    """What an event took: microseconds of CPU of the worker, and of broker and ClickHouse; events a second by the
    clock; and the worker's resident memory at the end, megabytes."""

    cpu_us: float
    servers_us: float
    events_per_s: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a round."""

    broker: EmbeddedBroker
    clickhouse: LocalClickHouse

    def cpu_s(self) -> float:
        """Return the seconds of CPU that they have taken since they started, user and system (proc(5))."""
        ticks = 0
        for server in (self.broker, self.clickhouse):
            stat = Path(f"/proc/{server.pid}/stat").read_text(encoding="utf-8")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the memory of a process that is in RAM, megabytes (proc(5), VmRSS)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def environment_of(peer: str) -> Path:
    """Return the Python of a peer's environment, which is there once `make peers` has made it."""
    return PEERS / peer / "bin" / "python"


class NotMeasured(Exception):
    """A run that failed, or was late on a machine with too much to do; the message says which."""


def measure(
    kind: Kind, settings: Settings, events: int, servers: Servers, within_s: float = DEADLINE_S, workers: int = 1
) -> Cost:
    """Run our workers, one or several of a group, over what it has not read. Raises NotMeasured.

    CPU is that of all of them, memory that of the largest.
    """
    with ExitStack() as stack:
        command = [sys.executable, "-m", "bench.worker", kind]
        each = (settings.model_copy(update={"web_port": free_port()}) for _ in range(workers))
        running = [stack.enter_context(_process(command, own, within_s)) for own in each]
        begun_cpu = sum(_said(process, "start") for process in running)
        begun, begun_servers = time.monotonic(), servers.cpu_s()
        asyncio.run(_until_done(kind, settings, running))
        seconds, servers_s = time.monotonic() - begun, servers.cpu_s() - begun_servers
        for process in running:
            print("?", file=process.stdin, flush=True)
        cpu = sum(_said(process, "now") for process in running) - begun_cpu
        resident = max(resident_mb(process.pid) for process in running)
    return Cost(cpu / events * 1e6, servers_s / events * 1e6, events / seconds, resident)


def measure_peer(peer: str, settings: Settings, events: int, servers: Servers, within_s: float = DEADLINE_S) -> Cost:
    """Run a peer over the native topics. Raises NotMeasured."""
    command = [str(environment_of(peer)), "-W", "ignore", "-m", f"bench.peers.{peer}", str(events)]
    with _process(command, settings, within_s) as process:
        begun_cpu, begun_servers = _said(process, "start"), servers.cpu_s()
        _said(process, "first")
        begun = time.monotonic()
        cpu = _said(process, "done") - begun_cpu
        seconds, servers_s = time.monotonic() - begun, servers.cpu_s() - begun_servers
        resident = resident_mb(process.pid)
    return Cost(cpu / events * 1e6, servers_s / events * 1e6, events / seconds, resident)


@contextmanager
def _process(command: list[str], settings: Settings, within_s: float) -> "Iterator[subprocess.Popen[str]]":
    """Start a worker, and kill it at the end, or at the deadline, after which its output ends."""
    environment = {**os.environ, **LocalWorker(settings).environment()}
    with subprocess.Popen(  # noqa: S603  # our own modules
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        late = threading.Timer(within_s, process.kill)
        late.start()
        try:
            yield process
        finally:
            late.cancel()
            process.kill()


def _said(process: "subprocess.Popen[str]", what: str) -> float:
    """Read the CPU that the worker says with its next word."""
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    while (line := process.stdout.readline()).startswith("start ") and what != "start":
        pass  # said again with each assignment: another worker came
    if not line.startswith(f"{what} "):
        raise NotMeasured(f"it ended or was late, before it said {what}; it said {line!r}")
    return float(line.removeprefix(f"{what} "))


async def _until_done(kind: Kind, settings: Settings, running: "Sequence[subprocess.Popen[str]]") -> None:
    """Wait until everything that workers read is committed, what they publish for themselves included."""
    names = {LITELLM, *(topic.name for topic in topics.NATIVE)}
    if kind == "sluice":
        names.add(topics.MEASUREMENTS.name)
    while all(process.poll() is None for process in running):
        progress = await offsets.progress(settings)
        if all(progress.committed.get(tp, 0) >= end for tp, end in progress.ends.items() if tp[0] in names):
            return
        await asyncio.sleep(0.2)
    codes = [process.returncode for process in running]
    raise NotMeasured(f"it ended or was late, with exit code {', '.join(map(str, codes))}")
