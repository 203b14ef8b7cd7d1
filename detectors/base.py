"""The words of detection: columns of numbers come in, signals go out, and levels are the scale in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

METRICS = ("error", "duration_s", "time_to_first_chunk_s", "input_tokens", "output_tokens", "output_chars")

# What is added before the logarithm, so that 0 has one: well below it differences no longer count.
_UNITS = np.array([1.0, 1e-3, 1e-3, 1.0, 1.0, 1.0])
_DECIBELS = 10 / np.log(10)
_LARGEST = 1e300  # what is larger would overflow when divided by its unit; no metric comes near


@dataclass(frozen=True, slots=True)
class Words:
    """A categorical column of n rows: `codes` (int32[n]) index `labels`, -1 is "not known". Each label stands once."""

    codes: NDArray[np.int32]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """The features of some rows' texts: `rows` (int32[k], rising) says which, `style` and `grams` have a row for each.

    Texts are many and features cost, so a sample is watched: the same whoever draws it, by a hash of the inference's
    id. `detectors.text` says what the features are.
    """

    rows: NDArray[np.int32]
    style: NDArray[np.float32]
    grams: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Measurements:
    """The numbers of n rows of one segment, in the order in which they were read.

    A row is an answered inference, or a piece of feedback about one: then `values` holds only what the feedback says.
    `source` and `position` (int64[n] both) say where each row came from: a partition of a topic, and a place in it;
    positions of one source rise, rows of several sources interleave. `time_unix_nano` (int64[n]) is event time.
    `values` holds a float64[n] for each metric that is known of any row, by its name in `detectors.metrics`; rates are
    0 or 1, NaN is "not known" (null is not 0). `words` hold categorical columns, `texts` the features of "input_text"
    and "output_text". Raises ValueError where columns differ in length.
    """

    source: NDArray[np.int64]
    position: NDArray[np.int64]
    time_unix_nano: NDArray[np.int64]
    inference_id: list[str]
    values: Mapping[str, NDArray[np.float64]]
    words: Mapping[str, Words] = field(default_factory=dict)
    texts: Mapping[str, Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.inference_id)
        columns: list[NDArray[Any]] = [self.source, self.position, self.time_unix_nano, *self.values.values()]
        columns += [words.codes for words in self.words.values()]
        shapes = {column.shape for column in columns}
        if shapes != {(n,)}:
            raise ValueError(
                f"Every column takes one value for each of the {n} inference ids, but shapes are {sorted(shapes)}"
            )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean in the metric's own unit (a share; a geometric mean of what is positive) with its 95% interval, over
    `count` events."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the segment, and the share of the change that it carries: 1 is all of it; others may take away."""

    dimension: str
    value: str
    share: float


@dataclass(frozen=True, slots=True)
class Moved:
    """Another metric that changed in the same incident."""

    metric: str
    direction: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Signal:
    """A detector's statement about a metric, made when it opens, when another metric joins it, and when it closes.

    `inference_id` and `time_unix_nano` are where it was noticed and name it for ever: statements of one opening have
    both in common. `said_unix_nano` is the event time of this statement, `since_unix_nano` an estimate of when the
    change began, at the segment's inference number `since_event`. `log10_e` is the evidence: the chance that a stream
    at rest ever claims 10^x in an event is at most 10^-x. `subject` is the class, the word, the user or the style that
    it is about, where there is one. `learning` says that less than a week had been learned.
    """

    state: Literal["open", "closed"]
    metric: str
    detector: str
    subject: str
    direction: Literal["up", "down", "other"]
    before: Estimate
    after: Estimate
    log10_e: float
    seconded: bool  # ADWIN, on the residuals, saw it too
    learning: bool
    event: int
    since_event: int
    time_unix_nano: int
    said_unix_nano: int
    since_unix_nano: int
    inference_id: str
    examples_before: tuple[str, ...]
    examples_after: tuple[str, ...]
    slices: tuple[Slice, ...] = ()
    versions: tuple[str, ...] = ()  # "response_model cobalt-5": what was new shortly before the change began
    also: tuple[Moved, ...] = ()


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
