"""Log records of OTLP become feedback, and the requests and responses that the GenAI events repeat of spans.

One call is one record since the conventions 1.37, and a record for each message before.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from streams.events import InferenceRequest, InferenceResponse, Message
from streams.gateways import calls, messages, otlp
from streams.gateways.base import Decoded, Headers, InvalidEvent
from streams.gateways.dialects import evaluation, genai
from streams.gateways.dialects.places import MOST_REASONS, Fields, provider
from streams.gateways.telemetry import Batch, LogRecord, SetAside
from streams.gateways.values import fields, word

Part = InferenceRequest | InferenceResponse

CALL = "gen_ai.client.inference.operation.details"
EVALUATION = "gen_ai.evaluation.result"
CHOICE = "gen_ai.choice"
ROLES = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}


def logs(value: bytes, headers: Headers, ingest_ns: int) -> Iterator[Decoded]:
    """Read an ExportLogsServiceRequest, protobuf or JSON: feedback, and requests and responses of calls.

    Raises InvalidEvent(not_protobuf, not_json or not_otlp_json).
    """
    return otlp.events(otlp.logs(value, headers), partial(_events, ingest_ns=ingest_ns))


def _events(batch: Batch[LogRecord], ingest_ns: int) -> Iterator[Decoded | SetAside]:
    sent = calls.origin(batch) | {"source_format": "otlp_log"}
    spoken: dict[tuple[str, str], list[LogRecord]] = {}  # by span, records of the older convention
    for record in batch:
        if isinstance(record, SetAside):
            yield record
            continue
        try:
            if record.event_name == EVALUATION:
                yield evaluation.feedback(record, sent, _time(record, ingest_ns))
            elif record.event_name == CALL:
                yield from _call(record, sent, _time(record, ingest_ns))
            elif record.event_name == CHOICE or record.event_name in ROLES:
                spoken.setdefault(_span(record), []).append(record)
        except InvalidEvent as wrong:
            yield SetAside(wrong, (record.raw,))
    for of_call in spoken.values():
        try:
            yield from _former(of_call, sent, ingest_ns)
        except InvalidEvent as wrong:
            yield SetAside(wrong, [record.raw for record in of_call])


def _call(record: LogRecord, sent: Fields, time_ns: int) -> list[Part]:
    """Read a call in one record, which says no times but its own."""
    if record.attributes.get("gen_ai.operation.name") not in genai.OPERATIONS:
        return []
    both = sent | genai.said(record.attributes)
    both |= calls.identified(both, *_span(record))
    both["synthetic"] = sent["synthetic"] or calls.synthetic(record.attributes)
    return [calls.request(both, time_ns), calls.response(both, time_ns)]


def _former(records: Sequence[LogRecord], sent: Fields, ingest_ns: int) -> list[Part]:
    """Read what the records of one call say: what was asked makes the request, what was answered the response."""
    asked = [record for record in records if record.event_name in ROLES]
    answered = [record for record in records if record.event_name == CHOICE]
    system = records[0].attributes.get("gen_ai.provider.name") or records[0].attributes.get("gen_ai.system")
    both = sent | {"operation": "chat", "provider": provider(system)}
    both |= calls.identified(both, *_span(records[0]))
    parts: list[Part] = []
    if asked:
        dialogue = [message for record in asked if (message := _message(record)) is not None]
        content = {"input_messages": dialogue} if dialogue else {}
        parts.append(calls.request(both | content, min(_time(record, ingest_ns) for record in asked)))
    if answered:
        said = _answered([fields(messages.loaded(record.body)) for record in answered])
        parts.append(calls.response(both | said, max(_time(record, ingest_ns) for record in answered)))
    return parts


def _answered(choices: Sequence[dict[str, Any]]) -> Fields:
    reasons = [reason for choice in choices if (reason := word(choice.get("finish_reason")))]
    dialogue = messages.choices([choice for choice in choices if fields(choice.get("message"))])
    return {"finish_reasons": reasons[:MOST_REASONS]} | ({"output_messages": dialogue} if dialogue else {})


def _message(record: LogRecord) -> Message | None:
    """Read one message; without its content, as is the default, it says nothing."""
    body = fields(messages.loaded(record.body))
    if not (body.get("content") or body.get("tool_calls")):
        return None
    return messages.message({"role": ROLES[record.event_name], "tool_call_id": body.get("id"), **body})


def _span(record: LogRecord) -> tuple[str, str]:
    if record.trace_id and record.span_id:
        return record.trace_id, record.span_id
    raise InvalidEvent(
        "wrong_shape",
        "A GenAI event without trace and span id names no call: let the instrumentation log inside of its span.",
    )


def _time(record: LogRecord, ingest_ns: int) -> int:
    """Return when it happened, else when it was observed, else when it came to Kafka."""
    return next((time_ns for time_ns in (record.time_ns, record.observed_ns) if calls.usable(time_ns)), ingest_ns)
