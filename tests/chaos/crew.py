"""Workers run as under a supervisor: whichever ends is started again, unless it is meant to be away."""

import os
import random
import signal
import threading
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from deploy.local.processes import ServerFailed
from streams.stack import LocalWorker
from tests.chaos.clock import Clock, ShiftedWorker
from tests.chaos.watching import resident_mb
from tests.whole.harness import World

LOOK_S = 0.2


class Crew:
    """One to three workers of a group; `restarts` counts those that ended without being told to."""

    def __init__(self, world: World, draw: random.Random, clock: Clock) -> None:
        self._world, self._draw, self._clock = world, draw, clock
        self._lock = threading.Lock()
        self._on_duty: list[LocalWorker] = []
        self._killed: set[int] = set()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._supervise)
        self.restarts = 0
        self.largest_mb = 0.0

    def any(self) -> LocalWorker:
        with self._lock:
            return self._draw.choice(self._on_duty)

    def kill(self) -> None:
        """End one at once; its supervisor starts it again."""
        worker = self.any()
        self._killed.add(worker.port)
        worker.kill()

    def suspend(self, seconds: float) -> None:
        """Stop one in its tracks, and let it go on, unless it is killed meanwhile."""
        pid = self._stopped()
        self._ends.wait(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _stopped(self) -> int:
        """Stop one that runs and return its number; where all are yet to be started again, wait for one."""
        while True:
            with self._lock, suppress(ProcessLookupError):  # another fault kills it just then
                running = [worker.pid for worker in self._on_duty if worker.exit_code is None]
                if running:
                    os.kill(pid := self._draw.choice(running), signal.SIGSTOP)
                    return pid
            self._ends.wait(LOOK_S)

    def roll(self) -> None:
        """Restart all, one after the other, as an upgrade does."""
        with self._lock:
            for worker in self._on_duty:
                worker.stop()
                self._start(worker)

    def scale(self, workers: int) -> None:
        """Bring so many on duty, or let some go."""
        with self._lock:
            while len(self._on_duty) < workers:
                self._on_duty.append(self._world.worker(partial(ShiftedWorker, clock=self._clock)))
                self._start(self._on_duty[-1])
            while len(self._on_duty) > workers:
                self._on_duty.pop().stop()

    def _supervise(self) -> None:
        while not self._ends.wait(LOOK_S):
            with self._lock:
                for worker in self._on_duty:
                    if worker.exit_code is None:
                        self.largest_mb = max(self.largest_mb, resident_mb(worker.pid))
                    else:
                        self._again(worker)

    def _again(self, worker: LocalWorker) -> None:
        if worker.port in self._killed:
            self._killed.discard(worker.port)
        else:
            self.restarts += 1
        self._start(worker)

    def _start(self, worker: LocalWorker) -> None:
        try:
            worker.start()
        except ServerFailed:  # Kafka or ClickHouse is away: it says so, ends, and is tried again
            self._killed.add(worker.port)

    def __enter__(self) -> Self:
        self.scale(1)
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()
