"""One cut is made in a process of its own, and what it takes is measured there: of the client, and of ClickHouse."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar

from bench.review.planted import MONDAY, WEEK
from sinks.clickhouse import connect
from sinks.review.cut import cut
from sinks.review.policy import Policy
from sinks.review.snapshot import Snapshot
from sinks.review.windows import Window

P = ParamSpec("P")
T = TypeVar("T")

WINDOW = Window(MONDAY, MONDAY + WEEK)
DAY = timedelta(days=1)
PATIENCE_S = 1200  # for one answer: the machine may be busy with other things
_PASSED_THROUGH = {Snapshot.read.__code__, Snapshot.select.__code__}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a cut took. `steps` are seconds of waiting for ClickHouse, by the module of sinks.review that asked.

    Memory is the greatest that was resident during the cut, in MB.
    """

    items: int
    seconds: float
    client_cpu_s: float
    client_mb: float
    clickhouse_cpu_s: float
    clickhouse_mb: float
    steps: dict[str, float]


def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a fresh process, so that its memory and time are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def measured(url: str, server_pid: int, policy: Policy, out: Path) -> Cost:
    """Cut the planted week into a folder. To be called in a process of its own: its memory is what is measured."""
    client = connect(url, PATIENCE_S)
    steps: Counter[str] = Counter()
    for name in ("query", "command", "insert"):
        setattr(client, name, partial(_timed, getattr(client, name), steps))
    Path(f"/proc/{server_pid}/clear_refs").write_text("5")  # forget the greatest memory so far: man 5 proc
    server_cpu = _cpu_s(server_pid)
    began, cpu = time.monotonic(), time.process_time()
    result = cut(client, WINDOW, policy, out, DAY)
    return Cost(
        items=result.counts.items,
        seconds=round(time.monotonic() - began, 2),
        client_cpu_s=round(time.process_time() - cpu, 2),
        client_mb=_peak_mb("self"),
        clickhouse_cpu_s=round(_cpu_s(server_pid) - server_cpu, 2),
        clickhouse_mb=_peak_mb(server_pid),
        steps={name: round(seconds, 2) for name, seconds in steps.most_common()},
    )


def _timed(ask: Callable[P, T], steps: Counter[str], *args: P.args, **kwargs: P.kwargs) -> T:
    began = time.monotonic()
    try:
        return ask(*args, **kwargs)
    finally:
        steps[_who_asks(sys._getframe(1))] += time.monotonic() - began  # type: ignore[assignment]


def _who_asks(frame: FrameType | None) -> str:
    """Name the module of sinks.review nearest on the stack that does not ask for another."""
    while frame is not None:
        package, _, module = frame.f_globals["__name__"].rpartition(".")
        if package.startswith("sinks.review") and frame.f_code not in _PASSED_THROUGH:
            return str(module)
        frame = frame.f_back
    return "others"


def _cpu_s(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def _peak_mb(process: int | str) -> float:
    # Not getrusage's, which a process inherits from the one that started it.
    status = Path(f"/proc/{process}/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
