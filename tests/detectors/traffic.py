"""Seeded measurements of a service as it might be: long answers take long, failed ones have no tokens."""

import numpy as np
from numpy.typing import NDArray

from detectors.base import Measurements

Columns = dict[str, NDArray[np.float64]]


def answers(n: int, seed: int, *, errors: float = 0.02, slower: float = 1.0, longer: float = 1.0) -> Columns:
    """Return the metrics of n answers: seconds around 3, tokens around 300, `errors` of them failed."""
    rng = np.random.default_rng(seed)
    tokens = np.round(300 * longer * rng.lognormal(0, 0.9, n))
    columns = {
        "error": (rng.random(n) < errors).astype(float),
        "duration_s": slower * (0.3 + tokens * 0.01 * rng.lognormal(0, 0.25, n)),
        "time_to_first_chunk_s": 0.2 * rng.lognormal(0, 0.4, n),
        "input_tokens": np.round(500 * rng.lognormal(0, 1, n)),
        "output_tokens": tokens,
        "output_chars": np.round(4 * tokens * rng.lognormal(0, 0.1, n)),
    }
    failed = columns["error"] == 1
    for metric in ("time_to_first_chunk_s", "output_tokens", "output_chars"):
        columns[metric][failed] = np.nan
    return columns


def after(first: Columns, then: Columns) -> Columns:
    """Put one stretch of answers after another."""
    return {metric: np.concatenate([first[metric], then[metric]]) for metric in first}


def measured(columns: Columns, partitions: int = 3) -> Measurements:
    """Return answers as measurements from several source partitions, interleaved."""
    n = len(next(iter(columns.values())))
    rows = np.arange(n)
    return Measurements(
        source=(rows * 7 % partitions).astype(np.int64),
        position=rows // partitions + 10,
        time_unix_nano=1_790_000_000_000_000_000 + rows * 10**8,
        inference_id=[f"inference-{row}" for row in range(n)],
        values=columns,
    )


def piece(whole: Measurements, start: int, stop: int) -> Measurements:
    """Return rows start to stop of some measurements."""
    return Measurements(
        source=whole.source[start:stop],
        position=whole.position[start:stop],
        time_unix_nano=whole.time_unix_nano[start:stop],
        inference_id=whole.inference_id[start:stop],
        values={metric: column[start:stop] for metric, column in whole.values.items()},
    )
