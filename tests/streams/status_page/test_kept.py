"""However many look, a question is put once in some seconds, and a store that hangs holds up nobody else."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from sinks.base import SinkBusy
from streams.status_page.kept import KEYS, Kept


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


async def test_many_viewers_are_one_question(threads: ThreadPoolExecutor) -> None:
    now, asked, go = [0.0], [], Event()

    def ask(key: str) -> int:
        asked.append(key)
        go.wait(10)
        return len(asked)

    kept = Kept(ask, 5.0, threads, clock=lambda: now[0])
    viewers = [asyncio.create_task(kept.get("a")) for _ in range(20)]
    await asyncio.sleep(0.05)
    now[0] = 60.0  # it is long under way, and is not asked again
    viewers.append(asyncio.create_task(kept.get("a")))
    await asyncio.sleep(0)
    viewers[0].cancel()  # one goes; the others are answered
    go.set()
    assert await asyncio.gather(*viewers[1:]) == [1] * 20
    assert await kept.get("b") == 2
    now[0] = 66.0
    assert await kept.get("a") == 3
    assert asked == ["a", "b", "a"]


async def test_a_failure_is_said_to_all_and_asked_again_later(threads: ThreadPoolExecutor) -> None:
    now, asked = [0.0], []

    def ask(key: str) -> str:
        asked.append(key)
        if len(asked) == 1:
            raise SinkBusy("away")
        return "there"

    kept = Kept(ask, 5.0, threads, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(SinkBusy):
            await kept.get("a")
    now[0] = 5.0
    assert await kept.get("a") == "there"
    assert len(asked) == 2


async def test_keys_that_strangers_make_up_are_forgotten(threads: ThreadPoolExecutor) -> None:
    asked: list[int] = []
    kept = Kept(asked.append, 60.0, threads)
    for n in range(3 * KEYS):
        await kept.get(n)
    await kept.get(3 * KEYS - 1)
    await kept.get(0)
    assert len(asked) == 3 * KEYS + 1
