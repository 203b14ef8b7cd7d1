"""OpenInference's spans become fields of a call's request and response.

`input.value` and `output.value` are often the bodies of the HTTP API as they were, and then say the most; the flattened
messages stand in. Source: openinference-semantic-conventions 0.1.42, openinference-instrumentation-openai 0.1.66.
"""

from streams.gateways import messages, openai_api
from streams.gateways.dialects import genai
from streams.gateways.dialects.places import PARAMETERS, Fields, Place, placed, positive, provider, reasons
from streams.gateways.dialects.unfolded import openinference
from streams.gateways.telemetry import Attributes, Span
from streams.gateways.values import count, fields, known, word

OPERATIONS = {"LLM": "chat", "EMBEDDING": "embeddings"}  # chains, agents, tools and retrievers are no inferences

_WITHHELD = "__REDACTED__"  # what stands for content where the sender is set to hide it


def said(span: Span) -> Fields:
    """Read a span of the kind LLM, which chats and text completions share, or EMBEDDING."""
    attributes = span.attributes
    operation = OPERATIONS[attributes["openinference.span.kind"]]
    measured = placed(attributes, _PLACES)
    read = {"operation": operation, **_asked(attributes), **_answered(attributes), **measured}
    # The one name of a model is that of the answer; where there is no answer it is all that is known of the request.
    if "response_model" not in measured:
        model = word(attributes.get("llm.model_name")) or word(attributes.get("embedding.model_name"))
        read.setdefault("response_model" if "output.value" in attributes else "request_model", model)
    return read | ({"operation": operation} if operation == "embeddings" else {})


def _asked(attributes: Attributes) -> Fields:
    body = fields(messages.loaded(attributes.get("input.value")))
    if openai_api.asks(body):
        return known(openai_api.request(body))
    told = attributes.get("llm.invocation_parameters") or attributes.get("embedding.invocation_parameters")
    parameters = fields(messages.loaded(told))
    read = known({"request_model": word(parameters.get("model"))}) | placed(parameters, PARAMETERS)
    if dialogue := openinference(attributes, "llm.input_messages"):
        return read | {"input_messages": dialogue}
    return read | _content(attributes.get("input.value"), "input")


def _answered(attributes: Attributes) -> Fields:
    body = fields(messages.loaded(attributes.get("output.value")))
    if openai_api.answers(body):
        return known(openai_api.response(body))
    if dialogue := openinference(attributes, "llm.output_messages"):
        return {"output_messages": dialogue}
    return _content(attributes.get("output.value"), "output")


def _content(value: object, name: str) -> Fields:
    return {} if value == _WITHHELD else genai.content(value, name)


_PLACES = {
    "llm.system": Place("provider", provider),
    "llm.provider": Place("provider", provider, former=True),
    "llm.request.model_name": Place("request_model", word),
    "llm.response.model_name": Place("response_model", word),
    "llm.finish_reason": Place("finish_reasons", reasons, former=True),
    "llm.token_count.prompt": Place("input_tokens", count),
    "llm.token_count.completion": Place("output_tokens", count),
    "llm.token_count.prompt_details.cache_read": Place("cached_input_tokens", count),
    "llm.token_count.completion_details.reasoning": Place("reasoning_tokens", count),
    "llm.cost.total": Place("cost_usd", positive),
    "session.id": Place("conversation_id", word),
    "user.id": Place("user_id", word),
    "http.route": Place("route", word),
}
