"""A changelog is read on only from where it was read to its end: not from where a recovery was broken off, or later."""

from typing import Any

import pytest
from faust.events import Event
from faust.tables.recovery import RebalanceAgain
from faust.types import TP, ConsumerMessage

from streams.faust_app import faust_app, topic
from streams.recovery import Recovery, Tables
from streams.settings import Settings

TOPIC = "of-a-test-changelog"
HERE, THERE = TP(TOPIC, 0), TP(TOPIC, 1)


class Consumer:
    """Knows where logs begin."""

    def __init__(self, **beginnings: int) -> None:
        self.beginnings = {TP(TOPIC, int(name[1:])): offset for name, offset in beginnings.items()}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.beginnings.get(tp, 0) for tp in tps}


@pytest.fixture
def recovery() -> Recovery:
    app = faust_app(Settings(state_key="k" * 32), frozenset({"read"}))
    topic(app, "read")
    tables = app.tables
    assert isinstance(tables, Tables)
    tables.recovery.active_tps |= {HERE, THERE}
    app.consumer_generation_id = 3
    return tables.recovery


def read(recovery: Recovery, here: Any, there: Any) -> None:
    recovery.active_offsets[HERE], recovery.active_offsets[THERE] = here, there


async def begins(recovery: Recovery, consumer: Consumer) -> dict[TP, int]:
    await recovery._build_offsets(consumer, recovery.active_tps, recovery.active_offsets, "active")  # type: ignore[arg-type]
    return dict(recovery.active_offsets)


async def test_what_was_broken_off_is_read_from_the_beginning(recovery: Recovery) -> None:
    read(recovery, 23, None)  # as a late event of it leaves it
    message = ConsumerMessage(TOPIC, 0, 24, 0.0, 0, [], b"key", b"state", None, tp=HERE)
    recovery.tables.changelog_queue.put_nowait(Event(recovery.app, b"key", b"state", {}, message))
    assert await begins(recovery, Consumer(p1=5)) == {HERE: -1, THERE: 4}
    assert recovery.tables.changelog_queue.empty(), "else the event would hide all that lies before it"


async def test_what_was_read_to_its_end_is_read_on_from_there(recovery: Recovery) -> None:
    read(recovery, 23, 7)
    with pytest.raises(RebalanceAgain):
        await recovery.on_recovery_completed(2)
    assert await begins(recovery, Consumer()) == {HERE: -1, THERE: -1}, "its generation was over"

    read(recovery, 23, 7)
    recovery.note_whole()
    read(recovery, None, 99)
    assert await begins(recovery, Consumer()) == {HERE: 23, THERE: 7}
    assert await begins(recovery, Consumer(p0=30)) == {HERE: 29, THERE: 7}


async def test_what_was_away_is_read_from_the_beginning(recovery: Recovery) -> None:
    read(recovery, 23, 7)
    recovery.note_whole()
    recovery.app.consumer_generation_id = 4  # a generation is over before this worker hears of what it had in it
    await recovery.on_rebalance({HERE}, {THERE}, set(), generation_id=3)
    assert await begins(recovery, Consumer()) == {HERE: 23, THERE: -1}
