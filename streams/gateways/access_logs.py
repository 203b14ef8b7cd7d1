"""An entry of a gateway's access log, written after the fact, becomes the request and the response of an inference."""

from collections.abc import Mapping
from typing import Any

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways.base import Decoded, InvalidEvent, build, short
from streams.gateways.values import aliases, count, number

_OPERATIONS = (
    ("/embeddings", "embeddings"),
    ("/chat/completions", "chat"),
    ("/completions", "text_completion"),
    ("/responses", "chat"),
    ("/messages", "chat"),
    ("/converse", "chat"),
    (":generateContent", "generate_content"),
    (":streamGenerateContent", "generate_content"),
)


def entry(said: object) -> dict[str, Any]:
    """Take one item of a record for an entry. Raises InvalidEvent where it is none."""
    if not isinstance(said, dict):
        raise InvalidEvent("wrong_shape", "A log entry is a JSON object: keep the plugin's own log format.")
    return said


def inference(
    asked: Mapping[str, Any],
    answered: Mapping[str, Any],
    shared: Mapping[str, Any],
    *,
    started_ns: int,
    duration_s: float | None,
    status: object,
) -> list[Decoded]:
    """Make the two events of one entry.

    Args:
        asked: fields of the request alone.
        answered: fields of the response alone, as the body of the answer tells them.
        shared: fields of both; `inference_id` among them.
        started_ns: when the request came, nanoseconds since 1970.
        duration_s: how long the whole call took, None where the log does not say.
        status: the HTTP status that the client got. From 400 on the call failed, whatever the body says.
    """
    inference_id = shared["inference_id"]
    both = {**shared, "aliases": aliases(*(said.get("aliases", ()) for said in (asked, answered, shared)))}
    request = {"kind": "request", "event_id": short(f"{inference_id}:request"), "time_unix_nano": started_ns}
    response = {
        "kind": "response",
        "event_id": short(f"{inference_id}:response"),
        "time_unix_nano": started_ns + round((duration_s or 0) * 1e9),
        "duration_s": duration_s,
        **_outcome(status),
    }
    return [
        build(InferenceRequest, {**asked, **both, **request}),
        build(InferenceResponse, {**answered, **both, **response}),
    ]


def nanoseconds(milliseconds: object) -> int | None:
    """Make a time in milliseconds since 1970, as gateways built on nginx write it, one in nanoseconds."""
    read_ms = number(milliseconds)
    return None if read_ms is None else round(read_ms * 1000) * 1000


def operation(uri: object) -> str | None:
    """Tell what was asked by the end of the path; None where it does not say."""
    path = uri.partition("?")[0] if isinstance(uri, str) else ""
    return next((named for end, named in _OPERATIONS if path.endswith(end)), None)


def _outcome(status: object) -> dict[str, Any]:
    code = count(status)
    if code is None or not 100 <= code <= 599:
        return {}
    return {"http_status": code} | ({"status": "error", "error_type": f"http_{code}"} if code >= 400 else {})
