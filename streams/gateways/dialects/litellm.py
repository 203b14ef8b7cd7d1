"""LiteLLM's spans become fields of a call's request and response: the GenAI conventions and words of its own.

Its call id is also that of its other logs and of the client's header x-litellm-call-id. Source: LiteLLM 1.106,
integrations/otel/model/semconv.py.
"""

from streams.gateways.dialects import genai
from streams.gateways.dialects.places import Fields, http_status, positive
from streams.gateways.telemetry import Span
from streams.gateways.values import flag, known, word


def said(span: Span) -> Fields:
    """Read a span of a call of a model. LiteLLM writes 0 for tokens and costs that it does not know: these are None."""
    attributes = span.attributes
    read = genai.said(attributes)
    own = {
        "call_id": word(attributes.get("litellm.call_id")),
        "stream": flag(attributes.get("litellm.request.streaming")),
        "route": word(attributes.get("litellm.request.route")),
        "http_status": http_status(attributes.get("litellm.provider.error.code")),
        "cost_usd": positive(attributes.get("litellm.cost.total")),
        "user_id": word(attributes.get("litellm.end_user.id"))
        or word(attributes.get("litellm.metadata.user_api_key_end_user_id")),
    }
    read |= known(own)
    if span.failed or not read.get("input_tokens"):
        for name in ("input_tokens", "output_tokens", "cached_input_tokens", "cost_usd"):
            if not read.get(name):
                read.pop(name, None)
    return read
