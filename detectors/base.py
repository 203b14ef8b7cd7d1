"""The words of detection: columns of numbers come in, signals go out, and levels are the scale in between."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

METRICS = ("error", "duration_s", "time_to_first_chunk_s", "input_tokens", "output_tokens", "output_chars")

# What is added before the logarithm, so that 0 has one: well below it differences no longer count.
_UNITS = np.array([1.0, 1e-3, 1e-3, 1.0, 1.0, 1.0])
_DECIBELS = 10 / np.log(10)
_LARGEST = 1e300  # what is larger would overflow when divided by its unit; no metric comes near


@dataclass(frozen=True, slots=True)
class Measurements:
    """The numbers of n answered inferences of one segment, in the order in which they were read.

    `source` and `position` (int64[n] both) say where each row came from: a partition of a topic, and a place in it;
    positions of one source rise, rows of several sources interleave. `time_unix_nano` (int64[n]) is event time.
    `values` holds a float64[n] for each metric of METRICS that is known: `error` is 0 or 1, the others are seconds,
    tokens and characters; NaN is "not known" (null is not 0). Raises ValueError where columns differ in length.
    """

    source: NDArray[np.int64]
    position: NDArray[np.int64]
    time_unix_nano: NDArray[np.int64]
    inference_id: list[str]
    values: Mapping[str, NDArray[np.float64]]

    def __post_init__(self) -> None:
        n = len(self.inference_id)
        columns: list[NDArray[Any]] = [self.source, self.position, self.time_unix_nano, *self.values.values()]
        shapes = {column.shape for column in columns}
        if shapes != {(n,)}:
            raise ValueError(
                f"Every column takes one value for each of the {n} inference ids, but shapes are {sorted(shapes)}"
            )


@dataclass(frozen=True, slots=True)
class Signal:
    """A metric changed: noticed at one inference (`event`, the count of the segment's inferences before it), begun at
    another (`since_event`, an estimate).

    Means are in the metric's own unit: the share of errors, or the geometric mean of seconds, tokens, characters.
    They, and the counts, are over the values known since the detector last fired. Examples are inference ids.
    """

    metric: str
    detector: str
    direction: Literal["up", "down"]
    mean_before: float
    mean_after: float
    count_before: int
    count_after: int
    event: int
    since_event: int
    time_unix_nano: int
    since_unix_nano: int
    inference_id: str
    examples_before: tuple[str, ...]
    examples_after: tuple[str, ...]


class DriftWatch(Protocol):
    """Watches one metric for a change of its level; whoever calls it keeps what is said of the change.

    `watch` is called with each new value once, in order; how the values are cut into calls must change nothing. It
    may not block, has no clock, and is pickled with the segment it belongs to.
    """

    name: str

    def watch(self, levels: NDArray[np.float64]) -> list[int]:
        """Take the next levels (float64[n], NaN: not known) and return the rising indices in [0, n) at which it fires.

        After it fires the detector starts anew with the next value.
        """
        ...


def levels(values: Mapping[str, NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    """Put n inferences' metrics on the scale that detectors work on: float64[n, 6], a column for each of METRICS.

    `error` stays 0 or 1. The others go to decibels, 10 log10(1 + x / unit), a unit being 1 ms, a token, a character:
    latency and length are heavy-tailed and change by factors (+1 dB is +26%). A metric that is absent, negative or
    infinite is not known, NaN.

    >>> levels({"error": np.array([0.0, 1.0]), "duration_s": np.array([0.999, np.nan])}, 2)[:, :2].round(3).tolist()
    [[0.0, 30.0], [1.0, nan]]
    """
    absent = np.full(n, np.nan)
    columns = np.column_stack([values.get(metric, absent) for metric in METRICS])
    known = (columns >= 0) & (columns <= _LARGEST)
    columns = np.where(known, columns, np.nan)
    logged = np.log1p(columns[:, 1:] / _UNITS[1:]) * _DECIBELS
    return np.concatenate([columns[:, :1], logged], axis=1)


def natural(metric: str, level: float) -> float:
    """Return what a level is in the metric's own unit: the inverse of `levels`.

    >>> round(natural("duration_s", 30.0), 3), natural("error", 0.25)
    (0.999, 0.25)
    """
    if metric == "error":
        return level
    return float(np.expm1(level / _DECIBELS) * _UNITS[METRICS.index(metric)])
