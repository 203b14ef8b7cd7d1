"""What the receiver answers: to each sender what its own client expects, and a refusal that a person can read."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic_core import from_json

from streams.gateways.base import InvalidEvent
from streams.receiver.refusals import Refused
from streams.receiver.verdict import Verdict

PROTOBUF = "application/x-protobuf"
SHOWN = 20  # invalid items that an answer explains; the dead letters have them all

Answer = Callable[[Verdict, bytes, web.Request], web.Response]

# google.rpc.Code, in which OTLP says what went wrong.
_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}


def refusal(refused: Refused, request: web.Request) -> web.Response:
    """Answer a request that is refused; OTLP's protobuf clients read and log a google.rpc.Status."""
    headers = {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="sluice"'
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    if request.content_type == PROTOBUF:
        status = Status(code=_CODES[refused.status], message=str(refused))
        return web.Response(
            status=refused.status, body=status.SerializeToString(), content_type=PROTOBUF, headers=headers
        )
    return _json({"reason": refused.reason, "detail": refused.detail}, refused.status, headers)


def counted(verdict: Verdict, _value: bytes, _request: web.Request) -> web.Response:
    """202: how many events there are, and what is wrong with the rest."""
    return _json({"events": len(verdict.events), "invalid": _told(verdict)}, 202)


def empty(_verdict: Verdict, _value: bytes, _request: web.Request) -> web.Response:
    """202 and nothing more: Knative takes a body for a reply event, and one that is none for a failed delivery."""
    return web.Response(status=202)


def otlp_traces(verdict: Verdict, _value: bytes, request: web.Request) -> web.Response:
    """200 with an ExportTraceServiceResponse."""
    answer = ExportTraceServiceResponse()
    if verdict.invalid:
        answer.partial_success.rejected_spans = len(verdict.invalid)
        answer.partial_success.error_message = _summary(verdict.invalid)
    return _otlp(answer, request)


def otlp_logs(verdict: Verdict, _value: bytes, request: web.Request) -> web.Response:
    """200 with an ExportLogsServiceResponse."""
    answer = ExportLogsServiceResponse()
    if verdict.invalid:
        answer.partial_success.rejected_log_records = len(verdict.invalid)
        answer.partial_success.error_message = _summary(verdict.invalid)
    return _otlp(answer, request)


def langfuse_ingestion(verdict: Verdict, value: bytes, _request: web.Request) -> web.Response:
    """207 with each envelope's id among the successes or the errors."""
    errors = [
        {"id": identifier, "status": 400, "message": str(invalid)}
        for invalid in verdict.invalid
        for identifier in _envelopes(invalid.item or b"{}")
    ]
    wrong = {error["id"] for error in errors}
    successes = [{"id": each, "status": 201} for each in _envelopes(value) if each not in wrong]
    return _json({"successes": successes, "errors": errors}, 207)


def langfuse_scores(verdict: Verdict, value: bytes, _request: web.Request) -> web.Response:
    """202 for a batch, 207 where some of it is wrong; 200 with the id for a single score, as older clients send."""
    if value.lstrip().startswith(b"{"):
        return _json({"id": from_json(value).get("id", "")}, 200)
    if not verdict.invalid:
        return _json({"message": "Accepted"}, 202)
    errors = [{"message": str(invalid)} for invalid in verdict.invalid]
    return _json({"accepted": len(verdict.events), "rejected": len(errors), "errors": errors}, 207)


def phoenix(verdict: Verdict, _value: bytes, _request: web.Request) -> web.Response:
    """200 with an id for each annotation, which the client reads when it was asked for `sync`."""
    return _json({"data": [{"id": each} for each in verdict.events], "invalid": _told(verdict)}, 200)


def _otlp(answer: ExportTraceServiceResponse | ExportLogsServiceResponse, request: web.Request) -> web.Response:
    if request.content_type == PROTOBUF:
        return web.Response(body=answer.SerializeToString(), content_type=PROTOBUF)
    return _json(MessageToDict(answer), 200)


def _envelopes(message: bytes) -> Iterator[str]:
    said = from_json(message)
    batch = said.get("batch") if isinstance(said, dict) else None
    for envelope in batch if isinstance(batch, list) else ():
        if isinstance(envelope, dict) and "id" in envelope:
            yield str(envelope["id"])


def _told(verdict: Verdict) -> list[dict[str, str]]:
    return [{"reason": each.reason, "detail": each.detail} for each in verdict.invalid[:SHOWN]]


def _summary(invalid: list[InvalidEvent]) -> str:
    more = f" ({len(invalid) - 1} more)" if len(invalid) > 1 else ""
    return f"{invalid[0]}{more}"


def _json(answer: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(answer), content_type="application/json", headers=headers)
