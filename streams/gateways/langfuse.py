"""Langfuse's ingestion batches: generations become requests and responses, and scores feedback.

Clients up to version 2 send everything so, those of 3 and 4 their scores alone. A generation comes in parts, mostly a
create and an update, which share its id; its user and session come with its trace.
Source: Langfuse's API reference, ingestion, and what clients sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from streams.events import InferenceRequest, InferenceResponse
from streams.gateways import json_items, langfuse_observations, times, versions
from streams.gateways.base import Decoded, Headers, InvalidEvent, build, short
from streams.gateways.langfuse_scores import SPAN, TRACE, score
from streams.gateways.values import aliases, fields, known, probe, word

Envelope = Mapping[str, Any]

# Spans, events, tools and agents are no inferences.
_OPERATIONS = {"generation": "chat", "embedding": "embeddings"}
_VERBS = ("create", "update")
_MOST_TAGS = 30  # of the sender's own; versions are two more


@dataclass(frozen=True, slots=True)
class _Batch:
    """What holds for all of a batch: the client's version, traces by their ids, and the record's Kafka time."""

    version: str | None
    traces: Mapping[str, Mapping[str, Any]]
    ingest_ns: int

    def sent_ns(self, envelope: Envelope) -> int:
        at_ns = times.of_iso(envelope.get("timestamp"))
        return self.ingest_ns if at_ns is None else at_ns


def ingestion(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:  # noqa: ARG001
    """Read what is posted to /api/public/ingestion. Raises InvalidEvent.

    A create without an end or an output gives a request only, an update alone a response only. What is not about an
    inference gives nothing.
    """
    said = fields(json_items.loaded(value))
    envelopes, metadata = said.get("batch"), fields(said.get("metadata"))
    if not isinstance(envelopes, list):
        raise InvalidEvent("wrong_shape", "batch is missing: send a JSON object with it, as Langfuse's clients do.")
    version = word(metadata.get("sdk_version"))
    batch = _Batch(version and version[:64], _traces(envelopes), ingest_ns)

    def alone(groups: Sequence[list[Any]]) -> bytes:
        return to_json({"batch": [each for group in groups for each in group], "metadata": metadata})

    return json_items.each(_groups(envelopes), lambda group: _events(group, batch), alone)


def _groups(envelopes: Sequence[Any]) -> list[list[Any]]:
    """Bring the parts of each observation together, in the place of the first; after too much junk the rest is one."""
    groups: list[list[Any]] = []
    observations: dict[str, list[Any]] = {}
    bad = 0
    for place, envelope in enumerate(envelopes):
        if not _is_envelope(envelope):
            bad += 1
            if bad == json_items.MOST_SET_ASIDE:
                return [*groups, list(envelopes[place:])]
        observation = word(envelope["body"].get("id")) if _operation(envelope) else None
        if observation in observations:
            observations[observation].append(envelope)
            continue
        groups.append([envelope])
        if observation is not None:
            observations[observation] = groups[-1]
    return groups


def _is_envelope(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("type"), str) and isinstance(said.get("body"), dict)


def _operation(envelope: Any) -> str | None:
    """Tell which operation an envelope is about; None where that is no inference, or where it is no envelope."""
    if not _is_envelope(envelope):
        return None
    kind, _, verb = envelope["type"].partition("-")
    if kind == "observation":
        kind = (word(envelope["body"].get("type")) or "").lower()
    return _OPERATIONS.get(kind) if verb in _VERBS else None


def _traces(envelopes: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Merge what is said of each trace; what is said later holds."""
    traces: dict[str, dict[str, Any]] = {}
    for envelope in envelopes:
        if isinstance(envelope, dict) and envelope.get("type") == "trace-create":
            body = fields(envelope.get("body"))
            if trace_id := word(body.get("id")):
                traces.setdefault(trace_id, {}).update(known(body))
    return traces


def _events(group: Sequence[Any], batch: _Batch) -> list[Decoded]:
    first = group[0]
    if not _is_envelope(first):
        raise InvalidEvent(
            "wrong_shape", "An item of batch is a JSON object with id, type, timestamp and body: send all of them."
        )
    if first["type"] == "score-create":
        sent_ns = batch.sent_ns(first)
        return score(first["body"], version=batch.version, envelope_id=word(first.get("id")), sent_ns=sent_ns)
    operation = _operation(first)
    return _inference(group, operation, batch) if operation else []


def _inference(group: Sequence[Envelope], operation: str, batch: _Batch) -> list[Decoded]:
    said: dict[str, Any] = {}
    for envelope in group:
        said |= known(envelope["body"])
    trace, observation = word(said.get("traceId")), word(said.get("id"))
    if trace is None or observation is None:
        raise InvalidEvent("wrong_shape", "body.traceId or body.id is missing: send both with every part.")
    start_ns, end_ns = times.of_iso(said.get("startTime")), times.of_iso(said.get("endTime"))
    shared = _shared(said, trace, observation, batch) | {"operation": operation}
    inference_id = shared["inference_id"]
    read: list[Decoded] = []
    created = next((each for each in group if each["type"].endswith("create")), None)
    if created is not None:
        own = {"kind": "request", "event_id": short(f"{inference_id}:request")}
        at = {"time_unix_nano": batch.sent_ns(created) if start_ns is None else start_ns}
        read.append(build(InferenceRequest, {**langfuse_observations.asked(said, operation), **shared, **own, **at}))
    if langfuse_observations.ended(said):
        own = {"kind": "response", "event_id": short(f"{inference_id}:response")}
        at = {"time_unix_nano": batch.sent_ns(group[-1]) if end_ns is None else end_ns}
        read.append(
            build(InferenceResponse, {**langfuse_observations.answered(said, operation), **shared, **own, **at})
        )
    return read


def _shared(said: Mapping[str, Any], trace: str, observation: str, batch: _Batch) -> dict[str, Any]:
    around = batch.traces.get(trace, {})
    session, tags = word(around.get("sessionId")), around.get("tags")
    labels = [word(tag) for tag in tags[:_MOST_TAGS]] if isinstance(tags, list) else []
    named = (f"trace:{trace}", f"span:{observation}", f"sess:{session}" if session else None)
    released = said.get("version") or around.get("version") or around.get("release")
    marks = ({tag.lower(): True for tag in labels if tag}, fields(around.get("metadata")), fields(said.get("metadata")))
    return {
        "inference_id": short(f"{trace}:{observation}"),
        "aliases": aliases(each for each in named if each),
        "source_format": "langfuse",
        "source_version": batch.version,
        "request_model": word(said.get("model")),
        "environment": word(said.get("environment")) or word(around.get("environment")),
        "conversation_id": session,
        "user_id": word(around.get("userId")),
        "trace_id": trace if TRACE.fullmatch(trace) else None,
        "span_id": observation if SPAN.fullmatch(observation) else None,
        "tags": versions.labels(released, said.get("promptName"), said.get("promptVersion"))
        | {tag: "true" for tag in labels if tag},
        "synthetic": any(probe(each) for each in marks),
    }
