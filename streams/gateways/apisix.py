"""APISIX's log entries, as kafka-logger writes them, become events where ai-proxy or ai-proxy-multi served the call.

Source: apisix/plugins/ai-proxy/base.lua and apisix/utils/log-util.lua (3.13 to 3.17). Not established: the names in a
log_format of one's own, of which only the ai-proxy fields, service_id and route_id are then read, and the provider,
which APISIX does not log.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from streams.gateways import access_logs, json_items, messages, openai_api, payloads
from streams.gateways.base import Decoded, Headers
from streams.gateways.values import count, fields, flag, known, probe, seconds, word

_OWN = ("llm_summary", "llm_request", "llm_response_text")


def apisix(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:  # noqa: ARG001
    """Read a log entry or an array of them. Entries without fields of ai-proxy give nothing. Raises InvalidEvent.

    An entry without start_time, in a log_format of one's own, has the record's Kafka time.
    """
    return json_items.read(value, partial(_events, ingest_ns=ingest_ns))


def _events(said: object, *, ingest_ns: int) -> list[Decoded]:
    entry = access_logs.entry(said)
    if not any(isinstance(entry.get(name), dict) for name in _OWN):
        return []
    summary = fields(entry.get("llm_summary"))
    request, response = fields(entry.get("request")), fields(entry.get("response"))
    asked, answered = _asked(entry, request), _answered(entry, summary, response)
    stream = flag(summary.get("stream"))
    stream = asked.get("stream") if stream is None else stream
    # `duration` is the time to the first token, whatever its name says, and of a call without streaming the whole.
    first = seconds(summary.get("duration")) if stream else None
    started_ns = access_logs.nanoseconds(entry.get("start_time"))
    lasted = (seconds(said) for said in (entry.get("latency"), summary.get("upstream_response_time")))
    return access_logs.inference(
        {**asked, "stream": stream},
        {**answered, "time_to_first_chunk_s": first or None},
        _shared(entry, summary, asked),
        started_ns=ingest_ns if started_ns is None else started_ns,
        duration_s=next((length for length in lasted if length), None),
        status=response.get("status"),
    )


def _asked(entry: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Read the request's body where it is logged whole, else what ai-proxy logs of it."""
    if isinstance(request.get("body"), str):
        return payloads.request(request["body"])
    logged = fields(entry.get("llm_request"))
    said = logged.get("messages")
    if not said:
        return {"content_state": "not_captured", "stream": flag(logged.get("stream"))}
    name = "messages" if isinstance(said, list) and isinstance(said[0], dict) else "input"
    streamed = {"stream": True} if flag(logged.get("stream")) else {}
    return openai_api.request({name: said, **streamed})


def _answered(entry: Mapping[str, Any], summary: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, Any]:
    text = fields(entry.get("llm_response_text")).get("content")
    if isinstance(response.get("body"), str):
        answered = payloads.response(response["body"])
    else:
        said = [messages.spoken("assistant", text)] if isinstance(text, str) and text else None
        answered = {"status": "ok", "output_messages": said}
    counted = openai_api.usage(summary)
    counted["cached_input_tokens"] = count(summary.get("cache_read_input_tokens"))
    counted["reasoning_tokens"] = count(summary.get("reasoning_tokens"))
    if counted["input_tokens"] == 0:  # APISIX writes 0 for what it has not counted
        counted = {}
    return answered | known({**counted, "response_model": word(summary.get("model"))})


def _shared(entry: Mapping[str, Any], summary: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    request = fields(entry.get("request"))
    consumer = word(fields(entry.get("consumer")).get("username"))
    headers = [fields(said.get("headers")) for said in (request, fields(entry.get("response")))]
    named = [word(said.get("x-request-id")) for said in headers]
    told = asked.get("operation")
    return {
        "inference_id": _inference_id(entry),
        "aliases": [f"req:{each}" for each in named if each],
        "source_format": "apisix",
        "source_version": (word(fields(entry.get("server")).get("version")) or "")[:64] or None,
        "operation": access_logs.operation(request.get("uri")) or (told if told != "predict" else None) or "chat",
        "request_model": word(summary.get("request_model")) or asked.get("request_model") or word(summary.get("model")),
        "service": word(entry.get("service_id")),
        "route": word(entry.get("route_id")),
        "user_id": word(summary.get("end_user_id")) or asked.get("user_id") or consumer,
        "synthetic": probe(headers[0]),
    }


def _inference_id(entry: Mapping[str, Any]) -> str:
    """Name an entry, which has no id of its own, by its content: one that a client chose may come with many calls."""
    try:
        content = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits
        content = json.dumps(entry, sort_keys=True).encode()
    return f"apisix:{hashlib.blake2b(content, digest_size=16).hexdigest()}"
