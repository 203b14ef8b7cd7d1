"""Real input, 28,185 calls of two services in one hour: every one is a row, and the swapped model is found.

The data is not ours to ship. Without it these tests are skipped; see bench/real_trace.py for what it is.
"""

import gzip
import random
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bench.real_trace import ALIAS, ANSWERS, TRACES, write
from deploy.local.broker import EmbeddedBroker
from sinks.review.policy import Policy
from tests.whole.events import request
from tests.whole.harness import REQUESTS, RESPONSES, World
from tests.whole.side_by_side import Trials, chosen, side_by_side

DATA = Path(__file__).parents[2] / "shared" / "data"
TRACE = "real.jsonl.gz"
CALLS = 28_185
MIDDLE = f"azure-2023-{CALLS // 2:05d}"  # from here on the answers are another model's
SERVICES = ("conv", "code")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data is not at {DATA}: get it as its README says")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace as a file for `sluice replay`.

    AlpacaEval lists its questions by where they were taken from, and answers to those of one source are three times as
    long as to those of another. Dealt out in that order their length would change in earnest with every source.
    """
    folder = tmp_path_factory.mktemp("trace")
    for name in TRACES.values():
        (folder / name).symlink_to(DATA / name)
    with gzip.open(DATA / ANSWERS) as listed, gzip.open(folder / ANSWERS, "wb", compresslevel=1) as shuffled:
        lines = listed.readlines()
        random.Random(2023).shuffle(lines)  # noqa: S311  # reproducible, not secret
        shuffled.writelines(lines)
    out = folder / TRACE
    assert write(folder, out) == 2 * CALLS
    return out


@pytest.fixture(scope="module")
def trials(trace: Path, clickhouse_url: str, request: pytest.FixtureRequest) -> Iterator[Trials]:
    """Both tests, under way on one embedded broker, each with the trace in its folder."""

    def world(name: str) -> World:
        folder = trace.parent / name
        folder.mkdir()
        (folder / trace.name).symlink_to(trace)
        return World(broker.bootstrap, clickhouse_url, folder)

    with EmbeddedBroker() as broker:
        trials = Trials(chosen(request.session.items, Path(__file__)), world)
        yield trials
        trials.close()


@side_by_side
def test_the_replay_is_stored_whole_and_the_swap_is_found_and_cut(world: World) -> None:
    worker = world.start()
    begun = time.monotonic()
    world.replay(world.folder / TRACE)
    world.settle()
    seconds = time.monotonic() - begun
    assert world.count("inferences") == CALLS
    assert_whole(world)
    assert_the_swap_is_found(world)

    # The trace is one hour of 2023-W46. A call of the week after closes it.
    world.produce([request("later", 0)])  # the tests' time is in 2025
    world.settle()
    cut = world.sluice("batch", "cut", "--week", "2023-W46")
    assert cut.returncode == 0, cut.stderr
    manifest = orjson.loads((world.settings.batches / "2023-W46" / "manifest.json").read_bytes())
    counts = manifest["counts"]
    assert (counts["inferences"], counts["eligible"], counts["synthetic"]) == (CALLS, CALLS, 0)
    assert counts["by_reason"]["anomaly"] == Policy().quotas.anomaly
    assert 0 < counts["by_reason"]["control"] <= Policy().quotas.control  # near-duplicates among its draws are one item
    assert counts["by_reason"]["finding"] > 0
    assert counts["by_reason"]["negative_feedback"] == 0
    assert worker.exit_code is None
    print(f"\n{2 * CALLS:,} records produced, stored and watched in {seconds:.1f} s; the cut: {counts['by_reason']}")


@side_by_side
def test_a_worker_killed_three_times_in_the_replay_loses_and_doubles_nothing(world: World) -> None:
    world.replay(world.folder / TRACE)
    at_kill = []
    for share in (0.1, 0.3, 0.5):
        # Small blocks, so that there is a middle to be killed in.
        worker = world.start(block_records=1_000, linger_seconds=0.02)
        world.until_at_least(lambda: world.count("inferences"), share * CALLS, "rows")
        worker.kill()
        at_kill.append(world.count("inferences"))
        assert world.lag() > 0, "it is killed at work"
    world.start()
    world.settle()
    assert world.count("inferences") == CALLS
    assert_whole(world)
    assert_the_swap_is_found(world)
    ((records,),) = world.rows("SELECT sum(records) FROM ledger FINAL WHERE topic LIKE '%.inference.%'")
    print(f"\nkilled at {at_kill} rows; {records - 2 * CALLS:,} of {2 * CALLS:,} records lie in two overlapping blocks")


def assert_whole(world: World) -> None:
    """Each call is one row, made of one request and one response."""
    ((rows, distinct, asked, answered),) = world.rows(
        "SELECT count(), uniqExact(inference_id), countIf(request_time IS NOT NULL), countIf(response_time IS NOT NULL)"
        " FROM inferences WHERE startsWith(inference_id, 'azure-2023-')"
    )
    assert (rows, distinct, asked, answered) == (CALLS, CALLS, CALLS, CALLS)
    assert world.produced == {REQUESTS: CALLS, RESPONSES: CALLS}


def assert_the_swap_is_found(world: World) -> None:
    """In each service the length of the answers is found to fall after the middle, and is found to do nothing else.

    Much else changes with the model, so another metric may be the first to tell of it.
    """
    for service in SERVICES:
        found = world.rows(
            "SELECT moved.2, inference_id, round(moved.3), round(moved.4), metric = moved.1 FROM "
            "(SELECT segment, metric, inference_id, time, "
            "arrayJoin(arrayPushFront(also, (metric, direction, mean_before, mean_after))) AS moved FROM findings) "
            "WHERE segment = {segment:String} AND moved.1 = 'output_chars' ORDER BY time",
            segment=f"{service}|/v1/chat/completions|{ALIAS}|production",
        )
        assert len(found) == 1, found
        direction, noticed, before, after, own = found[0]
        # An hour is one incident to the detectors: where something else opened it, the swap joins that.
        assert (direction, noticed >= MIDDLE or not own, before > 1.5 * after) == ("down", True, True), found
        ((delay,),) = world.rows(
            "SELECT count() FROM inferences WHERE service = {service:String} AND inference_id >= {middle:String} "
            "AND inference_id <= {noticed:String}",
            service=service,
            middle=MIDDLE,
            noticed=noticed,
        )
        print(f"\n{service}: output_chars {before:.0f} -> {after:.0f}, noticed {delay} answers after the swap")
