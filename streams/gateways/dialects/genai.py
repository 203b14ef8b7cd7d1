"""Attributes of OpenTelemetry's GenAI conventions, new and old, become fields of a call's request and response.

LiteLLM, vLLM and OpenLLMetry speak this, with words of their own beside. Source: semantic-conventions 1.27 to 1.41 and
semantic-conventions-genai; OpenLLMetry's semconv_ai 0.5.1.
"""

from typing import Any

from streams.gateways import messages
from streams.gateways.dialects.places import (
    MOST_REASONS,
    Fields,
    Place,
    http_status,
    placed,
    positive,
    provider,
    reasons,
    seed,
    text,
)
from streams.gateways.dialects.unfolded import openllmetry
from streams.gateways.openai_api import output_type
from streams.gateways.telemetry import Attributes
from streams.gateways.values import count, flag, number, word

# Other operations (tools, agents, retrieval) are no inferences.
OPERATIONS = ("chat", "text_completion", "generate_content", "embeddings", "predict")


def said(attributes: Attributes) -> Fields:
    """Read what is said of a call: fields of the request and the response by attribute name, only those known."""
    read = placed(attributes, _PLACES)
    read |= content(_messages(attributes, "gen_ai.input.messages", "gen_ai.prompt"), "input")
    read |= content(_messages(attributes, "gen_ai.output.messages", "gen_ai.completion"), "output")
    if "finish_reasons" not in read and (ended := messages.finish_reasons(read.get("output_messages"))):
        read["finish_reasons"] = ended[:MOST_REASONS]
    return read


def content(value: object, name: str) -> Fields:
    """Read `input` or `output`: messages, structured or as a JSON string; what is in no known form stays as it came."""
    loaded = unpacked(value)
    if loaded is None or loaded in ("", [], {}):
        return {}
    dialogue = messages.messages(loaded if isinstance(loaded, list) else [loaded])
    return {name: loaded} if dialogue is None else {f"{name}_messages": dialogue}


def unpacked(value: Any) -> Any:
    """Read a list or an object from JSON in a string; text that is other JSON, such as 42, is text."""
    return messages.loaded(value) if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") else value


def _messages(attributes: Attributes, name: str, former: str) -> object:
    """Find messages: whole, whole under the name of 1.27, or an attribute for each word as OpenLLMetry wrote."""
    whole = attributes.get(name) or attributes.get(former)
    if whole is None and (f"{former}.0.role" in attributes or f"{former}.0.content" in attributes):
        return openllmetry(attributes, former)
    return whole


def _parts(value: object) -> list[Any] | None:
    loaded = messages.loaded(value)
    if isinstance(loaded, list) and all(map(messages.is_part, loaded)):
        return loaded or None
    return [messages.text(value)] if isinstance(value, str) and value else None


def _tools(value: object) -> list[Any] | None:
    loaded = messages.loaded(value)
    return loaded if isinstance(loaded, list) and loaded else None


_PLACES = {
    "gen_ai.operation.name": Place("operation", word),
    "gen_ai.provider.name": Place("provider", provider),
    "gen_ai.system": Place("provider", provider, former=True),
    "gen_ai.conversation.id": Place("conversation_id", word),
    "session.id": Place("conversation_id", word, former=True),
    "user.id": Place("user_id", word),
    "enduser.id": Place("user_id", word, former=True),
    "gen_ai.user": Place("user_id", word, former=True),
    "llm.user": Place("user_id", word, former=True),
    "http.route": Place("route", word),
    "gen_ai.request.model": Place("request_model", word),
    "gen_ai.request.stream": Place("stream", flag),
    "gen_ai.is_streaming": Place("stream", flag, former=True),
    "llm.is_streaming": Place("stream", flag, former=True),
    "gen_ai.request.temperature": Place("temperature", number),
    "gen_ai.request.top_p": Place("top_p", number),
    "gen_ai.request.max_tokens": Place("max_tokens", count),
    "gen_ai.request.max_completion_tokens": Place("max_tokens", count, former=True),
    "gen_ai.request.seed": Place("seed", seed),
    "gen_ai.openai.request.seed": Place("seed", seed, former=True),
    "gen_ai.request.choice.count": Place("choice_count", count),
    "gen_ai.request.n": Place("choice_count", count, former=True),
    "gen_ai.output.type": Place("output_type", output_type),
    "gen_ai.openai.request.response_format": Place("output_type", output_type, former=True),
    "gen_ai.system_instructions": Place("system_instructions", _parts),
    "gen_ai.tool.definitions": Place("tool_definitions", _tools),
    "gen_ai.response.id": Place("response_id", word),
    "gen_ai.response.model": Place("response_model", word),
    "gen_ai.response.finish_reasons": Place("finish_reasons", reasons),
    "gen_ai.response.finish_reason": Place("finish_reasons", reasons, former=True),
    "llm.response.finish_reason": Place("finish_reasons", reasons, former=True),
    "gen_ai.usage.input_tokens": Place("input_tokens", count),
    "gen_ai.usage.prompt_tokens": Place("input_tokens", count, former=True),
    "gen_ai.usage.output_tokens": Place("output_tokens", count),
    "gen_ai.usage.completion_tokens": Place("output_tokens", count, former=True),
    "gen_ai.usage.cache_read.input_tokens": Place("cached_input_tokens", count),
    "gen_ai.usage.cache_read_input_tokens": Place("cached_input_tokens", count, former=True),
    "gen_ai.usage.reasoning.output_tokens": Place("reasoning_tokens", count),
    "gen_ai.usage.reasoning_tokens": Place("reasoning_tokens", count, former=True),
    "llm.usage.reasoning_tokens": Place("reasoning_tokens", count, former=True),
    "gen_ai.response.time_to_first_chunk": Place("time_to_first_chunk_s", positive),
    "gen_ai.latency.time_to_first_token": Place("time_to_first_chunk_s", positive, former=True),
    "error.type": Place("error_type", word),
    "error.message": Place("error_message", text),
    "http.response.status_code": Place("http_status", http_status),
}
