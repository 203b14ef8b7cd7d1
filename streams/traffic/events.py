"""An inference becomes the JSON of its request and of its response, as a gateway would send them."""

from typing import Any

import orjson

from streams.traffic.inferences import Inference
from streams.traffic.patterns import PATTERNS


def request(inference: Inference) -> bytes:
    """Write the request; its event time is the start of the call."""
    route, dialogue = inference.gateway.route, inference.dialogue
    event = _common(inference, "request", inference.start_unix_nano)
    event["gen_ai.request.stream"] = inference.stream
    event["content_state"] = "captured" if route.captured else "not_captured"
    if route.operation == "embeddings":
        event["input"] = [inference.question]
        return orjson.dumps(event)
    event["gen_ai.request.temperature"] = 0.0 if route.labels else 0.7
    event["gen_ai.request.max_tokens"] = route.max_tokens
    if route.captured:
        event["gen_ai.system_instructions"] = [{"type": "text", "content": PATTERNS[dialogue.language].system}]
        said = [*zip(("user", "assistant"), inference.before or (), strict=False), ("user", inference.question)]
        event["gen_ai.input.messages"] = [_message(role, text) for role, text in said]
    return orjson.dumps(event)


def response(inference: Inference) -> bytes:
    """Write the response; its event time is the end of the call."""
    event = _common(inference, "response", inference.end_unix_nano)
    event["status"] = inference.status
    event["duration_s"] = round(inference.duration_s, 6)
    if inference.failure is not None:
        event["error.type"] = inference.failure.type
        event["error.message"] = inference.failure.message
        event["http.response.status_code"] = inference.failure.http_status
        return orjson.dumps(event)
    event["http.response.status_code"] = 200
    event["gen_ai.response.id"] = f"cmpl-{inference.number}"
    event["aliases"].append(f"resp:cmpl-{inference.number}")
    event["gen_ai.response.model"] = inference.response_model
    event["gen_ai.response.finish_reasons"] = inference.finish_reasons
    # Some gateways send null for what they do not know, some leave it out; these send null.
    event["gen_ai.usage.input_tokens"] = inference.input_tokens
    event["gen_ai.usage.cache_read.input_tokens"] = inference.cached_input_tokens
    event["gen_ai.usage.output_tokens"] = inference.output_tokens
    event["cost_usd"] = inference.cost_usd
    event["cache_hit"] = inference.cache_hit
    if inference.time_to_first_chunk_s is not None:
        event["gen_ai.response.time_to_first_chunk"] = round(inference.time_to_first_chunk_s, 6)
    if inference.answer is not None and inference.gateway.route.captured:
        finish = {"finish_reason": inference.finish_reasons[0]} if inference.finish_reasons else {}
        event["gen_ai.output.messages"] = [_message("assistant", inference.answer) | finish]
    return orjson.dumps(event)


def _common(inference: Inference, kind: str, time_unix_nano: int) -> dict[str, Any]:
    gateway, dialogue = inference.gateway, inference.dialogue
    event: dict[str, Any] = {
        "schema_version": 1,
        "kind": kind,
        "event_id": f"{inference.inference_id}/{kind}",
        "inference_id": inference.inference_id,
        "time_unix_nano": time_unix_nano,
        "source.format": "native",
        "service.name": gateway.route.service,
        "http.route": gateway.route.path,
        "gen_ai.operation.name": gateway.route.operation,
        "gen_ai.provider.name": gateway.model.provider,
        "gen_ai.request.model": gateway.model.name,
        "aliases": [],
    }
    if gateway.environment is not None:
        event["deployment.environment.name"] = gateway.environment
    if gateway.synthetic:
        event["synthetic"] = True
    if dialogue.user_id is not None:
        event["user.id"] = dialogue.user_id
        event["gen_ai.conversation.id"] = dialogue.conversation_id
        event["aliases"].append(f"sess:{dialogue.conversation_id}")
    if gateway.route.traced:
        event["trace_id"] = f"{inference.run}{inference.run}{inference.number}"
        event["span_id"] = inference.number
        event["aliases"].append(f"trace:{event['trace_id']}")
    return event


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}
