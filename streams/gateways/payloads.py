"""The body of a call, in whatever protocol a model server speaks, becomes fields of a request or a response."""

from typing import Any

from pydantic_core import from_json

from streams.gateways import openai_api, openai_stream, tensors


def request(body: object) -> dict[str, Any]:
    """Return the fields of a request by attribute name, `operation` and `content_state` among them; never raises.

    Args:
        body: bytes or text as they came, JSON that was read already, or None where there is none.
    """
    if isinstance(body, bytes | str):
        raw = body.encode() if isinstance(body, str) else body
        try:
            body = from_json(raw)
        except ValueError:
            return _unread_request(raw)
    if isinstance(body, dict):
        return openai_api.request(body) if openai_api.asks(body) else tensors.request(body)
    return {"operation": "predict", "input": body, "content_state": "not_captured" if body is None else "captured"}


def response(body: object) -> dict[str, Any]:
    """Return the fields of a response by attribute name, `status` among them; never raises. Takes what request does."""
    if isinstance(body, bytes | str):
        raw = body.encode() if isinstance(body, str) else body
        if openai_stream.streams(raw):
            return openai_stream.response(raw)
        try:
            body = from_json(raw)
        except ValueError:
            return _unread_response(raw)
    if isinstance(body, dict):
        return openai_api.response(body) if openai_api.answers(body) else tensors.response(body)
    return {"status": "ok", "output": body}


def _unread_request(raw: bytes) -> dict[str, Any]:
    described = tensors.described(raw)
    if described is not None:
        return tensors.request(described) | {"content_state": "truncated"}
    text = _text(raw)
    state = "not_captured" if text is None else "truncated" if _breaks_off(raw) else "captured"
    return {"operation": "predict", "input": text, "content_state": state}


def _unread_response(raw: bytes) -> dict[str, Any]:
    described = tensors.described(raw)
    if described is not None:
        return tensors.response(described)
    return {"status": "partial" if _breaks_off(raw) else "ok", "output": _text(raw)}


def _breaks_off(raw: bytes) -> bool:
    """Tell whether this began as JSON, and was not to the end."""
    return raw[:64].lstrip().startswith((b"{", b"["))


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode() or None
    except UnicodeDecodeError:
        return None
