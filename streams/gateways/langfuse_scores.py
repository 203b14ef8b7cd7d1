"""Langfuse's scores become feedback about an observation, a trace or a session.

A score's id makes a later one with the same id a correction. Source: Langfuse's API reference, scores and ingestion.
"""

import re
from functools import partial
from typing import Any

from streams.events import Feedback
from streams.gateways import feedback, json_items, times
from streams.gateways.base import Decoded, Headers, InvalidEvent, build, header, short
from streams.gateways.values import fields, flag, number, probe, word

TRACE, SPAN = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")

_TYPES = {
    "NUMERIC": "numeric",
    "BOOLEAN": "boolean",
    "CATEGORICAL": "categorical",
    "TEXT": "text",
    "CORRECTION": "correction",
}


def scores(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:
    """Read what clients from version 5 on post to /api/public/scores, an array; or a single score.

    Raises InvalidEvent.
    """
    version = (header(headers, "x-langfuse-sdk-version") or "")[:64] or None
    return json_items.read(value, partial(score, version=version, envelope_id=None, sent_ns=ingest_ns))


def score(said: Any, *, version: str | None, envelope_id: str | None, sent_ns: int) -> list[Decoded]:
    """Read one score; of a run over a data set, which is no traffic, nothing.

    Args:
        said: the score, if it is one.
        version: that of the client.
        envelope_id: names a score that has no id.
        sent_ns: the event time of a score without a timestamp, nanoseconds since 1970.

    Raises:
        InvalidEvent: it is no score, has no name, or says nothing about anything.
    """
    name = word(said.get("name")) if isinstance(said, dict) else None
    if name is None:
        raise InvalidEvent("wrong_shape", "A score is a JSON object with a name: send it as Langfuse's clients do.")
    target = _target(said)
    if not target and word(said.get("datasetRunId")):
        return []
    metadata = fields(said.get("metadata"))
    score_id, at_ns = word(said.get("id")), times.of_iso(said.get("timestamp"))
    read = {
        **target,
        **_judgement(said),
        **feedback.rater(name, metadata, said.get("source")),
        "kind": "feedback",
        "event_id": short(f"langfuse:{score_id or envelope_id or feedback.digest(said)}"),
        "feedback_id": score_id,
        "time_unix_nano": sent_ns if at_ns is None else at_ns,
        "source_format": "langfuse",
        "source_version": version,
        "name": name,
        "environment": word(said.get("environment")),
        "synthetic": probe(metadata),
    }
    return [build(Feedback, read)]


def _target(said: dict[str, Any]) -> dict[str, Any]:
    trace, observation = word(said.get("traceId")), word(said.get("observationId"))
    session = word(said.get("sessionId"))
    hexes = {
        "trace_id": trace if trace and TRACE.fullmatch(trace) else None,
        "span_id": observation if observation and SPAN.fullmatch(observation) else None,
    }
    if trace and observation:
        named = f"{trace}:{observation}"
        return {**hexes, "inference_id": short(named), "aliases": [short(f"span:{named}")]}
    if observation:
        return {**hexes, "aliases": [short(f"span:{observation}")]}
    if trace:
        return {**hexes, "aliases": [short(f"trace:{trace}")], "target_scope": "trace"}
    if session:
        return {"conversation_id": session, "aliases": [short(f"sess:{session}")], "target_scope": "session"}
    return {}


def _judgement(said: dict[str, Any]) -> dict[str, Any]:
    """Read the value as its type says; where the type is missing, or the value is of another, by the value itself."""
    value, comment = said.get("value"), said.get("comment")
    kind = _TYPES.get(word(said.get("dataType")) or "")
    if kind == "text":
        return {"explanation": feedback.words(value, comment), "data_type": kind}
    if kind == "correction":
        return {"correction": value, "explanation": feedback.words(comment), "data_type": kind}
    if kind == "boolean" and (yes := flag(value)) is not None:
        value = yes
    elif kind in ("numeric", "boolean") and (read := number(value)) is not None:
        value = read
    judged = feedback.value(value)
    if (kind in ("numeric", "boolean")) != ("score" in judged):
        kind = None
    if kind is None and judged:
        kind = "boolean" if isinstance(value, bool) else "numeric" if "score" in judged else "categorical"
    return {**judged, "explanation": feedback.words(judged.get("explanation"), comment), "data_type": kind}
