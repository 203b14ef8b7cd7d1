"""Reasons name inferences that are worth a person's time; this is what each says of one, and the list of them."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an item is in a batch, in the order of service; the policy's quota of each has the same name."""

    CONTROL = "control"
    CORRECTION = "correction"
    PREFERENCE = "preference"
    NEGATIVE_FEEDBACK = "negative_feedback"
    DISCOVERY = "discovery"
    ANOMALY = "anomaly"
    FINDING = "finding"
    WORST_SLICE = "worst_slice"
    DISAGREEMENT = "disagreement"
    RECURRING_TOPIC = "recurring_topic"


@dataclass(frozen=True)
class Around:
    """A finding near which an item lies: `position` 0 is the finding's inference, -2 the second before it."""

    finding_id: str
    metric: str
    position: int


@dataclass(frozen=True)
class Alternative:
    """Another answer to an item's prompt: choice number `choice` of an inference, and whether people preferred it."""

    inference_id: str
    choice: int
    preferred: bool


@dataclass(frozen=True)
class Draw:
    """Where a candidate lies in the order of a hash: `place`, from 1 on, of `of` that its reason draws from uniformly.

    A reason that draws from several groups names them.
    """

    place: int
    of: float
    group: str = ""


@dataclass(frozen=True)
class Candidate:
    """An inference that a reason would have in the batch.

    `why` is a sentence for people. `draw` is None where the reason ranks and takes the first.
    """

    inference_id: str
    why: str
    draw: Draw | None = None
    findings: tuple[Around, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    topic: str | None = None
