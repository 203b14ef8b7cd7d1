"""The contract with gateways: what one request, response or piece of feedback about an inference says."""

from dataclasses import dataclass, field
from math import exp, isfinite
from typing import Annotated, Any, Generic, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from typing_extensions import TypedDict

from detectors.episodes import SPREAD
from streams.readable import amount, harmless, moment, times

SCHEMA_VERSION = 1

Identifier = Annotated[str, Field(min_length=1, max_length=256)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
# 2015 is older than any model gateway; an earlier time is a unit mistake (seconds or milliseconds sent as nanoseconds).
# 2100 is a unit mistake in the other direction, and a Date, into which weeks go, ends in 2149. Whether a time lies
# ahead is judged where the Kafka time is known.
EARLIEST_NS, LATEST_NS = 1_420_070_400_000_000_000, 4_102_444_800_000_000_000
UnixNano = Annotated[int, Field(ge=EARLIEST_NS, lt=LATEST_NS)]
SHORT = 12  # characters of a finding's id that are shown: no two of millions share them by chance
HOURS = 168  # of the UTC week, from Monday 00:00 on


class Part(TypedDict, total=False):
    """One part of a message, after OpenTelemetry's GenAI conventions; kinds other than text keep their own fields."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # how pydantic configures a TypedDict

    type: str
    content: JsonValue


# Of a list of junk one fault is enough; each takes ten times as long as a part that is one.
Parts = Annotated[list[Part], Field(fail_fast=True)]


class Message(TypedDict, total=False):
    """One message of a dialogue in the canonical parts form."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # how pydantic configures a TypedDict

    role: str
    parts: Parts
    finish_reason: str | None


Dialogue = Annotated[list[Message], Field(fail_fast=True)]


class Event(BaseModel):
    """What all three kinds share. Absent and null mean "not known", which is never the same as 0 or "".

    Sluice adds what it knows better than the sender: the Kafka time and the record's topic, partition and offset.
    """

    # Unknown fields are ignored: a gateway may send more than Sluice reads, and an older Sluice reads a newer
    # gateway's additions of the same schema version.
    # Ids do not come twice: caching keys alone reads a tenth quicker than caching every short string.
    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, validate_by_name=True, validate_by_alias=True, cache_strings="keys"
    )

    schema_version: Literal[1] = Field(1, description="Version of this contract.")
    event_id: Identifier = Field(description="Deterministic id of this event: sent twice, it counts once.")
    time_unix_nano: UnixNano = Field(
        description="Event time in UTC, nanoseconds since 1970: the start of a request, the end of a response."
    )
    aliases: list[Identifier] = Field(
        default_factory=list,
        max_length=32,
        description="Other ids that feedback may know it by, prefixed resp:, call:, trace:, span:, sess: or req:.",
    )
    source_format: str = Field("native", alias="source.format", max_length=64, description="The sender's format.")
    source_version: str | None = Field(None, alias="source.version", max_length=64, description="The sender's version.")
    trace_id: str | None = Field(None, pattern="^([0-9a-f]{32})?$", description="W3C trace id, lower-case hex.")
    span_id: str | None = Field(None, pattern="^([0-9a-f]{16})?$", description="W3C span id, lower-case hex.")
    conversation_id: str | None = Field(
        None, alias="gen_ai.conversation.id", max_length=256, description="The dialogue."
    )
    user_id: str | None = Field(None, alias="user.id", max_length=256, description="The end user.")
    service: str | None = Field(None, alias="service.name", max_length=256, description="The application that asked.")
    environment: str | None = Field(
        None, alias="deployment.environment.name", max_length=256, description="For example production or staging."
    )
    route: str | None = Field(
        None, alias="http.route", max_length=256, description="The gateway's route, low cardinality."
    )
    tags: dict[str, str] = Field(default_factory=dict, max_length=32, description="A few labels of the sender's own.")
    synthetic: bool = Field(
        False, description="True for traffic that no person asked for: probes, canaries, load tests."
    )


class InferenceEvent(Event):
    """What requests and responses share: the call they belong to, and the model that the client asked for."""

    inference_id: Identifier = Field(description="The call that this is part of; joins request, response and feedback.")
    operation: str | None = Field(
        None, alias="gen_ai.operation.name", max_length=64, description="chat, text_completion, embeddings, predict, …"
    )
    provider: str | None = Field(
        None, alias="gen_ai.provider.name", max_length=128, description="Who serves the model."
    )
    request_model: str | None = Field(
        None,
        alias="gen_ai.request.model",
        max_length=256,
        description="The model as the client asked for it. Repeat it on the response: errors name no other.",
    )
    output_type: str | None = Field(
        None,
        alias="gen_ai.output.type",
        max_length=64,
        description="What was asked for: json, text, image, speech. Repeat it on the response, to have JSON checked.",
    )


