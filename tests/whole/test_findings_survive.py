"""Whatever happens to workers, the detectors see every answer once and in order: the same findings come out."""

import re
from functools import cache

import numpy as np
import pytest
from pydantic import SecretStr

from detectors.bank import SegmentBank
from detectors.base import Measurements
from streams.detect import finding
from streams.events import Finding, InferenceResponse
from tests.whole.conftest import Running
from tests.whole.events import CHANGES_AT, EACH, SERVICES, answers, segment
from tests.whole.harness import World
from tests.whole.side_by_side import side_by_side

ALL = EACH * len(SERVICES)
SEGMENTS = [segment(service) for service in SERVICES]


@cache
def expected() -> dict[str, Finding]:
    """What the detectors find in the whole stream, in one go, with nothing around them; by id."""
    found: list[Finding] = []
    for service in SERVICES:
        events = [
            InferenceResponse.model_validate_json(message.value or b"")
            for message in answers()
            if message.key and message.key.decode().startswith(service)
        ]
        measurements = Measurements(
            source=np.zeros(EACH, np.int64),
            position=np.arange(EACH),
            time_unix_nano=np.array([event.time_unix_nano for event in events]),
            inference_id=[event.inference_id for event in events],
            values={
                "error": np.zeros(EACH),
                "duration_s": np.array([event.duration_s for event in events], np.float64),
                "output_tokens": np.array([event.output_tokens for event in events], np.float64),
            },
        )
        found += [finding(segment(service), signal) for signal in SegmentBank().process(measurements).signals]
    return {each.finding_id: each for each in found}


def findings(world: World) -> list[str]:
    found = "SELECT finding_id FROM findings WHERE segment IN {segments:Array(String)} ORDER BY time"
    return [finding_id for (finding_id,) in world.rows(found, segments=SEGMENTS)]


def stored(world: World) -> int:
    ((count,),) = world.rows(
        "SELECT count() FROM inferences WHERE segment IN {segments:Array(String)}", segments=SEGMENTS
    )
    return int(count)


def test_the_change_is_found_where_it_is_and_nothing_else(running: Running) -> None:
    world, _ = running
    world.produce(answers())
    world.settle()
    assert stored(world) == ALL
    assert findings(world) == list(expected())
    (found,) = expected().values()
    assert (found.segment, found.metric, found.direction) == (segment("checkout"), "duration_s", "up")
    assert found.mean_after / found.mean_before == pytest.approx(3, rel=0.2)
    assert CHANGES_AT < int(found.inference_id.removeprefix("checkout-")) < CHANGES_AT + 100


@side_by_side
def test_a_worker_killed_before_and_after_the_change_finds_the_same(world: World) -> None:
    # The second time: the change has begun, and is not yet noticed.
    parts = ((0, 500, 1_500), (500, 1_000, (CHANGES_AT + 15) * len(SERVICES)))
    for first, last, kill_at in parts:
        worker = world.start()
        with world.load(answers(first, last)):
            world.until_at_least(lambda: stored(world), kill_at, "rows")
            worker.kill()
            assert world.lag() > 0, "it is killed at work"
    worker = world.start()
    world.produce(answers(1_000, EACH))
    world.settle()
    assert stored(world) == ALL
    assert findings(world) == list(expected())

    # A worker with another key cannot tell its state from a forged one: it says so, learns anew and goes on.
    worker.stop()
    assert worker.exit_code == 0
    worker = world.start(state_key=SecretStr("another key of more than 32 characters"))
    world.produce(answers(EACH, 2 * EACH, changes_at=EACH + CHANGES_AT))
    world.settle()
    assert stored(world) == 2 * ALL
    said = [line for line in worker.log.read_text().splitlines() if "start anew" in line]
    assert len(said) == len(SERVICES)
    assert all(re.search(r"ERROR .* signature of the state of .* is wrong: give all workers", line) for line in said)
    assert worker.metric("sluice_state_refused_total") == len(SERVICES)
    *before, anew = findings(world)
    assert before == list(expected())
    found = world.rows(
        "SELECT segment, metric, count_before < 1500 FROM findings WHERE finding_id = {id:String}", id=anew
    )
    assert found == [(segment("checkout"), "duration_s", True)]


@side_by_side
def test_two_workers_share_and_one_is_killed(world: World) -> None:
    workers = [world.start(), world.start()]
    topic = f"{world.settings.topic_prefix}inference.responses"
    world.produce(answers(0, 300))
    world.until_at_least(lambda: stored(world), 300 * len(SERVICES), "rows")
    with world.load(answers(300, EACH)):
        world.until_at_least(
            lambda: min(worker.metric("sluice_records_total", topic=topic) for worker in workers), 1, "records of each"
        )
        workers[0].kill()
        assert world.lag() > 0
    world.settle()
    assert stored(world) == ALL
    assert findings(world) == list(expected())
    assert workers[1].exit_code is None
