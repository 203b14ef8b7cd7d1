"""Tests that mostly wait run side by side, each in a thread and a world of its own; pytest then asks how each went.

A group takes seconds to miss a worker that was killed and to let a new one in. One after another, these tests would
take three times as long.

    @side_by_side
    def test_something(world: World) -> None: ...

needs a fixture `trials` in its module or conftest, of which `chosen` says what it has to run.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.whole.harness import World

Body = Callable[[World], None]


class Trials:
    """The bodies of the chosen tests, under way; `close` waits for them."""

    def __init__(self, bodies: Iterable[Body], world: Callable[[str], World]) -> None:
        self._threads = ThreadPoolExecutor(max_workers=8)
        self._running: dict[Body, Future[None]] = {
            body: self._threads.submit(self._run, body, world(body.__name__)) for body in bodies
        }

    def outcome(self, body: Body) -> None:
        """Return when the body has; raise what it raised."""
        self._running[body].result()

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    @staticmethod
    def _run(body: Body, world: World) -> None:
        with world:
            body(world)


BODIES: dict[Callable[[Trials], None], Body] = {}


def chosen(items: Iterable[pytest.Item], where: Path) -> list[Body]:
    """The bodies of those of the chosen tests that are in a file, or in a folder."""
    return [
        BODIES[item.function]
        for item in items
        if isinstance(item, pytest.Function) and item.function in BODIES and item.path.is_relative_to(where)
    ]


def side_by_side(body: Body) -> Callable[[Trials], None]:
    """Make a test of a function that takes a world."""

    # Not functools.wraps: pytest would look through it and offer the body's argument.
    def test(trials: Trials) -> None:
        trials.outcome(body)

    test.__name__, test.__qualname__, test.__doc__ = body.__name__, body.__qualname__, body.__doc__
    test.__module__ = body.__module__
    BODIES[test] = body
    return test