class InferenceRequest(InferenceEvent):
    """A call of a model, as it was asked (topic `inference.requests`)."""

    kind: Literal["request"] = Field(description="Always request.")
    operation: str = Field(
        alias="gen_ai.operation.name", max_length=64, description="chat, text_completion, embeddings, predict, …"
    )
    stream: bool | None = Field(None, alias="gen_ai.request.stream", description="Was a stream asked for?")
    temperature: Number | None = Field(None, alias="gen_ai.request.temperature", description="Sampling temperature.")
    top_p: Number | None = Field(None, alias="gen_ai.request.top_p", description="Nucleus sampling.")
    max_tokens: Count | None = Field(None, alias="gen_ai.request.max_tokens", description="Limit on output tokens.")
    seed: int | None = Field(None, alias="gen_ai.request.seed", ge=-(2**63), lt=2**63, description="Sampling seed.")
    choice_count: Count | None = Field(None, alias="gen_ai.request.choice.count", description="Answers asked for.")
    input_messages: Dialogue | None = Field(None, alias="gen_ai.input.messages", description="The dialogue so far.")
    system_instructions: Parts | None = Field(
        None, alias="gen_ai.system_instructions", description="The system prompt, as parts."
    )
    tool_definitions: list[JsonValue] | None = Field(
        None, alias="gen_ai.tool.definitions", description="Tools on offer."
    )
    input: JsonValue = Field(None, description="Input that is not a dialogue: instances, tensors, embedding input.")
    content_state: Literal["captured", "redacted", "hashed", "truncated", "external_ref", "not_captured"] | None = (
        Field(None, description="Whether the content is here, and how; null where the sender does not say.")
    )
    content_ref: str | None = Field(None, max_length=2048, description="Where the content is, for external_ref.")


class InferenceResponse(InferenceEvent):
    """What became of a call (topic `inference.responses`)."""

    kind: Literal["response"] = Field(description="Always response.")
    status: Literal["ok", "error", "partial", "timeout_no_response"] = Field(
        description="partial: the answer broke off; timeout_no_response: none came, as Sluice finds by itself."
    )
    response_id: str | None = Field(
        None, alias="gen_ai.response.id", max_length=256, description="The id the client sees."
    )
    response_model: str | None = Field(
        None, alias="gen_ai.response.model", max_length=256, description="The model that answered."
    )
    finish_reasons: list[str] = Field(
        default_factory=list, alias="gen_ai.response.finish_reasons", max_length=64, description="stop, length, …"
    )
    output_messages: Dialogue | None = Field(None, alias="gen_ai.output.messages", description="The answers.")
    output: JsonValue = Field(None, description="Output that is not a dialogue: predictions, tensors, embeddings.")
    input_tokens: Count | None = Field(
        None, alias="gen_ai.usage.input_tokens", description="Tokens read, cached included."
    )
    output_tokens: Count | None = Field(None, alias="gen_ai.usage.output_tokens", description="Tokens written.")
    cached_input_tokens: Count | None = Field(
        None, alias="gen_ai.usage.cache_read.input_tokens", description="Input tokens that came from a cache."
    )
    reasoning_tokens: Count | None = Field(
        None, alias="gen_ai.usage.reasoning.output_tokens", description="Output tokens spent on reasoning."
    )
    duration_s: Seconds | None = Field(None, description="From request to last byte, seconds.")
    time_to_first_chunk_s: Seconds | None = Field(
        None, alias="gen_ai.response.time_to_first_chunk", description="From request to first chunk, seconds."
    )
    error_type: str | None = Field(
        None, alias="error.type", max_length=256, description="Low cardinality, e.g. timeout."
    )
    error_message: str | None = Field(None, alias="error.message", description="For people.")
    http_status: int | None = Field(
        None, alias="http.response.status_code", ge=100, le=599, description="What the client was answered."
    )
    cost_usd: Seconds | None = Field(None, description="Cost in US dollars.")
    cache_hit: bool | None = Field(None, description="Answered from the gateway's cache?")


