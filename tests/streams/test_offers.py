"""A busy sink is offered the same work until it takes it, a broken one once; and it is known since when it has not."""

import asyncio
import threading
from itertools import count

import pytest

from sinks.base import SinkBroken, SinkBusy
from streams.offers import Offers


async def test_a_busy_sink_gets_the_block_again() -> None:
    refusals, offers = 0, 0

    def write() -> None:
        nonlocal offers
        offers += 1
        if offers <= 3:
            raise SinkBusy("full", retry_after=0.001)

    def refused() -> None:
        nonlocal refusals
        refusals += 1

    assert await Offers(refused).until_taken(write, wanted=lambda: True)
    assert (offers, refusals) == (4, 3)


async def test_a_block_that_nobody_wants_any_more_is_let_go_after_a_refusal() -> None:
    offers = 0

    def write() -> None:
        nonlocal offers
        offers += 1
        raise SinkBusy("full", retry_after=0.001)

    assert not await Offers(lambda: None).until_taken(write, wanted=lambda: offers < 3)
    assert offers == 3


@pytest.mark.parametrize("error", [SinkBroken("no such table"), ZeroDivisionError()])
async def test_anything_else_goes_to_the_caller(error: Exception) -> None:
    offers = 0

    def write() -> None:
        nonlocal offers
        offers += 1
        raise error

    with pytest.raises(type(error)):
        await Offers(lambda: None).until_taken(write, wanted=lambda: True)
    assert offers == 1


async def test_it_is_known_for_how_long_a_sink_has_refused_and_that_it_takes_again() -> None:
    offers, answers = Offers(lambda: None, now=count(0, 10).__next__), [SinkBusy("full", retry_after=0.01)] * 2
    seen: list[bool] = []

    def write() -> None:
        seen.append(offers.waiting_s > 0)
        if answers:
            raise answers.pop()

    assert offers.waiting_s == 0
    assert await offers.until_taken(write, wanted=lambda: True)
    assert seen == [False, True, True]
    assert offers.waiting_s == 0


async def test_a_call_that_does_not_come_back_is_known_as_one() -> None:
    offers, gate = Offers(lambda: None, now=count(0, 10).__next__), threading.Event()

    def write() -> None:
        assert gate.wait(30)

    work = asyncio.create_task(offers.until_taken(write, wanted=lambda: True))
    await asyncio.sleep(0)
    assert offers.silent_s > 0
    assert offers.waiting_s == 0, "it was not refused"
    gate.set()
    assert await work
    assert offers.silent_s == 0
