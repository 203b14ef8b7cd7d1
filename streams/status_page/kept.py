"""Slow questions that many viewers ask: each is put once in some seconds, in threads of the pages' own."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEYS = 64  # that are remembered: of findings, a stranger could ask for any number


@dataclass(slots=True)
class _Held(Generic[V]):
    task: asyncio.Future[V]
    asked_at: float


class Kept(Generic[K, V]):
    """Answers of one question, by key. Viewers who come while it is being answered wait for the same answer.

    Args:
        ask: blocks; what it raises is raised to all who wait, and kept as an answer is.
        for_s: seconds for which an answer holds.
        threads: the pages' own: those of the event loop belong to the walk, and a store that hangs would take them.
    """

    def __init__(
        self,
        ask: Callable[[K], V],
        for_s: float,
        threads: ThreadPoolExecutor,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask, self._for_s, self._threads, self._clock = ask, for_s, threads, clock
        self._held: dict[K, _Held[V]] = {}

    async def get(self, key: K) -> V:
        """Return the answer, at most `for_s` seconds old. Raises what `ask` raises."""
        held = self._held.get(key)
        if held is None or (held.task.done() and self._clock() - held.asked_at >= self._for_s):
            loop = asyncio.get_running_loop()
            held = self._held[key] = _Held(loop.run_in_executor(self._threads, self._ask, key), self._clock())
            held.task.add_done_callback(_heard)
            while len(self._held) > KEYS:
                del self._held[next(iter(self._held))]
        return await asyncio.shield(held.task)


def _heard(task: asyncio.Future[V]) -> None:
    """Look at a failure, which asyncio would otherwise complain of where all who waited have gone."""
    if not task.cancelled():
        task.exception()
