"""CPU time of a piece of work passes through, and comes out as it were if nobody else used the machine."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

from pydantic_core import from_json

T = TypeVar("T")


class Yardstick:
    """Measures CPU as if the machine were not busy: beside others the same work takes up to twice the time.

    How busy it is, a fixed piece of work says that is done right before and after.
    """

    _WORK = b"[" + b"[0.5]," * 4000 + b"0]"

    def __init__(self) -> None:
        self._best_s = min(self._now() for _ in range(100))

    def measured(self, work: Callable[[T], object], of: T) -> float:
        """Return the seconds of CPU that some work takes."""
        before_s, took_s, after_s = self._now(), _seconds(work, of), self._now()
        self._best_s = min(self._best_s, before_s, after_s)
        return took_s * 2 * self._best_s / (before_s + after_s)

    def _now(self) -> float:
        return _seconds(from_json, self._WORK)


def _seconds(work: Callable[[T], object], of: T) -> float:
    collects = gc.isenabled()
    gc.disable()  # or it would be measured how much garbage there is of others
    try:
        began = time.process_time()
        work(of)
        return time.process_time() - began
    finally:
        if collects:
            gc.enable()
