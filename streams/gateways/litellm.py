"""LiteLLM's StandardLoggingPayload, a record a call after it has ended, becomes a request and a response.

A retry is a call of its own. Requester headers, keys and tracebacks, which a record holds too, are not read.
Source: litellm/types/utils.py, and what a proxy of 1.105.0 sent.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways import json_items, litellm_payload, times
from streams.gateways.base import Decoded, Headers, InvalidEvent, build, header, short
from streams.gateways.litellm_payload import Payload
from streams.gateways.values import fields, probe, word

# Images, speech, transcripts, rerankings, files and batches are no inferences of Sluice's.
_OPERATIONS = {
    "completion": "chat",
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "responses": "chat",
    "anthropic_messages": "chat",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
}
_OPERATIONS |= {f"a{name}": operation for name, operation in _OPERATIONS.items()}  # the asynchronous ones

_USER_AGENT = "User-Agent: "  # begins the tags that the proxy makes of a requester's header
_MOST_TAGS = 32
_OF_ITS_OWN = re.compile("[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")  # a trace id that nobody chose
_HEX = re.compile("[0-9a-f]{32}")

_SPARSE = 16  # bytes to an object, at least, in payloads, which have hundreds; in denser junk each would cost a Payload
_PAYLOADS = msgspec.json.Decoder(list[Payload] | Payload)


def litellm(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:  # noqa: ARG001
    """Read what the callback generic_api posts: one payload, an array of them, or one a line. Raises InvalidEvent."""
    name, _, version = (header(headers, "user-agent") or "").partition("/")
    events = partial(_events, version=version[:64] if name == "litellm" else None)
    return json_items.read(value, events, load=_load, alone=_alone)


def _load(value: bytes) -> Any:
    if value.count(b"{") * _SPARSE < len(value):
        try:
            return _PAYLOADS.decode(value)
        except (ValueError, RecursionError):  # no JSON, an item that is no payload, or NaN
            pass
    return json_items.loaded(value)


def _alone(payloads: Sequence[Any]) -> bytes | None:
    try:
        return msgspec.json.encode(payloads)
    except (ValueError, OverflowError, RecursionError):  # reads deeper nesting and greater integers than it writes
        return None


def _payload(said: Any) -> Payload:
    try:
        return said if isinstance(said, Payload) else msgspec.convert(said, Payload)
    except ValueError:
        raise InvalidEvent(
            "wrong_shape", "A payload is a JSON object: send LiteLLM's StandardLoggingPayload."
        ) from None


def _events(said: Any, version: str | None) -> list[Decoded]:
    payload = _payload(said)
    called = word(payload.call_type)
    if called is None:
        raise InvalidEvent(
            "wrong_shape",
            "call_type is missing: send LiteLLM's StandardLoggingPayload, as its callback generic_api does.",
        )
    operation = _OPERATIONS.get(called)
    if operation is None:
        return []
    call_id = _call_id(payload)
    start_ns = times.of_seconds(payload.start_time)
    if call_id is None or start_ns is None:
        raise InvalidEvent(
            "wrong_shape",
            "litellm_call_id is missing, or startTime is no time in seconds since 1970: send LiteLLM's "
            "StandardLoggingPayload whole.",
        )
    asked, answered = litellm_payload.asked(payload, called), litellm_payload.answered(payload, call_id)
    shared = _shared(payload, asked, answered) | {
        "inference_id": call_id,
        "operation": operation,
        "source_version": version,
    }
    request = {"kind": "request", "event_id": short(f"{call_id}:request"), "time_unix_nano": start_ns}
    response = {"kind": "response", "event_id": short(f"{call_id}:response")}
    return [
        build(InferenceRequest, {**asked, **shared, **request}),
        build(InferenceResponse, {**answered, **shared, **response, **litellm_payload.timed(payload, start_ns)}),
    ]


def _call_id(payload: Payload) -> str | None:
    fallback = word(payload.id)
    return word(payload.litellm_call_id) or (fallback if fallback != "None" else None)  # str(None), as LiteLLM makes it


def _shared(payload: Payload, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> dict[str, Any]:
    metadata, trace_id = fields(payload.metadata), word(payload.trace_id)
    session = word(payload.session_id)
    tags = _tags(payload.request_tags)
    return {
        "aliases": _aliases(answered["response_id"], trace_id, session),
        "source_format": "litellm",
        "provider": (word(payload.custom_llm_provider) or "")[:128] or None,
        "request_model": word(payload.model_group) or word(payload.model),
        "service": word(metadata.get("user_api_key_alias")),
        "route": word(metadata.get("user_api_key_request_route")),
        "conversation_id": session,
        "user_id": word(payload.end_user) or word(metadata.get("user_api_key_end_user_id")) or asked["user_id"],
        "trace_id": trace_id if trace_id and _HEX.fullmatch(trace_id) else None,
        "tags": tags,
        "synthetic": any(probe(said) for said in _marks(tags, metadata) if said),
    }


def _marks(tags: Mapping[str, str], metadata: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Give everything that may mark a probe: tags, and metadata of the request and of its key."""
    given = (fields(metadata.get(name)) for name in ("requester_metadata", "spend_logs_metadata"))
    return ({tag.lower(): True for tag in tags}, metadata, *given)


def _aliases(response_id: str | None, trace_id: str | None, session: str | None) -> list[str]:
    # Up to 1.105 a session's id took the place of the trace's, and session_id stayed empty.
    if session is None and trace_id and not _OF_ITS_OWN.fullmatch(trace_id):
        session = trace_id
    named = (("resp", response_id), ("trace", trace_id), ("sess", session))
    return [short(f"{prefix}:{each}") for prefix, each in named if each]


def _tags(said: object) -> dict[str, str]:
    words = (word(tag) for tag in said[:_MOST_TAGS]) if isinstance(said, list) else ()
    return {tag: "true" for tag in words if tag and not tag.startswith(_USER_AGENT)}
