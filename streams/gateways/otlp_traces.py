"""Spans of OTLP become the requests and responses of inferences; spans about anything else give nothing."""

from collections.abc import Iterator

from streams.gateways import calls, otlp
from streams.gateways.base import Decoded, Headers, InvalidEvent
from streams.gateways.dialects import genai, langfuse, litellm, openinference, vllm
from streams.gateways.dialects.places import Fields
from streams.gateways.telemetry import Batch, SetAside, Span

# OpenLLMetry's own; LiteLLM, which writes some of them, too, is told apart before.
_OPENLLMETRY = frozenset({
    "gen_ai.is_streaming", "gen_ai.usage.total_tokens", "gen_ai.openai.api_base",
    "llm.is_streaming", "llm.usage.total_tokens", "llm.request.type",
})  # fmt: skip
_REQUEST_TYPES = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings"}


def traces(value: bytes, headers: Headers, _ingest_ns: int) -> Iterator[Decoded]:
    """Read an ExportTraceServiceRequest, protobuf or JSON: a request and a response for each call of a model.

    Raises InvalidEvent(not_protobuf, not_json or not_otlp_json).
    """
    return otlp.events(otlp.traces(value, headers), _events)


def _events(batch: Batch[Span]) -> Iterator[Decoded | SetAside]:
    sent = calls.origin(batch)
    for span in batch:
        if isinstance(span, SetAside):
            yield span
        elif (said := _said(span)) is not None:
            try:
                yield from calls.of_span(span, said, sent)
            except InvalidEvent as wrong:
                yield SetAside(wrong, (span.raw,))


def _said(span: Span) -> Fields | None:
    """Read a span in its dialect; None for one that is not of an inference.

    What says so is the kind of operation, never any other attribute: LiteLLM writes the model on a span of FastAPI's.
    The gateway's word comes first: LiteLLM can speak Langfuse's and OpenInference's besides its own.
    """
    attributes = span.attributes
    operation = attributes.get("gen_ai.operation.name")
    if "litellm.call_id" in attributes:
        return _in("litellm_otel", litellm.said(span)) if operation in genai.OPERATIONS else None
    observed = attributes.get("langfuse.observation.type")
    if observed is not None:
        return _in("langfuse_otel", langfuse.said(span)) if observed in tuple(langfuse.OPERATIONS) else None
    kind = attributes.get("openinference.span.kind")
    if kind is not None:
        return _in("openinference", openinference.said(span)) if kind in tuple(openinference.OPERATIONS) else None
    if operation is not None:
        return _of_conventions(span) if operation in genai.OPERATIONS else None
    former = attributes.get("llm.request.type")
    if former in tuple(_REQUEST_TYPES):
        return _of_conventions(span) | {"operation": _REQUEST_TYPES[former]}
    return _in("vllm", vllm.said(span)) if vllm.asks(span) else None


def _of_conventions(span: Span) -> Fields:
    openllmetry = not _OPENLLMETRY.isdisjoint(span.attributes)
    return _in("openllmetry" if openllmetry else "otlp_genai", genai.said(span.attributes))


def _in(source_format: str, said: Fields) -> Fields:
    said["source_format"] = source_format
    return said
