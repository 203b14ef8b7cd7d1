"""Targets go in; batches of hostile inputs pass through them in processes of their own, and tallies come out."""

import faulthandler
import gc
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from bench.fuzz.tally import Tally
from bench.fuzz.targets import Target, target
from detectors.sealed import is_panic

FLOODS = 0.001  # the share of records of 100 KB and more
THOROUGHLY = 8  # one in so many is checked in all ways
MOST_FAILURES = 20  # of a target, before it is left
COLLECTED = 1000  # inputs between two collections of garbage
BATCH_S = 5.0  # what a batch should take, whatever the target: all of them get the same time
SMALLEST, LARGEST = 200, 50_000  # inputs in a batch
MEMORY = 2 * 2**30  # bytes that a process may take for libraries, templates, and whatever an input makes it take
DEAF_S = 600.0  # a batch that takes so long hangs where no signal reaches it: its process says where, and ends


def fuzz(name: str, inputs: int, seed: int, *, timed: bool = False) -> Tally:
    """Feed one target in this process.

    Args:
        name: of the target.
        inputs: how many.
        seed: the number of the first one; the others follow.
        timed: say which take too long; on a machine that is busy it may say so of any.
    """
    gc.collect()  # as a worker does, see streams/memory.py
    gc.freeze()
    gc.disable()
    try:
        return _fed(name, _target(name, timed=timed), inputs, seed)
    finally:
        gc.enable()
        gc.unfreeze()


@cache
def _target(name: str, *, timed: bool) -> Target:
    return target(name, floods=FLOODS, timed=timed)


def _fed(name: str, fed: Target, inputs: int, seed: int) -> Tally:
    fed.tally = tally = Tally()
    for number in range(seed, seed + inputs):
        if (wrong := _wrong(fed, number)) is not None:
            tally.failures.append(f"--target {name} --seed {number} --inputs 1: {wrong}")
        if tally.inputs % COLLECTED == 0:
            gc.collect()
        if len(tally.failures) == MOST_FAILURES:
            break
    return tally


def _wrong(fed: Target, number: int) -> str | None:
    try:
        return fed.wrong(fed.hostile.record(number), thoroughly=number % THOROUGHLY == 0)
    except BaseException as error:
        if is_panic(error):  # a process could not even send it to the one that waits for it
            return f"panic: {str(error)[:200]!r}"
        raise


def fuzz_all(
    names: Sequence[str],
    inputs: int,
    seed: int,
    minutes: float,
    processes: int,
    *,
    before: Mapping[str, Tally],
    told: Callable[[Mapping[str, Tally]], None],
) -> dict[str, Tally]:
    """Feed targets until each has had so many inputs, or the time is over.

    Args:
        names: of the targets.
        inputs: for each, those of `before` included.
        seed: the number of each one's first.
        minutes: by the clock.
        processes: how many at once.
        before: what was seen earlier, which is gone on with.
        told: called with all tallies after each batch.
    """
    run = _Run(
        list(names), inputs, seed, dict.fromkeys(names, SMALLEST), {name: before.get(name, Tally()) for name in names}
    )
    until = time.monotonic() + minutes * 60
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
        at_work: dict[Future[tuple[Tally, float]], str] = {}
        while True:
            while len(at_work) < processes and time.monotonic() < until and (batch := run.next(set(at_work.values()))):
                at_work[pool.submit(_batch, *batch)] = batch[0]
            if not at_work:
                return run.tallies
            for done in wait(at_work, return_when=FIRST_COMPLETED).done:
                run.took(at_work.pop(done), *done.result())
                told(run.tallies)


class _Run:
    """Which target is next, and with how many inputs: the one that has had the least time."""

    def __init__(
        self, names: list[str], inputs: int, seed: int, sizes: dict[str, int], tallies: dict[str, Tally]
    ) -> None:
        self._inputs, self._seed, self._sizes, self.tallies = inputs, seed, sizes, tallies
        self._spent_s = dict.fromkeys(names, 0.0)

    def next(self, at_work: set[str]) -> tuple[str, int, int] | None:
        """Return a target, a number of inputs, and the number of the first; None where nothing is left to do."""
        for name in sorted(self._spent_s.keys() - at_work, key=lambda each: self._spent_s[each]):
            tally = self.tallies[name]
            left = self._inputs - tally.inputs
            if left > 0 and len(tally.failures) < MOST_FAILURES:
                return name, min(left, self._sizes[name]), self._seed + tally.inputs
        return None

    def took(self, name: str, tally: Tally, seconds: float) -> None:
        """Learn what a batch of a target came to."""
        self.tallies[name].add(tally)
        self._spent_s[name] += seconds
        wanted = int(tally.inputs * BATCH_S / max(seconds, 1e-3))
        self._sizes[name] = min(max(wanted, SMALLEST), LARGEST, 4 * self._sizes[name])


def _begin() -> None:
    """Bound a process: how much it may grow, and that it gives way to whatever else runs here."""
    os.nice(4)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def _batch(name: str, inputs: int, seed: int) -> tuple[Tally, float]:
    faulthandler.dump_traceback_later(DEAF_S, exit=True)
    began = time.monotonic()
    try:
        return fuzz(name, inputs, seed), time.monotonic() - began
    finally:
        faulthandler.cancel_dump_traceback_later()