class Feedback(Event):
    """What a person, a program or a behaviour says about an inference (topic `inference.feedback`).

    At least one of value, label, explanation and correction, unless it withdraws earlier feedback; and a target:
    an inference id, an alias or a conversation. The last event of a `feedback_id`, by event time, holds.
    """

    kind: Literal["feedback"] = Field(description="Always feedback.")
    feedback_id: Identifier | None = Field(
        None, description="Names feedback that may be changed later; else the event_id."
    )
    inference_id: Identifier | None = Field(None, description="The call that this is about, where it is known.")
    target_scope: Literal["inference", "trace", "session"] = Field(
        "inference", description="What the feedback is about."
    )
    name: Identifier = Field(
        alias="gen_ai.evaluation.name",
        description="What was judged: user.thumbs, user.rating, implicit.regenerate, implicit.edit, …",
    )
    score: Number | None = Field(None, alias="gen_ai.evaluation.score.value", description="The judgement as a number.")
    label: str | None = Field(None, alias="gen_ai.evaluation.score.label", max_length=256, description="… as a word.")
    explanation: str | None = Field(None, alias="gen_ai.evaluation.explanation", description="… in words.")
    data_type: Literal["numeric", "categorical", "boolean", "text", "correction"] | None = Field(
        None, alias="feedback.data_type", description="How to read it."
    )
    score_range: tuple[Number, Number] | None = Field(
        None, alias="feedback.range", strict=False, description="Lowest and highest possible score."
    )
    choice: int | None = Field(
        None,
        alias="feedback.choice",
        ge=0,
        le=65_535,
        description="Which of the response's answers it is about, from 0 on; without it, all that was answered.",
    )
    weight: Seconds = Field(1.0, alias="feedback.weight", description="How much it counts.")
    rater_kind: Literal["human", "llm", "code", "implicit", "unknown"] = Field(
        "unknown", alias="feedback.source", description="Who judged; kinds never share a series."
    )
    rater_id: str | None = Field(None, alias="feedback.rater_id", max_length=256, description="Which of them.")
    correction: JsonValue = Field(None, alias="feedback.correction", description="What the answer should have been.")
    deleted: bool = Field(False, alias="feedback.deleted", description="True withdraws the feedback of this id.")
    error_type: str | None = Field(None, alias="error.type", max_length=256, description="Why a judge failed.")

    @model_validator(mode="after")
    def _says_something_about_something(self) -> Self:
        said = (self.score, self.label, self.explanation, self.correction, self.error_type)
        if not self.deleted and all(value is None for value in said):
            raise ValueError("feedback needs one of score.value, score.label, explanation or feedback.correction")
        if self.inference_id is None and not self.aliases and self.conversation_id is None:
            raise ValueError("feedback needs a target: inference_id, aliases or gen_ai.conversation.id")
        if self.score_range is not None and self.score_range[0] >= self.score_range[1]:
            raise ValueError("feedback.range must be [lowest, highest] with lowest < highest")
        return self


E = TypeVar("E", bound=Event)


@dataclass(slots=True)
class Received(Generic[E]):
    """Events of one kind in the order in which they were read, with where each came from as parallel lists.

    `records` are the ways back to the bytes, topic/partition/offset. `sources` number the partitions of all topics, and
    `positions` rise within each; `ingest_ms` is the Kafka timestamp, milliseconds since 1970.
    """

    events: list[E] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    ingest_ms: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not become an event, or an item of it, with why not; `detail` never quotes the record.

    `item` counts what was read from the record before. `value` is the record's bytes, or a message that holds only the
    item; of a record's further faults without such a message it is None: the first one of those has the bytes.
    """

    topic: str
    partition: int
    offset: int
    item: int
    ingest_ms: int
    reason: str
    detail: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Proof for one block of a partition's offsets, both ends included: `records` = `written` + `dead`.

    A record is dead when it gave nothing but dead letters; `events` and `letters` count what all of them gave.
    """

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    records: int
    written: int
    dead: int
    events: int
    letters: int


_WIDEST = 99.0  # a deviation of logarithms beyond which nobody has words


class Slice(BaseModel):
    """A part of a segment, and the share of a change that it carries."""

    model_config = ConfigDict(frozen=True)

    dimension: str
    value: str
    share: float


class Moved(BaseModel):
    """Another metric that changed along with a finding's own."""

    model_config = ConfigDict(frozen=True)

    metric: str
    direction: str
    before: float
    after: float


