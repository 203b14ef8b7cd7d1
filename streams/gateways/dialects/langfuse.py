"""Langfuse's spans (SDK 3 to 5) become fields of a call's request and response; their values are JSON in strings.

What they observe is what Langfuse's own ingestion sends, under other names. Source: langfuse 5.0.4, attributes.py.
"""

from typing import Any

from streams.gateways import langfuse_observations, messages, times
from streams.gateways.dialects import genai
from streams.gateways.dialects.places import Fields
from streams.gateways.telemetry import Span
from streams.gateways.values import known, word

OPERATIONS = {"generation": "chat", "embedding": "embeddings"}  # what other types observe is no inference

_AS_INGESTED = {
    "input": "input", "output": "output", "modelParameters": "model.parameters", "usageDetails": "usage_details",
    "costDetails": "cost_details", "level": "level", "statusMessage": "status_message",
}  # fmt: skip


def said(span: Span) -> Fields:
    """Read a generation or an embedding."""
    operation = OPERATIONS[span.attributes["langfuse.observation.type"]]
    observation = {name: _own(span, own) for name, own in _AS_INGESTED.items()}
    started_ns = times.of_iso(messages.loaded(_own(span, "completion_start_time")))
    read = {
        **langfuse_observations.answered(observation, operation),
        **langfuse_observations.asked(observation, operation),
        "operation": operation,
        "request_model": word(_own(span, "model.name")),
        "environment": word(span.attributes.get("langfuse.environment")),
        "time_to_first_chunk_s": times.between(span.start_ns, started_ns),
        "status": "error" if observation["level"] == "ERROR" else None,
    }
    return genai.said(span.attributes) | known(read)


def _own(span: Span, name: str) -> Any:
    """Read an attribute of the observation: an object or a list from JSON, and other text as it came."""
    return genai.unpacked(span.attributes.get(f"langfuse.observation.{name}"))
