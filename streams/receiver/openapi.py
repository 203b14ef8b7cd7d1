"""The receiver's OpenAPI 3.1 document, made of the list of its endpoints and the models of the contract."""

from typing import Any, Final

from streams.events import SCHEMA_VERSION, Feedback
from streams.receiver import answers
from streams.receiver.answers import PROTOBUF
from streams.receiver.endpoints import ENDPOINTS, JSON, Endpoint

_REFUSALS: Final = {
    400: "The body cannot be read as this format, and never will be. Nothing of it was kept.",
    401: "The token is missing or wrong.",
    413: "The body is larger than SLUICE_EVENT_BYTES, decompressed, or than Kafka takes.",
    415: "The Content-Type or the Content-Encoding is none that is taken.",
}
_AGAIN: Final = "Nothing was accepted, send it again after Retry-After seconds:"
_BUSY: Final = "Kafka is slow or away"
_LIMITED: Final = "the token is wrong, and too many wrong ones came from this address"
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "The token is the password, as Langfuse sends it."},
    "x_api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "api_key": {"type": "apiKey", "in": "header", "name": "api_key"},
}
_TEXT: Final = {"type": "string"}
_REFUSAL: Final = {
    "type": "object",
    "properties": {"reason": _TEXT, "detail": _TEXT},
    "required": ["reason", "detail"],
}


def document() -> dict[str, Any]:
    """Return the document; the same for the same code."""
    feedback = Feedback.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    parts = feedback.pop("$defs", {})
    paths = {endpoint.path: {"post": _operation(endpoint)} for endpoint in ENDPOINTS}
    paths["/info"] = {"get": _open_to_all("info", "What LangSmith's client asks before it sends feedback.")}
    paths["/openapi.json"] = {"get": _open_to_all("openapi", "This document.")}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice receiver",
            "version": str(SCHEMA_VERSION),
            "description": "Takes what model gateways and feedback clients send over HTTP, and answers 2xx when Kafka "
            "has it. Bodies may come with Content-Encoding gzip or deflate. A token is asked for where "
            "SLUICE_RECEIVER_TOKENS is set, and only on loopback may it not be.",
        },
        "security": [{name: []} for name in _SECURITY],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": _SECURITY,
            "schemas": {"Feedback": feedback, "Refusal": _REFUSAL, **parts},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    taken = {"$ref": "#/components/schemas/Feedback"} if endpoint.form == "native_feedback" else {}
    both = endpoint.busy == 429
    later = {429: f"{_BUSY}, or {_LIMITED}"} if both else {429: _LIMITED, endpoint.busy: _BUSY}
    refusals = _REFUSALS | {status: f"{_AGAIN} {why}." for status, why in later.items()}
    return {
        "operationId": endpoint.path.strip("/").replace("/", "_"),
        "summary": endpoint.summary,
        "requestBody": {"required": True, "content": {each: {"schema": taken} for each in endpoint.takes}},
        "responses": {
            **{str(status): _accepted(endpoint) for status in sorted(endpoint.statuses)},
            **{str(status): _refused(endpoint, status, words) for status, words in refusals.items()},
        },
    }


def _accepted(endpoint: Endpoint) -> dict[str, Any]:
    said = {"description": str(endpoint.answer.__doc__)}
    return said | ({} if endpoint.answer is answers.empty else {"content": {each: {} for each in _spoken(endpoint)}})


def _refused(endpoint: Endpoint, status: int, words: str) -> dict[str, Any]:
    # OTLP's protobuf clients get a google.rpc.Status.
    content = {each: {} if each == PROTOBUF else _schema("Refusal") for each in _spoken(endpoint)}
    headers = {"Retry-After": {"schema": {"type": "integer"}}} if status in (429, 503) else {}
    return {"description": words, "content": content, **({"headers": headers} if headers else {})}


def _spoken(endpoint: Endpoint) -> tuple[str, ...]:
    return endpoint.only or (JSON,)


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _open_to_all(name: str, summary: str) -> dict[str, Any]:
    answer = {"description": "JSON.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {"operationId": name, "summary": summary, "security": [], "responses": {"200": answer}}
