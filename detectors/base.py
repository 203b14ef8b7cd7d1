"""The words of detection: columns of numbers, words and texts come in, signals go out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Gone = Callable[[str], bool]  # whether an inference, or whoever used it, is to be forgotten


@dataclass(frozen=True, slots=True)
class Words:
    """A categorical column of n rows: `codes` (int32[n]) index `labels`, -1 is "not known". Each label stands once."""

    codes: NDArray[np.int32]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """The features of some rows' texts: `rows` (int32[k], rising) says which, `style` and `grams` have a row for each.

    Texts are many and features cost, so a sample is watched: the same whoever draws it, by a hash of the inference's
    id. `detectors.text` says what the features are. `vectors` (uint8[k, 384]), where a model made some, say what the
    texts are about; a row of zeros is no vector.
    """

    rows: NDArray[np.int32]
    style: NDArray[np.float32]
    grams: NDArray[np.uint8]
    vectors: NDArray[np.uint8] | None = None


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
    it is about, where there is one. `learning` says that less than a week had been learned. `finding_id` is what the
    finding was called by then, where the inference that named it was to be forgotten: "" anywhere else.
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
    finding_id: str = ""

    def without(self, gone: Gone, name: Callable[["Signal"], str]) -> "Signal":
        """Return the same statement without inferences that are to be forgotten, under the name that it has."""
        if not any(map(gone, (self.inference_id, *self.examples_before, *self.examples_after))):
            return self
        return replace(
            self,
            finding_id=name(self),
            inference_id="" if gone(self.inference_id) else self.inference_id,
            examples_before=tuple(each for each in self.examples_before if not gone(each)),
            examples_after=tuple(each for each in self.examples_after if not gone(each)),
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """What a detector says of a stream that fires; where and when is for the bank to add: see `Signal`."""

    metric: str
    detector: str
    subject: str
    direction: Literal["up", "down", "other"]
    before: Estimate
    after: Estimate
    log10_e: float
    seconded: bool
    learning: bool
    since_row: int
    since_unix_nano: int


def signal_of(said: Mapping[str, Any]) -> Signal:
    """Make a signal again of what `dataclasses.asdict` made of it, after it was packed."""
    return Signal(
        **{
            **said,
            "before": Estimate(**said["before"]),
            "after": Estimate(**said["after"]),
            "examples_before": tuple(said["examples_before"]),
            "examples_after": tuple(said["examples_after"]),
            "slices": tuple(Slice(**each) for each in said["slices"]),
            "versions": tuple(said["versions"]),
            "also": tuple(Moved(**each) for each in said["also"]),
        }
    )
