"""`python -m bench.detection.peers.pysad FOLDER LIMIT`: PySAD's models score each point of the series in a folder.

Models of single values get them as they are; the others get the last ten as one point, as shingles go. What must know
the range beforehand is told that of the first 15%, which nobody is judged on. Runs in the peers' environment.

Left out: RobustRandomCutForest and IForestASD, which take 13 and 5 ms a point.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pysad import models  # type: ignore[import-not-found]  # in the peers' environment only

_SHINGLE = 10
_SINGLE = ("PySAD KNN-CAD", "PySAD StandardAbsoluteDeviation", "PySAD MedianAbsoluteDeviation")
_PROBATION, _LONGEST = 0.15, 5000

Floats = NDArray[np.float64]


def makers() -> dict[str, Callable[[Floats], Any]]:
    """Return how each model is made, given the points that nobody is judged on (float64[n, width])."""
    return {
        "PySAD KNN-CAD": lambda first: models.KNNCAD(probationary_period=max(len(first), 48)),
        "PySAD StandardAbsoluteDeviation": lambda _: models.StandardAbsoluteDeviation(),
        "PySAD MedianAbsoluteDeviation": lambda _: models.MedianAbsoluteDeviation(),
        "PySAD LODA": lambda _: models.LODA(random_state=1),
        "PySAD KitNet": lambda _: models.KitNet(random_state=1),
        "PySAD HalfSpaceTrees": lambda first: models.HalfSpaceTrees(
            first.min(axis=0), first.max(axis=0) + 1e-9, random_state=1
        ),
        "PySAD xStream": lambda _: models.xStream(random_state=1),
        "PySAD RSHash": lambda first: models.RSHash(first.min(axis=0), first.max(axis=0) + 1e-9, random_state=1),
    }


def scored(make: Callable[[Floats], Any], values: Floats, width: int, limit_s: float) -> Floats:
    """Return a score for each point (float64[n]; higher is stranger), NaN after `limit_s` seconds of CPU."""
    padded = np.concatenate([np.full(width - 1, values[0]), values])
    points = np.lib.stride_tricks.sliding_window_view(padded, width)
    model = make(points[: int(_PROBATION * min(len(points), _LONGEST))])
    scores, began = np.full(len(points), np.nan), time.process_time()
    for row, point in enumerate(points):
        scores[row] = float(np.ravel(model.fit_score_partial(point))[0])
        if time.process_time() - began > limit_s:
            break
    return scores


def main(folder: Path, limit_s: float) -> None:
    """Read the folder's series (float64[n] each, .npy) and write each model's scores under the same name in MODEL/."""
    for model, make in makers().items():
        (folder / model).mkdir()
        for path in sorted(folder.glob("*.npy")):
            scores = scored(make, np.load(path), 1 if model in _SINGLE else _SHINGLE, limit_s)
            np.save(folder / model / path.name, scores)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
