"""What a span or a log record says of one call becomes the call's request and its response."""

from typing import Any

from streams.events import EARLIEST_NS, LATEST_NS, InferenceRequest, InferenceResponse
from streams.gateways import messages, times, versions
from streams.gateways.base import InvalidEvent, build, short
from streams.gateways.dialects.places import Fields
from streams.gateways.telemetry import Attributes, Batch, Span
from streams.gateways.values import fields, flag, probe, word

LONGEST_VERSION = 64

_FIRST_CHUNKS = ("First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk")
_CONTENT = ("input_messages", "input", "system_instructions", "output_messages", "output")
_BEGUN = ("output_messages", "output", "finish_reasons", "output_tokens", "time_to_first_chunk_s", "response_id")
_ALIASES = (
    ("resp", "response_id"), ("sess", "conversation_id"), ("call", "call_id"), ("req", "request_id"),
)  # fmt: skip
_LABELS = ("langfuse.trace.metadata.", "langfuse.observation.metadata.", "litellm.metadata.")
_MARKS = ("synthetic", "canary")
_MARKED = {f"{start}{mark}": mark for start in _LABELS for mark in _MARKS} | {
    f"traceloop.association.properties.{mark}": mark for mark in _MARKS
}
_TAG_LISTS = ("langfuse.trace.tags", "tag.tags")
_SIGNS = frozenset({"user_agent.synthetic.type", "sluice.synthetic", "metadata", *_TAG_LISTS, *_MARKED})


def origin(batch: Batch[Any]) -> Fields:
    """Read what the resource and the scope say alike of all that they sent."""
    resource = batch.resource
    service = word(resource.get("service.name"))
    return {
        "source_version": batch.version[:LONGEST_VERSION] or None,
        # What OpenTelemetry's SDKs write where nobody gave a name.
        "service": None if service is not None and service.startswith("unknown_service") else service,
        "environment": word(resource.get("deployment.environment.name"))
        or word(resource.get("deployment.environment"))
        or word(resource.get("langfuse.environment")),
        "synthetic": synthetic(resource),
    }


def synthetic(attributes: Attributes) -> bool:
    """Tell whether the sender marks traffic that no person asked for: by attribute, tag or metadata."""
    if _SIGNS.isdisjoint(attributes):
        return False
    if word(attributes.get("user_agent.synthetic.type")) or flag(attributes.get("sluice.synthetic")):
        return True
    tags = [tag for name in _TAG_LISTS if isinstance(listed := attributes.get(name), list) for tag in listed]
    metadata = fields(messages.loaded(attributes.get("metadata")))
    named = {mark: messages.loaded(attributes[name]) for name, mark in _MARKED.items() if name in attributes}
    return any(mark in tags for mark in _MARKS) or probe(metadata) or probe(named)


def of_span(span: Span, said: Fields, sent: Fields) -> tuple[InferenceRequest, InferenceResponse]:
    """Make the two events of a call that a span tells of after the fact.

    Args:
        span: whose ids, times and status hold.
        said: what a dialect read from its attributes, with `source_format`.
        sent: what `origin` read.

    Raises:
        InvalidEvent: the span has no time that can be used.
    """
    start_ns, end_ns = span.start_ns, span.end_ns
    if usable(start_ns) and usable(end_ns):
        said["duration_s"] = times.between(start_ns, end_ns)
    else:
        start_ns = end_ns = _only(start_ns, end_ns)
    for moment in span.moments:
        if moment.name in _FIRST_CHUNKS and moment.time_ns >= start_ns:
            said.setdefault("time_to_first_chunk_s", (moment.time_ns - start_ns) / 1e9)
        elif moment.name == "exception" and span.failed and (kind := word(moment.attributes.get("exception.type"))):
            said.setdefault("error_type", kind)
    if span.failed:
        said["status"] = "error"
        if span.message:
            said.setdefault("error_message", span.message)
    if synthetic(span.attributes):
        said["synthetic"] = True
    if labels := versions.of_attributes(span.attributes):
        said["tags"] = labels
    both = {**sent, **said, **identified(said, span.trace_id, span.span_id)}
    return request(both, start_ns), response(both, end_ns)


def identified(said: Fields, trace_id: str, span_id: str) -> Fields:
    """Name the call: by the gateway's own id for it, else by its span; and every other id that feedback may use."""
    span = f"{trace_id}:{span_id}"
    aliases = [f"trace:{trace_id}", f"span:{span}"]
    for prefix, name in _ALIASES:
        if name in said:
            aliases.append(short(f"{prefix}:{said[name]}"))
    return {
        "inference_id": said.get("call_id") or span,
        "trace_id": trace_id,
        "span_id": span_id,
        "aliases": aliases,
    }


def request(both: Fields, time_ns: int) -> InferenceRequest:
    """Make the request of a call of what is said of the request and the response together. Raises InvalidEvent."""
    both["kind"] = "request"
    both["event_id"] = short(f"{both['inference_id']}:request")
    both["time_unix_nano"] = time_ns
    both["content_state"] = "not_captured" if both.keys().isdisjoint(_CONTENT) else "captured"
    return build(InferenceRequest, both)


def response(both: Fields, time_ns: int) -> InferenceResponse:
    """Make the response of a call of what is said of the request and the response together. Raises InvalidEvent.

    An interrupted stream is partial, even where its last word was that it stopped by itself.
    """
    failed = both.get("status") == "error" or "error_type" in both
    begun = failed and any(both.get(name) for name in _BEGUN)
    both["kind"] = "response"
    both["event_id"] = short(f"{both['inference_id']}:response")
    both["time_unix_nano"] = time_ns
    both["status"] = "ok" if not failed else "partial" if begun else "error"
    return build(InferenceResponse, both)


def usable(time_ns: int) -> bool:
    """Tell whether a time lies where the contract allows it; 0 stands for none."""
    return EARLIEST_NS <= time_ns < LATEST_NS


def _only(start_ns: int, end_ns: int) -> int:
    """Return the one time that can be used, which then stands for both."""
    for time_ns in (start_ns, end_ns):
        if usable(time_ns):
            return time_ns
    raise InvalidEvent(
        "wrong_shape", "A span with neither start nor end between 2015 and 2100: send nanoseconds since 1970 in UTC."
    )
