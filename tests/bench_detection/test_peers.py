"""A peer is a process of its own: streams reach it as they are, what it says comes back, its troubles are reported."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bench.detection import peers, rivers
from bench.detection.peers import runner
from bench.detection.race import LIMIT_S
from bench.detection.streams import HOUR_NS, NULLS, Stream, World, sized, stream

RIVERS = "bench.detection.rivers"
HERE = Path(sys.executable)
installed = pytest.mark.skipif(
    not (peers.ENVIRONMENT / peers.REQUIREMENTS.name).exists(), reason="the peers are not installed in .peers"
)


def _streams() -> list[tuple[str, Stream]]:
    small = World(day=1000)
    return [
        ("change", stream("tokens", small, np.random.default_rng(1), 2000, sized("tokens"))),
        ("rest", stream("error", small, np.random.default_rng(2), 2000)),
    ]


def test_a_stream_is_read_as_it_was_written(tmp_path: Path) -> None:
    for number, (_, written) in enumerate(_streams()):
        peers.save(tmp_path / f"{number}.npz", written)
        read = runner.load(tmp_path / f"{number}.npz")
        assert (read.metric, read.reference, read.change_at) == (written.metric, written.reference, written.change_at)
        assert np.array_equal(read.values, written.values)
        assert np.array_equal(read.times, written.times)


def test_a_process_of_its_own_says_what_is_said_here(tmp_path: Path) -> None:
    streams = _streams()
    results = peers.run(streams, tmp_path, interpreter=HERE, peers=[RIVERS])
    assert not results.failures
    said = {(run.competitor, run.scenario): run.watched.alarms for run in results.runs}
    assert said == {
        (each.name, scenario): each.run(of, LIMIT_S).alarms
        for scenario, of in streams
        for each in rivers.competitors()
        if of.metric in each.metrics
    }
    assert any(said.values())


def test_a_peer_that_does_not_start_is_reported_and_the_others_run(tmp_path: Path) -> None:
    results = peers.run(_streams(), tmp_path, limit_s=0.01, interpreter=HERE, peers=["bench.detection.no_such", RIVERS])
    assert [failure.split(":")[0] for failure in results.failures] == ["bench.detection.no_such"]
    assert results.runs


def test_a_competitor_that_fails_on_a_stream_is_reported_once(tmp_path: Path) -> None:
    hours = np.arange(50) * HOUR_NS
    odd = Stream("mix", np.full(50, -1.0), hours, reference=40)  # no class has that number
    results = peers.run([("odd", odd), ("odd", odd)], tmp_path, interpreter=HERE, peers=[RIVERS])
    assert len([failure for failure in results.failures if failure.startswith("hourly PSI > .1: ValueError")]) == 1
    assert "never fires" in {run.competitor for run in results.runs}


@installed
def test_the_real_peers_see_errors_triple(tmp_path: Path) -> None:
    of = stream("error", NULLS["iid"], np.random.default_rng(1), 3000, sized("error"))
    results = peers.run([("tripled", of)], tmp_path, limit_s=2, peers=[f"{peers.__name__}.frouros"])
    assert not results.failures
    assert {run.competitor for run in results.runs} >= {"Frouros DDM", "Frouros ADWIN"}


@installed
def test_pysad_finds_the_spike(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(0, 1, 400)
    values[300] = 40
    scores = peers.anomaly_scores({"spike": values}, tmp_path, limit_s=5)
    judged = scores["PySAD StandardAbsoluteDeviation"]["spike"][60:]  # the first scores divide by hardly any deviation
    assert int(np.argmax(judged)) == 240
    assert {len(by_series["spike"]) for by_series in scores.values()} == {400}
