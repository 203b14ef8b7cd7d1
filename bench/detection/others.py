"""What is not one of the yardstick's streams of numbers comes out as jobs: real peers, texts, and NAB."""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import detection_texts, nab
from bench.detection import peers, scenarios
from bench.detection.scenarios import Setup
from bench.detection.streams import METRICS, Metric
from bench.detection.work import Job
from bench.detection_texts import Delay, Null

_ON_A_STREAM_S, _ON_A_SERIES_S = 3.0, 20.0  # of CPU


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer's detectors on the streams of some metrics, in a process of its own environment."""

    module: str
    setup: Setup
    metrics: tuple[Metric, ...]

    def __call__(self) -> peers.Results:
        streams = list(scenarios.for_peers(self.setup, self.metrics))
        with TemporaryDirectory() as folder:
            return peers.run(streams, Path(folder), limit_s=_ON_A_STREAM_S, peers=[self.module])


def peer_jobs(setup: Setup) -> list[Job]:
    """Return a job for each peer and metric; alibi-detect simulates its thresholds once a process, so it has one."""
    jobs: list[Job] = []
    for module in peers.PEERS:
        parts = [METRICS] if module.endswith("alibi") else [(metric,) for metric in METRICS]
        jobs += [Peer(module, setup, part) for part in parts]
    return jobs


def text_jobs(setup: Setup, data: Path) -> list[Job]:
    return [
        partial(_text_delays, data, setup.seed, setup.text_runs),
        partial(_text_surges, data, setup.seed, setup.text_runs),
        partial(_text_nulls, data, setup.seed, setup.text_events),
    ]


def nab_jobs(data: Path, with_peers: bool) -> list[Job]:
    return [partial(nab.measure, data), *([partial(pysad, data)] if with_peers else [])]


def pysad(data: Path) -> list[nab.Row]:
    """Judge PySAD's models as NAB's other rows are; their cost is not known apart."""
    corpus = nab.load(data)
    with TemporaryDirectory() as folder:
        series = {each.name: each.values for each in corpus}
        scores = peers.anomaly_scores(series, Path(folder), limit_s=_ON_A_SERIES_S)
    return [
        nab.judged(model, corpus, [by_series[each.name] for each in corpus], math.nan)
        for model, by_series in scores.items()
    ]


def _text_delays(data: Path, seed: int, runs: int) -> list[Delay]:
    return detection_texts.delays(detection_texts.corpora(data), seed, runs)


def _text_surges(data: Path, seed: int, runs: int) -> list[Delay]:
    return detection_texts.surges(data, detection_texts.corpora(data), seed, runs)


def _text_nulls(data: Path, seed: int, events: int) -> list[Null]:
    return detection_texts.nulls(detection_texts.corpora(data), seed, events)
