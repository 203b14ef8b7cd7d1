"""Bodies of KServe's V1 and V2 inference protocols become fields of events: values go in, values come out.

Source: KServe's docs on the V1 protocol, and the Open Inference Protocol with its binary tensor extension (V2).
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from streams.gateways.openai_api import error
from streams.gateways.values import word

_ASKED, _ANSWERED = ("instances", "inputs"), ("predictions", "outputs")


def request(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a model was asked; a body in neither protocol stays as it came."""
    return {
        "operation": "predict",
        "input": _values(body, _ASKED),
        "content_state": "captured",
        "aliases": _aliases(body),
    }


def response(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a model answered; a body in neither protocol stays as it came."""
    wrong = error(body)
    return {
        "operation": None if wrong else "predict",
        "response_model": word(body.get("model_name")),
        "model_version": body.get("model_version"),
        "output": None if wrong else _values(body, _ANSWERED),
        "status": "ok",
        "aliases": _aliases(body),
        **wrong,
    }


def described(body: bytes) -> dict[str, Any] | None:
    """Read the JSON before binary tensors, which names and shapes them; None where the body is none such.

    The header Inference-Header-Content-Length says how long it is, but of the request, and a logger may leave it out.
    """
    if not body.startswith(b"{"):
        return None
    try:
        # In Latin-1 a character is a byte, so the end is a place in the body.
        _, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
        read = from_json(body[:end])
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read.get("inputs", read.get("outputs")), list) else None


def _values(body: Mapping[str, Any], names: tuple[str, ...]) -> object:
    return next((body[name] for name in names if name in body), body)


def _aliases(body: Mapping[str, Any]) -> list[str]:
    """Give V2's id of a request, which its client chose and its answer repeats."""
    asked = word(body.get("id"))
    return [f"req:{asked}"] if asked else []
