"""Kong's log entries, as the plugin kafka-log writes them, become events where an AI plugin proxied a call to a model.

Source: Kong's AI audit log reference (3.6 to 3.14, AI Gateway 2.0) and kong/llm/plugin in its repository. Not
established: the record key, and the payload of a streamed answer, which is read both as JSON and as a stream.
"""

import re
from collections.abc import Mapping
from typing import Any

from streams.gateways import access_logs, json_items, openai_api, payloads
from streams.gateways.base import Decoded, Headers, InvalidEvent
from streams.gateways.values import fields, known, number, probe, seconds, word

# `proxy` since 3.9, before it the plugin's name; other plugins that ask a model themselves come after the proxied call.
_PROXIES = ("proxy", "ai-proxy", "ai-proxy-advanced")
_UNKNOWN = "UNSPECIFIED"
_OPERATIONS = {
    "llm/v1/chat": "chat",
    "llm/v1/responses": "chat",
    "llm/v1/completions": "text_completion",
    "llm/v1/embeddings": "embeddings",
}
_NAMES = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
_TRACE = re.compile("[0-9a-f]{32}")


def kong(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:  # noqa: ARG001
    """Read a log entry or an array of them. Entries without statistics of an AI plugin give nothing.

    Raises InvalidEvent.
    """
    return json_items.read(value, _events)


def _events(said: object) -> list[Decoded]:
    entry = access_logs.entry(said)
    if "ai" not in entry:
        return []
    ai = fields(entry["ai"])
    ran = _ran(ai)
    if ran is None:
        return []
    request, response = fields(entry.get("request")), fields(entry.get("response"))
    inference_id, started_ns = word(request.get("id")), access_logs.nanoseconds(entry.get("started_at"))
    if inference_id is None or started_ns is None:
        raise InvalidEvent("wrong_shape", "request.id and started_at are missing: keep Kong's own log fields.")
    asked, answered = _asked(ran, ai), _answered(ran)
    stream = {"stream": True, "oneshot": False}.get(word(_meta(ran).get("request_mode")) or "", asked.get("stream"))
    operation = _operation(ran, asked, request)
    shared = {
        **_shared(entry, ran, asked),
        "inference_id": inference_id,
        "operation": operation,
        "aliases": _aliases(entry, inference_id),
    }
    first = seconds(fields(ran.get("usage")).get("time_to_first_token")) if stream else None
    return access_logs.inference(
        {**asked, "stream": stream},
        {**answered, "time_to_first_chunk_s": first or None},
        shared,
        started_ns=started_ns,
        duration_s=seconds(fields(entry.get("latencies")).get("request")),
        status=response.get("status"),
    )


def _ran(ai: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the statistics of the plugin that proxied the call; None for traffic of tools (mcp) and agents (a2a)."""
    for name in _PROXIES:
        if isinstance(ai.get(name), dict):
            return fields(ai[name])
    return next((said for said in ai.values() if isinstance(said, dict) and ("meta" in said or "usage" in said)), None)


def _meta(ran: Mapping[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in fields(ran.get("meta")).items() if said != _UNKNOWN}


def _asked(ran: Mapping[str, Any], ai: Mapping[str, Any]) -> dict[str, Any]:
    """Read the request's body, which is there only where payloads are logged, in the plugin's own part or beside it."""
    body = fields(ran.get("payload")).get("request") or fields(ai.get("payload")).get("request")
    return payloads.request(body) if body else {"content_state": "not_captured"}


def _answered(ran: Mapping[str, Any]) -> dict[str, Any]:
    body = fields(ran.get("payload")).get("response")
    said = fields(ran.get("usage"))
    counted = openai_api.usage(said)
    if counted["input_tokens"] == 0:  # Kong writes 0 for what it has not counted
        counted = {}
    cost = number(said.get("cost"))
    cached = word(fields(ran.get("cache")).get("cache_status"))
    told = {
        **counted,
        "response_model": word(_meta(ran).get("response_model")),
        "cost_usd": cost if cost and cost > 0 else None,  # 0 unless the model's prices are configured
        "cache_hit": cached.lower() == "hit" if cached else None,
    }
    return (payloads.response(body) if body else {"status": "ok"}) | known(told)


def _shared(entry: Mapping[str, Any], ran: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    meta, consumer = _meta(ran), fields(entry.get("consumer"))
    consumers = (word(consumer.get(name)) for name in ("custom_id", "username", "id"))
    trace_id = _trace_id(entry)
    workspace = word(entry.get("workspace_name"))
    return {
        "source_format": "kong",
        "provider": (word(meta.get("provider_name")) or "")[:128] or None,
        "request_model": word(meta.get("request_model")) or asked.get("request_model"),
        "service": word(fields(entry.get("service")).get("name")),
        "route": word(fields(entry.get("route")).get("name")),
        "user_id": asked.get("user_id") or next((said for said in consumers if said), None),
        "trace_id": trace_id,
        "tags": {"workspace": workspace} if workspace else {},
        "synthetic": probe(fields(fields(entry.get("request")).get("headers"))),
    }


def _operation(ran: Mapping[str, Any], asked: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Tell what was asked: by the statistics, else the body, else the path; models that are proxied mostly chat."""
    named = word(_meta(ran).get("operation_name"))
    if named:
        return named if named in _NAMES else "generate_content"
    tried = ran.get("tried_targets")
    last = fields(tried[-1]) if isinstance(tried, list) and tried else {}
    routed = _OPERATIONS.get(word(last.get("route_type")) or "")
    told = asked.get("operation")
    return routed or (told if told in _NAMES else None) or access_logs.operation(request.get("uri")) or "chat"


def _aliases(entry: Mapping[str, Any], inference_id: str) -> list[str]:
    """Give the id that the client sees in x-kong-request-id, the one it sent itself, and the trace's."""
    sent = word(fields(fields(entry.get("request")).get("headers")).get("x-request-id"))
    seen = word(fields(fields(entry.get("response")).get("headers")).get("x-kong-request-id"))
    trace_id = _trace_id(entry)
    named = [f"req:{each}" for each in (seen or inference_id, sent) if each]
    return [*named, f"trace:{trace_id}"] if trace_id else named


def _trace_id(entry: Mapping[str, Any]) -> str | None:
    said = fields(entry.get("trace_id")).get("w3c")
    return said if isinstance(said, str) and _TRACE.fullmatch(said) else None
