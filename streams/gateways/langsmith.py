"""LangSmith's feedback about a run, as its client creates it, becomes feedback about the call that the run was.

Feedback that is created again with the same id corrects the former. A change by PATCH names neither run nor key, so
there is nothing to read in it. Source: langsmith/schemas.py, FeedbackCreate; its client 0.14 and 0.15.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from streams.events import Feedback
from streams.gateways import feedback as judgements
from streams.gateways import json_items, times
from streams.gateways.base import Decoded, Headers, InvalidEvent, build, header, short
from streams.gateways.values import aliases, fields, number, probe, word

_TYPES = {"continuous": "numeric", "categorical": "categorical", "freeform": "text"}


def feedback(value: bytes, headers: Headers, ingest_ns: int) -> list[Decoded]:
    """Read what is posted to /feedback, one piece or an array. Raises InvalidEvent.

    Feedback about a project as a whole gives nothing.
    """
    name, _, version = (header(headers, "user-agent") or "").partition("/")
    version = version[:64] if name == "langsmith-py" else ""
    return json_items.read(value, partial(_events, version=version or None, ingest_ns=ingest_ns))


def _events(said: Any, version: str | None, ingest_ns: int) -> list[Decoded]:
    key = word(said.get("key")) if isinstance(said, dict) else None
    if key is None:
        raise InvalidEvent(
            "wrong_shape",
            "key is missing: create the feedback, again where it is to be changed, with the same feedback_id.",
        )
    target = _target(said)
    if not target and word(said.get("session_id")):
        return []
    source = fields(said.get("feedback_source"))
    metadata = fields(source.get("metadata"))
    feedback_id = word(said.get("id"))
    changed, created = times.of_iso(said.get("modified_at")), times.of_iso(said.get("created_at"))
    read = {
        **target,
        **_judgement(said),
        **judgements.rater(key, metadata, source.get("type")),
        "kind": "feedback",
        "event_id": short(f"langsmith:{feedback_id or judgements.digest(said)}"),
        "feedback_id": feedback_id,
        "time_unix_nano": next((each for each in (changed, created) if each is not None), ingest_ns),
        "source_format": "langsmith",
        "source_version": version,
        "name": key,
        "synthetic": probe(metadata) or probe(fields(said.get("extra"))),
    }
    if (rater_id := word(source.get("user_id"))) is not None:
        read["rater_id"] = rater_id
    return [build(Feedback, read)]


def _target(said: Mapping[str, Any]) -> dict[str, Any]:
    """Name the run and its trace.

    A session is a project here, no dialogue. The root of a trace stands for all of it. The spans that LangSmith's
    client 0.15 exports have ids of their own, in which no run is to be found: who wants them joined makes the run's id
    the call's.
    """
    run, trace = word(said.get("run_id")), word(said.get("trace_id"))
    if run is None and trace is None:
        return {}
    return {
        "aliases": aliases([f"call:{run}"] if run else [], [f"trace:{trace}"] if trace else []),
        "target_scope": "trace" if run in (None, trace) else "inference",
    }


def _judgement(said: Mapping[str, Any]) -> dict[str, Any]:
    config = fields(said.get("feedback_config"))
    kind = _TYPES.get(word(config.get("type")) or "")
    lowest, highest = number(config.get("min")), number(config.get("max"))
    score = said.get("score")
    yes_or_no = isinstance(score, bool)
    value, scored = judgements.value(said.get("value")), judgements.value(score if yes_or_no else number(score))
    ranged = lowest is not None and highest is not None and lowest < highest
    return {
        **value,
        **scored,
        "explanation": judgements.words(value.get("explanation"), said.get("comment")),
        "correction": said.get("correction"),
        "data_type": kind or ("boolean" if yes_or_no else None),
        "score_range": (lowest, highest) if ranged else None,
        "error_type": "judge_failed" if said.get("error") is True else None,
    }
