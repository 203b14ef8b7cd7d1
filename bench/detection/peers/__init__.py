"""Streams go to the real peers, each a process in an environment that is made for them, and their alarms come back."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.detection.race import LIMIT_S, Watched
from bench.detection.scores import Run, run_of
from bench.detection.streams import Stream

ROOT = Path(__file__).parents[3]
ENVIRONMENT = ROOT / ".peers"  # beside the house, not in it: its modules are not ours
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PEERS = tuple(f"{__name__}.{peer}" for peer in ("frouros", "alibi", "evidently"))
_PATIENCE = 5  # times the CPU that all streams may take, by the clock: learning the references is not counted in it


class PeersMissing(Exception):
    """The peers' environment could not be made; the message says why."""


@dataclass(slots=True)
class Results:
    """The runs of all peers, and what went wrong: a sentence for each peer, or competitor, and reason."""

    runs: list[Run] = field(default_factory=list)
    failures: dict[str, None] = field(default_factory=dict)


def python() -> Path:
    """Return the interpreter of the peers' environment, which is made first where it is absent or of other versions.

    Raises PeersMissing.
    """
    interpreter, installed = ENVIRONMENT / "bin" / "python", ENVIRONMENT / REQUIREMENTS.name
    if installed.exists() and installed.read_text() == REQUIREMENTS.read_text():
        return interpreter
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
    ):
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own commands
        if made.returncode:
            raise PeersMissing(made.stderr.strip()[-1000:])
    installed.write_text(REQUIREMENTS.read_text())
    return interpreter


def run(
    streams: Sequence[tuple[str, Stream]],
    folder: Path,
    *,
    limit_s: float = LIMIT_S,
    interpreter: Path | None = None,
    peers: Sequence[str] = PEERS,
) -> Results:
    """Show each stream, with the name of its scenario, to all peers' detectors; files pass through an empty folder.

    A detector is stopped after `limit_s` seconds of CPU on one stream. Raises PeersMissing.
    """
    interpreter = interpreter or python()
    for number, (_, stream) in enumerate(streams):
        save(folder / f"{number:05d}.npz", stream)
    results = Results()
    for peer in peers:
        trouble = _process(
            [str(interpreter), "-m", f"{__name__}.runner", peer, str(folder), str(limit_s)], len(streams) * limit_s
        )
        if trouble:
            results.failures[f"{peer}: {trouble}"] = None
        _collect(folder / f"{peer}.jsonl", streams, results)
    return results


def anomaly_scores(
    series: Mapping[str, NDArray[np.float64]], folder: Path, *, limit_s: float = LIMIT_S
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return for each of PySAD's models and each series (float64[n]) a score a point, NaN where a model was stopped.

    Files pass through an empty folder; a model is stopped after `limit_s` seconds of CPU on one series. Raises
    PeersMissing, also where PySAD fails.
    """
    files = {name: f"{number:05d}.npy" for number, name in enumerate(series)}
    for name, file in files.items():
        np.save(folder / file, series[name])
    command = [str(python()), "-m", f"{__name__}.pysad", str(folder), str(limit_s)]
    trouble = _process(command, 10 * len(series) * limit_s)
    if trouble:
        raise PeersMissing(trouble)
    models = sorted(path for path in folder.iterdir() if path.is_dir())
    return {model.name: {name: np.load(model / file) for name, file in files.items()} for model in models}


def save(path: Path, stream: Stream) -> None:
    """Write a stream to be read by `runner`."""
    change_at = -1 if stream.change_at is None else stream.change_at
    np.savez(
        path,
        metric=stream.metric,
        values=stream.values,
        times=stream.times,
        reference=stream.reference,
        change_at=change_at,
    )


def _process(command: list[str], limit_s: float) -> str | None:
    """Run a peer and return what went wrong, if anything did; a thread each, so that CPU says what it costs."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    environment = {**os.environ, **threads, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    try:
        ended = subprocess.run(  # noqa: S603  # our own module
            command, capture_output=True, text=True, check=False, env=environment, timeout=300 + _PATIENCE * limit_s
        )
    except subprocess.TimeoutExpired as late:
        return f"stopped after {late.timeout:.0f} s by the clock"
    return ended.stderr.strip().rsplit("\n", 1)[-1] if ended.returncode else None


def _collect(path: Path, streams: Sequence[tuple[str, Stream]], results: Results) -> None:
    """Read what a peer wrote: a line for each competitor and stream, also where the peer itself did not end well."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        said = json.loads(line)
        if "failure" in said:
            results.failures[f"{said['competitor']}: {said['failure']}"] = None
            continue
        scenario, stream = streams[said["stream"]]
        watched = Watched(tuple(said["alarms"]), said["until"], said["cut_off"], said["cpu_s"])
        results.runs.append(run_of(said["competitor"], scenario, stream, watched))
