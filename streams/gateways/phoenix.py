"""Phoenix's annotations of a span, a trace or a session become feedback.

One with the same name, target and identifier replaces the former; the time is that of its coming, as it carries none.
Source: phoenix.client, the generated types of v1; that the three make a key is inferred.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json

from streams.events import Feedback
from streams.gateways import feedback, json_items
from streams.gateways.base import Decoded, Headers, InvalidEvent, build, short
from streams.gateways.values import fields, number, probe, word

_SCOPES = (("span_id", "span", "inference"), ("trace_id", "trace", "trace"), ("session_id", "sess", "session"))


def annotations(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:  # noqa: ARG001
    """Read what is posted to /v1/span_annotations and its like for traces and sessions. Raises InvalidEvent.

    Annotations of a document that a span found are not about an inference, and give nothing.
    """
    items = fields(json_items.loaded(value)).get("data")
    if not isinstance(items, list):
        raise InvalidEvent("wrong_shape", "data is missing: send a JSON object with it, as Phoenix's client does.")
    return json_items.each(items, partial(_events, ingest_ns=ingest_ns), _alone)


def _alone(items: Sequence[Any]) -> bytes:
    return to_json({"data": items})


def _events(said: Any, ingest_ns: int) -> list[Decoded]:
    name = word(said.get("name")) if isinstance(said, dict) else None
    if name is None:
        raise InvalidEvent(
            "wrong_shape", "An annotation is a JSON object with a name: send it as Phoenix's client does."
        )
    if said.get("document_position") is not None:
        return []
    found = ((prefix, scope, word(said.get(field))) for field, prefix, scope in _SCOPES)
    prefix, scope, target = next((each for each in found if each[2]), ("", "inference", None))
    native = ":".join(quote(each, safe="") for each in (target or "", name, word(said.get("identifier")) or ""))
    result, metadata = fields(said.get("result")), fields(said.get("metadata"))
    read = {
        **_judgement(result),
        **feedback.rater(name, metadata, said.get("annotator_kind")),
        "kind": "feedback",
        "event_id": short(f"phoenix:{native}"),
        "feedback_id": short(f"phoenix:{native}"),
        "time_unix_nano": ingest_ns,
        "source_format": "phoenix",
        "name": name,
        "aliases": [short(f"{prefix}:{target}")] if target else [],
        "target_scope": scope,
        "conversation_id": target if scope == "session" else None,
        "synthetic": probe(metadata),
    }
    return [build(Feedback, read)]


def _judgement(result: Mapping[str, Any]) -> dict[str, Any]:
    labelled = feedback.value(label) if isinstance(label := result.get("label"), str) else {}
    return {
        **labelled,
        "score": number(result.get("score")),
        "explanation": feedback.words(labelled.get("explanation"), result.get("explanation")),
    }