class Finding(BaseModel):
    """A detector's statement: in this segment this metric changed, since when, from what to what, for example here.

    It is said when it opens, when another metric joins it, and when it closes; the id is that of the opening, and the
    last statement by `said_unix_nano` holds. The id is a hash of segment, metric, detector, subject and the inference
    at which it was noticed, so that a replay repeats it. Means, with their 95% interval, are in the metric's own unit.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")

    finding_id: str
    state: Literal["open", "closed"]
    time_unix_nano: int = Field(description="Event time of the inference at which the change was noticed.")
    said_unix_nano: int = Field(description="Event time of this statement.")
    since_unix_nano: int = Field(description="Event time at which the change is estimated to have begun.")
    segment: str
    metric: str
    detector: str
    subject: str = Field("", description="The class, word, user or style that it is about, where there is one.")
    direction: Literal["up", "down", "other"]
    mean_before: float
    low_before: float
    high_before: float
    count_before: int = Field(description="Events that the mean before is taken over.")
    mean_after: float
    low_after: float
    high_after: float
    count_after: int
    log10_e: float = Field(description="Evidence: a stream at rest claims 10^x in an event with chance 10^-x at most.")
    seconded: bool = Field(description="A second detector, of another kind, saw it too.")
    learning: bool = Field(description="Less than a week had been learned.")
    event: int = Field(description="Number in the segment of the inference at which it was noticed.")
    since_event: int
    inference_id: str
    examples_before: list[str]
    examples_after: list[str]
    slices: list[Slice] = Field(default_factory=list, description="What carries it, greatest share first.")
    versions: list[str] = Field(default_factory=list, description="What was new shortly before it began.")
    also: list[Moved] = Field(default_factory=list, description="Other metrics that moved along.")

    @property
    def about(self) -> str:
        """The metric, and the class or word of it that is meant; harmless to print, as all that follows."""
        what = f"spread of {self.metric}" if self.detector == SPREAD else self.metric
        return harmless(f"{what} {self.subject}" if self.subject else what)

    def amount(self, value: float) -> str:
        """Say a value of what it is about; a spread by how much values usually differ from their middle."""
        if self.detector == SPREAD:
            return times(1.0, exp(min(value, _WIDEST))) or "unknown"
        return amount(self.metric, value, self.subject)

    @property
    def before(self) -> str:
        return self._estimate(self.mean_before, self.low_before, self.high_before)

    @property
    def after(self) -> str:
        return self._estimate(self.mean_after, self.low_after, self.high_after)

    @property
    def factor(self) -> str:
        return "" if self.detector == SPREAD else times(self.mean_before, self.mean_after)

    @property
    def evidence(self) -> str:
        chance = f"chance below 1 in 10^{self.log10_e:.0f}" if isfinite(self.log10_e) else "evidence unknown"
        return f"{chance}{', seconded' if self.seconded else ''}{', still learning' if self.learning else ''}"

    @property
    def carried(self) -> list[str]:
        return [harmless(f"{100 * each.share:.0f}% of it {each.dimension}={each.value}") for each in self.slices]

    @property
    def along(self) -> list[str]:
        return [
            harmless(f"{m.metric} {m.direction} {amount(m.metric, m.before)} → {amount(m.metric, m.after)}")
            for m in self.also
        ]

    def _estimate(self, *estimate: float) -> str:
        mean, low, high = (self.amount(value) for value in estimate)
        return mean if low == high else f"{mean} ({low} to {high})"

    def __str__(self) -> str:
        """Say all that a person needs first, in one line; `sluice findings show` takes the beginning of the id."""
        direction = "changed" if self.direction == "other" else self.direction
        known = isfinite(self.mean_before) or isfinite(self.mean_after)  # of a text nothing has a mean
        return "; ".join(
            (
                f"{'OVER: ' if self.state == 'closed' else ''}{self.about} {direction} in {harmless(self.segment)}"
                f" since {moment(self.since_unix_nano)}",
                *([f"{self.before} → {self.after}{f', {self.factor}' if self.factor else ''}"] if known else ()),
                self.evidence,
                *self.carried[:1],
                *(f"new before it: {harmless(version)}" for version in self.versions),
                *(f"with it: {moved}" for moved in self.along),
                f"finding {self.finding_id[:SHORT]}",
            )
        )


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """What a detector expects of a metric of a segment, as it was learned anew at event time `said_unix_nano`.

    `expected`, `band_low` and `band_high` have a value for each of the 168 hours of the UTC week, from Monday 00:00 on,
    in `unit`; NaN where nothing is known of an hour. `weeks` and `events` are what it was learned from. Raises
    ValueError where a list has another length.
    """

    segment: str
    metric: str
    said_unix_nano: int
    state: Literal["learning", "rolling", "pinned"]
    weeks: float
    unit: str
    expected: tuple[float, ...]
    band_low: tuple[float, ...]
    band_high: tuple[float, ...]
    events: int

    def __post_init__(self) -> None:
        lengths = {len(self.expected), len(self.band_low), len(self.band_high)}
        if lengths != {HOURS}:
            raise ValueError(f"A reference has a value for each of the {HOURS} hours of a week, not {sorted(lengths)}")


CONTRACT: dict[str, type[Event]] = {
    "inference.requests": InferenceRequest,
    "inference.responses": InferenceResponse,
    "inference.feedback": Feedback,
}


def json_schema() -> dict[str, Any]:
    """Return the contract as one JSON Schema (draft 2020-12) with a definition for each topic."""
    definitions: dict[str, Any] = {}
    for model in CONTRACT.values():
        schema = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions |= cast("dict[str, Any]", schema.pop("$defs", {}))
        definitions[model.__name__] = schema
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Sluice events, schema version {SCHEMA_VERSION}",
        "description": "Integers are written without a fraction: 12, not 12.0. NaN and Infinity are not JSON: in "
        "content they are stored as null, elsewhere they make the event a dead letter.",
        "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in CONTRACT.values()],
        "$defs": dict(sorted(definitions.items())),
    }
