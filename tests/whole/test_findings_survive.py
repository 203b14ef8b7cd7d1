"""Whatever happens to workers, the detectors see every answer once and in order: the same findings come out.

The stream is short, 1,500 answers of each service in 25 minutes, so this is what a detector knows that still learns: it
begins at 512 answers and has seen 900 when those of one service take three times as long. It notices within ten. So
nothing here measures how many false alarms there are; that none is said is a matter of 9,000 answers.
"""

import re
from functools import cache

import pytest
from pydantic import SecretStr

from detectors.bank import SegmentBank
from detectors.budget import Budget
from streams.events import Finding
from streams.findings import finding
from streams.settings import Settings
from tests.streams.test_ingest_measures import read_in
from tests.streams.test_joining import Part
from tests.whole.conftest import Running
from tests.whole.events import CHANGES_AT, EACH, SERVICES, answers, checkout_slows, segment
from tests.whole.harness import World, logged
from tests.whole.side_by_side import side_by_side

ALL = EACH * len(SERVICES)
SEGMENTS = [segment(service) for service in SERVICES]


@cache
def expected() -> dict[str, Finding]:
    """What the detectors find in the whole stream, read and watched in one go, with nothing around them; by id."""
    settings, found = Settings(), list[Finding]()
    sent: list[Part] = [("responses", message.value or b"", ()) for message in answers()]
    for name, measured in read_in(sent, size=ALL).items():
        bank = SegmentBank(Budget(settings.segments, settings.false_alarms))
        found += [finding(name, signal) for signal in bank.process(measured).signals]
    return {each.finding_id: each for each in found}


def findings(world: World) -> list[str]:
    found = "SELECT finding_id FROM findings WHERE segment IN {segments:Array(String)} ORDER BY time"
    return [finding_id for (finding_id,) in world.rows(found, segments=SEGMENTS)]


def stored(world: World) -> int:
    ((count,),) = world.rows(
        "SELECT count() FROM inferences WHERE segment IN {segments:Array(String)}", segments=SEGMENTS
    )
    return int(count)


def assert_found(world: World) -> None:
    """The finding is there, and its last statement is what the detectors said last."""
    ((finding_id, said),) = expected().items()
    assert findings(world) == [finding_id]
    stands = world.rows(
        "SELECT segment, metric, state, since_event, event, inference_id, count_after, arraySort(also.metric),"
        " toUnixTimestamp64Nano(said) FROM findings WHERE finding_id = {id:String}",
        id=finding_id,
    )
    moved = sorted(each.metric for each in said.also)
    seen = (said.since_event, said.event, said.inference_id, said.count_after)
    assert stands == [(said.segment, said.metric, said.state, *seen, moved, said.said_unix_nano)]


def test_the_change_is_found_where_it_is_and_nothing_else(running: Running) -> None:
    world, _ = running
    world.produce(answers())
    world.settle()
    assert stored(world) == ALL
    assert_found(world)
    (found,) = expected().values()
    assert (found.segment, found.metric, found.direction) == (segment("checkout"), "duration_s", "up")
    assert found.mean_after / found.mean_before == pytest.approx(3, rel=0.2)
    assert found.since_event == CHANGES_AT
    assert CHANGES_AT < int(found.inference_id.removeprefix("checkout-")) < CHANGES_AT + 100


@side_by_side
def test_a_worker_killed_before_and_after_the_change_finds_the_same(world: World) -> None:
    # The second time: the change has begun, and is not yet noticed.
    for first, kill_at, last in ((0, 400, 500), (500, CHANGES_AT + 5, 1_000)):
        worker = world.start()
        with world.load(answers(first, last - 50)):
            world.until_at_least(lambda: stored(world), kill_at * len(SERVICES), "rows")
            worker.kill()
        world.produce(answers(last - 50, last))
        assert world.lag() > 0
    worker = world.start()
    world.produce(answers(1_000, EACH))
    world.settle()
    assert stored(world) == ALL
    assert_found(world)

    # A worker with another key cannot tell its state from a forged one: it says so, learns anew and goes on.
    worker.stop()
    assert worker.exit_code == 0
    worker = world.start(state_key=SecretStr("another key of more than 32 characters"))
    world.produce(answers(EACH, 2 * EACH, slow=lambda number, place: checkout_slows(number - EACH, place)))
    world.settle()
    assert stored(world) == 2 * ALL
    said = [line for line in logged(worker) if "start anew" in line.message]
    assert len(said) == len(SERVICES)
    wrong = re.compile(r"signature of the state of .* is wrong: give all workers")
    assert all(line.level == "ERROR" and wrong.search(line.message) for line in said)
    assert worker.metric("sluice_state_refused_total") == len(SERVICES)
    *before, anew = findings(world)
    assert before == list(expected())
    # Other durations, of which another metric may tell first: the tokens are as many, but slower.
    found = world.rows(
        "SELECT segment, arraySort(arrayPushFront(also.metric, metric)), count_before < 1500 FROM findings "
        "WHERE finding_id = {id:String}",
        id=anew,
    )
    assert found == [(segment("checkout"), ["duration_s", "tokens_per_s"], True)]


@side_by_side
def test_two_workers_share_and_one_is_killed(world: World) -> None:
    workers = [world.start(), world.start()]
    topic = f"{world.settings.topic_prefix}inference.responses"
    world.produce(answers(0, 300))
    world.until_at_least(lambda: stored(world), 300 * len(SERVICES), "rows")
    with world.load(answers(300, EACH - 50)):
        world.until_at_least(
            lambda: min(worker.metric("sluice_records_total", topic=topic) for worker in workers), 1, "records of each"
        )
        workers[0].kill()
    world.produce(answers(EACH - 50, EACH))
    world.settle()
    assert stored(world) == ALL
    assert_found(world)
    assert workers[1].exit_code is None
