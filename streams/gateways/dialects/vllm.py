"""vLLM's spans become fields of a call's request and response: lengths and counts without content.

Source: vLLM 0.22, tracing and v1/engine/output_processor.py.
"""

from streams.gateways.dialects import genai
from streams.gateways.dialects.places import Fields
from streams.gateways.telemetry import Attributes, Span
from streams.gateways.values import word


def asks(span: Span) -> bool:
    """Tell whether this is the span of a request to the engine, which names no operation."""
    return span.name == "llm_request" and "gen_ai.request.id" in span.attributes


def said(span: Span) -> Fields:
    """Read a span of the engine, to which every request is a completion of tokens, whatever the API was."""
    read = {"operation": "text_completion", "provider": "vllm", **genai.said(span.attributes)}
    return read | _ids(span.attributes)


def _ids(attributes: Attributes) -> Fields:
    """Read the request's id, which for a chat is the id of the answer, too, as the client sees it."""
    request_id = word(attributes.get("gen_ai.request.id"))
    if request_id is None:
        return {}
    return {"request_id": request_id} | ({"response_id": request_id} if request_id.startswith("chatcmpl-") else {})
