"""CloudEvents of KServe's inference logger become events: a request and its response come apart and share their id.

The logger reports a response only when its HTTP status is 200, unless it is told to log all, and then says the status.
It buffers streams whole, labels every answer with the request's content type, and says no duration. Source: kserve
pkg/logger, handler.go and worker.go.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import http, kafka
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic_core import from_json

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways import payloads, versions
from streams.gateways.base import Decoded, Headers, InvalidEvent, build, short
from streams.gateways.values import aliases, probe, word

REQUEST = "org.kubeflow.serving.inference.request"
RESPONSE = "org.kubeflow.serving.inference.response"

_TAGS = ("namespace", "component", "endpoint")
# Names of the client's headers, lower case; any other, authorization above all, goes nowhere.
_USER = ("x-user-id", "x-user", "user-id", "user")
_TRACEPARENT = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Untouched(JSONFormat):
    """Leaves the data of binary events as it came: under the label of JSON come streams and tensors."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:  # noqa: ARG002
        return body


_FORMAT = _Untouched()


def cloudevents(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:
    """Read one CloudEvent: binary or structured from Kafka, binary or structured from an HTTP receiver.

    CloudEvents of other types give nothing. Raises InvalidEvent(not_cloudevents).
    """
    event = _read(value, headers, ingest_ns)
    kind = event.get_type()
    if kind == REQUEST:
        return [_request(event)]
    return [_response(event)] if kind == RESPONSE else []


def _read(value: bytes, headers: Headers, ingest_ns: int) -> BaseCloudEvent:
    said = {name: raw for name, raw in headers if raw is not None}
    prefixes = {name[:3].lower() for name in said}
    factory = partial(_event, ingest_ns=ingest_ns)
    try:
        if "ce-" in prefixes:
            texts = {name: raw.decode() for name, raw in said.items()}
            return http.from_binary(http.HTTPMessage(texts, value), _FORMAT, factory)
        message = kafka.KafkaMessage(said, None, value)
        if "ce_" in prefixes:
            return kafka.from_binary(message, _FORMAT, factory)
        from_json(value)  # the library reads deeper and looser JSON than an event may hold
        return kafka.from_structured(message, _FORMAT, factory)
    except (BaseCloudEventException, ValueError, TypeError, AttributeError, OverflowError):
        raise InvalidEvent(
            "not_cloudevents",
            "Neither ce_ or ce- headers nor a structured CloudEvent 1.0 with id, source and type, one a record: check "
            "the sink's content mode, or this topic's format.",
        ) from None


def _event(attributes: dict[str, Any], data: Any, *, ingest_ns: int) -> BaseCloudEvent:
    """Make a CloudEvent, and keep the library from inventing what is missing: a random id, the time of the clock."""
    attributes.setdefault("id", None)
    if "time" not in attributes:
        attributes["time"] = _EPOCH + timedelta(microseconds=ingest_ns // 1000)
    return CloudEvent(attributes, data)


def _request(event: BaseCloudEvent) -> InferenceRequest:
    asked = payloads.request(event.get_data())
    return build(InferenceRequest, {**asked, **_shared(event, asked, "request")})


def _response(event: BaseCloudEvent) -> InferenceResponse:
    answered = payloads.response(event.get_data())
    answered["request_model"] = None if answered.get("operation") == "predict" else answered.get("response_model")
    status = _status(event.get_extension("statuscode"))
    if status >= 400 and answered.get("status") != "error":
        answered |= {"status": "error", "error_type": f"http_{status}"}
    return build(InferenceResponse, {**answered, **_shared(event, answered, "response"), "http_status": status})


def _shared(event: BaseCloudEvent, read: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return what a request and its response say alike, and where they differ in the name alone."""
    service = word(event.get_extension("inferenceservicename"))
    inference_id = short(f"ce:{service or ''}:{event.get_id()}")
    metadata = _metadata(event.get_extension("metadata"))
    asked, trace = metadata.get("x-request-id"), _TRACEPARENT.fullmatch(metadata.get("traceparent", ""))
    told = [f"req:{asked}"] if asked else []
    told += [f"trace:{trace[1]}"] if trace else []
    return {
        "kind": kind,
        "event_id": short(f"{inference_id}:{kind}"),
        "inference_id": inference_id,
        "time_unix_nano": _nanoseconds(event.get_time() or _EPOCH),
        "aliases": aliases(read.get("aliases", ()), told),
        "source_format": "kserve_ce",
        "provider": "kserve",
        "service": service,
        "request_model": read.get("request_model") or service,
        "trace_id": trace[1] if trace else None,
        "user_id": read.get("user_id") or next((metadata[name] for name in _USER if name in metadata), None),
        "tags": {name: said for name in _TAGS if (said := word(event.get_extension(name)))}
        | versions.labels(read.get("model_version")),
        # The endpoint `canary` is a release on trial, with real users; it does not make a call synthetic.
        "synthetic": probe(metadata),
    }


def _status(said: object) -> int:
    """Read the HTTP status, which is 200 where the logger does not say it."""
    digits = str(said)
    return int(digits) if re.fullmatch("[1-5][0-9]{2}", digits) else 200


def _metadata(said: object) -> dict[str, str]:
    """Read the client's headers, which come as a JSON string of lists, by their names in lower case."""
    if not isinstance(said, str) or said == "{}":
        return {}
    try:
        read = from_json(said)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    firsts = ((name.lower(), value[0] if isinstance(value, list) and value else value) for name, value in read.items())
    return {name: value for name, first in firsts if (value := word(first))}


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1000
