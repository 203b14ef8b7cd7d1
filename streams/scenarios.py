"""What can be injected into simulated traffic, by name, and the truth about what was injected where."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from streams.measure import segment_name
from streams.traffic.fleet import FLEET, Segment

Start = float | timedelta | datetime  # share of the window, time after its start, or a time


class UnknownScenario(Exception):
    """There is no scenario of that name; the message lists those that there are."""


@dataclass(frozen=True, slots=True)
class ErrorStep:
    """From `start` on, calls of one segment fail at `size`, a probability, in place of the usual 2%."""

    kind: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[str, ...]] = ("error",)
    name: str
    segment: Segment
    start: Start
    size: float = 0.10


@dataclass(frozen=True, slots=True)
class LatencyStep:
    """From `start` on, durations of one segment are multiplied by `size`."""

    kind: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[str, ...]] = ("duration_s",)
    name: str
    segment: Segment
    start: Start
    size: float = 1.5


@dataclass(frozen=True, slots=True)
class LongerAnswers:
    """From `start` on, another version answers for one segment's model, at `size` times the length.

    Durations stay as they are: the new version is as much quicker a token, so that one thing changes at a time.
    """

    kind: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[str, ...]] = ("output_tokens", "output_chars")
    name: str
    segment: Segment
    start: Start
    response_model: str
    size: float = 1.6


@dataclass(frozen=True, slots=True)
class Silence:
    """From `start` on, one segment is asked nothing."""

    kind: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[str, ...]] = ("traffic",)
    name: str
    segment: Segment
    start: Start


@dataclass(frozen=True, slots=True)
class ThumbsDownFlood:
    """From `start` on, this share of one segment's answers gets a thumbs down within seconds, on top of the usual."""

    kind: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[str, ...]] = ("thumbs_down", "complaint")
    name: str
    segment: Segment
    start: Start
    size: float = 0.3


@dataclass(frozen=True, slots=True)
class Anomalies:
    """From `start` on, this share of answered calls reports what cannot be, say `size` times the tokens in 10 ms."""

    kind: ClassVar[str] = "anomalies"
    name: str = "anomalies"
    start: Start = 0.0
    share: float = 0.0005
    size: float = 50


@dataclass(frozen=True, slots=True)
class Poison:
    """From `start` on, this many records for each call are not events: not JSON, empty, 2 MB, of another version, …"""

    kind: ClassVar[str] = "poison"
    name: str = "poison"
    start: Start = 0.0
    share: float = 0.002


@dataclass(frozen=True, slots=True)
class Duplicates:
    """From `start` on, this share of records is sent again, seconds to hours later, without its key.

    Without a key Kafka's partitioner is free, so that the copy mostly lands in another partition.
    """

    kind: ClassVar[str] = "duplicates"
    name: str = "duplicates"
    start: Start = 0.0
    share: float = 0.01


@dataclass(frozen=True, slots=True)
class Late:
    """From `start` on, this share of responses arrives hours late, and feedback, at its own share, days late."""

    kind: ClassVar[str] = "late"
    name: str = "late"
    start: Start = 0.0
    share: float = 0.002
    feedback_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Missing:
    """From `start` on, this share of calls lacks its response, and as many lack their request."""

    kind: ClassVar[str] = "missing"
    name: str = "missing"
    start: Start = 0.0
    share: float = 0.003


Drift = ErrorStep | LatencyStep | LongerAnswers | Silence | ThumbsDownFlood
Scenario = Drift | Anomalies | Poison | Duplicates | Late | Missing

_CHAT, _ANSWER, _COMPLETE, _CHAT_MINI = (gateway.segment for gateway in FLEET[:4])
_LATENCY = LatencyStep("latency-step", _CHAT, 0.55)
_ERRORS = ErrorStep("error-step", _COMPLETE, 0.65)
_LONGER = LongerAnswers("longer-answers", _ANSWER, 0.60, "cobalt-chat-5")
# An outage is worse than a drift, and somebody should be told of it within seconds.
_FAILING = ErrorStep("outage-errors", _COMPLETE, 0.5, 0.30)
_SLOW = LatencyStep("outage-latency", _ANSWER, 0.5, 2.0)
_SILENT = Silence("outage-silence", _CHAT, 0.5)
_FLOOD = ThumbsDownFlood("outage-thumbs", _CHAT_MINI, 0.5)

PRESETS: dict[str, tuple[Scenario, ...]] = {
    "quiet": (),
    "demo": (_LATENCY, _ERRORS, _LONGER, Anomalies(), Poison(), Duplicates(), Late()),
    "outage": (_FAILING, _SLOW, _SILENT, _FLOOD),
} | {
    scenario.name: (scenario,)
    for scenario in (
        *(_LATENCY, _ERRORS, _LONGER, _FAILING, _SLOW, _SILENT, _FLOOD),
        *(Anomalies(), Poison(), Duplicates(), Late(), Missing()),
    )
}


def scenarios(names: Sequence[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of presets by name, each once. Raises UnknownScenario."""
    for name in names:
        if name not in PRESETS:
            raise UnknownScenario(f"There is no scenario {name!r}; there are {', '.join(PRESETS)}.")
    return tuple(dict.fromkeys(scenario for name in names for scenario in PRESETS[name]))


@dataclass(slots=True)
class Change:
    """A drift that was injected; `first_*` and `ordinal` name the first record that shows it, as produced.

    That is a response, or of a flood a piece of feedback; of a silence, it is the response that never came. `ordinal`
    counts the responses of the segment that were produced before it, duplicates left out; None until there is one.
    """

    scenario: Drift
    start_unix_nano: int
    first_inference_id: str | None = None
    first_time_unix_nano: int | None = None
    ordinal: int | None = None
    responses: int = 0  # of the segment, from the first on; of a silence, those that never came

    @property
    def segment(self) -> str:
        """The segment as findings name it."""
        return segment_name(*self.scenario.segment)

    def shows(self, inference_id: str, time_unix_nano: int, ordinal: int) -> None:
        """Take note of a record that shows the change, if it is the first."""
        if self.first_inference_id is None:
            self.first_inference_id, self.first_time_unix_nano = inference_id, time_unix_nano
            self.ordinal = ordinal


@dataclass(slots=True)
class Truth:
    """What a simulation has produced so far, and what was injected where; complete when its records are exhausted."""

    changes: list[Change] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)  # by topic, everything included
    events: int = 0  # valid records, duplicates included
    inferences: int = 0  # distinct, by request or response
    feedback: int = 0  # distinct, by feedback_id
    duplicates: int = 0
    poison: Counter[str] = field(default_factory=Counter)  # by the reason with which they should be set aside
    late_responses: int = 0
    late_feedback: int = 0
    without_response: int = 0
    without_request: int = 0
    anomalies: list[str] = field(default_factory=list)  # inference ids, as produced
    responses: Counter[Segment] = field(default_factory=Counter)  # distinct
