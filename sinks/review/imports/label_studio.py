"""Label Studio's JSON export becomes what people said: each annotation of a task is another person's.

Shapes: https://labelstud.io/guide/export (format JSON).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sinks.review.imports.documents import members
from sinks.review.imports.said import Problem, Said, told

Json = Mapping[str, Any]


def read(path: Path) -> Iterator[Said | Problem]:
    """Give what each annotation says; a task without any is given once, as undecided."""
    for number, task in members(path):
        if isinstance(task, Problem):
            yield task
            continue
        try:
            yield from _task(f"task {number}", task)
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as wrong:
            yield Problem(
                f"task {number}", f"{told(wrong)} is not of Label Studio's JSON: export as JSON, not JSON-MIN."
            )


def _task(row: str, task: Json) -> Iterator[Said]:
    data = task["data"]
    base: dict[str, Any] = {
        "inference_id": str(data["inference_id"]),
        "fingerprint": data["fingerprint"],
        "shown": {name: data[name] for name in ("dialogue", "answers")},
    }
    annotations = task["annotations"]
    if not annotations:
        yield Said(row=row, verdict="", reviewer="", source_id="", **base)
    for each in annotations:
        yield _annotation(f"{row}, annotation {each['id']}", each, base)


def _annotation(row: str, said: Json, base: dict[str, Any]) -> Said:
    values: dict[str, Json] = {each["from_name"]: each["value"] for each in said["result"]}
    labels = _texts(values.get("labels"))
    cancelled = bool(said.get("was_cancelled"))
    verdict = "skip" if cancelled else (values.get("verdict", {}).get("choices") or ["skip"])[0]
    return Said(
        row=row,
        verdict=verdict,
        reviewer=_person(said["completed_by"]),
        source_id=f"{said.get('unique_id') or said['id']} {said['updated_at']}",
        decided_at=said["updated_at"],
        correction="\n".join(_texts(values.get("correction"))) if verdict == "correct" else None,
        ranking=_ranking(values.get("ranking")) if verdict == "rank" else None,
        labels=labels,
        note="\n".join(_texts(values.get("note"))),
        seconds=said.get("lead_time"),
        agrees=_agrees(said.get("prediction"), labels) if not cancelled else {},
        **base,
    )


def _person(said: Any) -> str:
    """Return an e-mail address where the export has one, else the number by which Label Studio knows a person."""
    return str(said.get("email") or said["id"] if isinstance(said, dict) else said)


def _texts(value: Json | None) -> list[str]:
    text = (value or {}).get("text", [])
    return [text] if isinstance(text, str) else list(text)


def _ranking(value: Json | None) -> list[str] | None:
    """Read a Ranker's order, with or without buckets."""
    said = (value or {}).get("ranker")
    if isinstance(said, dict):
        return [name for names in said.values() for name in names]
    return said


def _agrees(prediction: Json | None, labels: list[str]) -> dict[str, bool]:
    """Whether each label with which an annotation began was kept; where it began empty, nothing is said of them."""
    results = (prediction or {}).get("result") or ()
    given = [text for each in results if each["from_name"] == "labels" for text in _texts(each["value"])]
    return {label.partition("=")[0]: label in labels for label in given}
