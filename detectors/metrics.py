"""The map of what is watched: each metric's name, kind, unit, and in which direction it is worse."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """How a metric is watched."""

    RATE = "rate"  # 0 or 1 an event
    POSITIVE = "positive"  # heavy-tailed, changes by factors: watched on a logarithmic scale
    REAL = "real"  # any number: watched as it is
    CATEGORY = "category"  # one word of a few
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `unit` is what is added before the logarithm of a POSITIVE one, so that 0 has one, in the metric's
    own unit; well below it differences no longer count. What is said `afterwards` of some answers is a rate of all of
    them (`detectors.afterwards`)."""

    name: str
    kind: Kind
    meaning: str
    worse: Literal["up", "down"] | None = None
    unit: float = 1.0
    afterwards: bool = False


def _rate(name: str, meaning: str, *, afterwards: bool = False) -> Metric:
    return Metric(name, Kind.RATE, meaning, worse="up", afterwards=afterwards)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _rate("error", "calls that failed or were never answered"),
        _rate("refusal", "answers that refuse, in English or Chinese"),
        _rate("empty", "answers without text, tool call or other content"),
        _rate("truncated", "answers cut at the token limit, or broken off"),
        _rate("invalid_json", "answers that are not JSON where JSON was asked for"),
        _rate("tool_failure", "tool calls that name no offered tool, or whose arguments are not JSON"),
        _rate("thumbs_down", "thumbs down among thumbs, from people"),
        _rate("complaint", "answers that got a thumb down, of all", afterwards=True),
        _rate("incorrect", "predictions that a label, come later, shows to be wrong"),
        Metric("duration_s", Kind.POSITIVE, "seconds from request to last byte", "up", 1e-3),
        Metric("time_to_first_chunk_s", Kind.POSITIVE, "seconds from request to first chunk", "up", 1e-3),
        Metric("input_tokens", Kind.POSITIVE, "tokens read"),
        Metric("output_tokens", Kind.POSITIVE, "tokens written"),
        Metric("tokens_per_s", Kind.POSITIVE, "tokens written a second of the call", "down", 0.1),
        Metric("cost_usd", Kind.POSITIVE, "US dollars a call", "up", 1e-6),
        Metric("output_chars", Kind.POSITIVE, "characters of the answer's text"),
        Metric("repetition", Kind.POSITIVE, "share of an answer's word triples that came before in it", "up", 1e-2),
        Metric("prediction", Kind.REAL, "the number that a model predicts"),
        Metric("finish_reason", Kind.CATEGORY, "why an answer ended"),
        Metric("language", Kind.CATEGORY, "language of the answer, as far as a glance tells"),
        Metric("predicted_class", Kind.CATEGORY, "the class that a model predicts"),
        Metric("tool", Kind.CATEGORY, "the tool that an answer calls first"),
        Metric("input_text", Kind.TEXT, "style and words of what is asked"),
        Metric("output_text", Kind.TEXT, "style and words of what is answered"),
    )
}

# Words that say which part of a segment an inference belongs to; not watched themselves, but a finding names the part
# that carries it, and a change of the first three is a mark on the time line.
VERSIONS = ("response_model", "model_version", "prompt_version")
SLICES = (*VERSIONS, "provider", "operation", "stream", "language", "finish_reason", "tool", "predicted_class")


def metric_of(name: str, *, words: bool = False) -> Metric | None:
    """Return what is known of a metric by name; None where it is not watched.

    What senders name themselves goes by its prefix: `implicit.…` is a rate, `feature.…` a number or a word (`words`).

    >>> metric_of("error").kind, metric_of("implicit.regenerate").kind, metric_of("feature.age").kind
    (<Kind.RATE: 'rate'>, <Kind.RATE: 'rate'>, <Kind.REAL: 'real'>)
    >>> metric_of("response_model", words=True) is None
    True
    """
    known = METRICS.get(name)
    if known is not None:
        return known
    if name.startswith("implicit."):
        return _rate(name, "calls after which people did this", afterwards=True)
    if name.startswith("feature."):
        return Metric(name, Kind.CATEGORY if words else Kind.REAL, "a feature that a model is given")
    return None
