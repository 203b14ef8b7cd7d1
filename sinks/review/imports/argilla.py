"""Argilla's records.json becomes what people said: each user's responses of a record are another person's.

Shapes: argilla 2, `dataset.to_disk` and `dataset.records.to_json`. These name users by id, and no times.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sinks.review.imports.documents import members
from sinks.review.imports.said import Problem, Said, told

Json = Mapping[str, Any]


def read(path: Path) -> Iterator[Said | Problem]:
    """Give what each user says of each record; a record without responses is given once, as undecided."""
    for number, record in members(path / "records.json" if path.is_dir() else path):
        if isinstance(record, Problem):
            yield record
            continue
        try:
            yield from _record(f"record {number}", record)
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as wrong:
            yield Problem(f"record {number}", f"{told(wrong)} is not of Argilla's records.json: write it with to_disk.")


def _record(row: str, record: Json) -> Iterator[Said]:
    base: dict[str, Any] = {
        "inference_id": str(record["id"]),
        "fingerprint": record["metadata"]["fingerprint"],
        "shown": record["fields"],
    }
    people: dict[str, dict[str, Any]] = defaultdict(dict)
    for question, responses in record["responses"].items():
        for each in responses:
            people[str(each["user_id"])][question] = each["value"]
    if not people:
        yield Said(row=row, verdict="", reviewer="", source_id="", **base)
    for person, said in people.items():
        labels = [line for line in (said.get("labels") or "").splitlines() if line.strip()]
        verdict = said.get("verdict") or "skip"
        yield Said(
            row=f"{row}, user {person}",
            verdict=verdict,
            reviewer=person,
            source_id="",
            correction=said.get("correction") if verdict == "correct" else None,
            ranking=_ranking(record, said.get("ranking")) if verdict == "rank" else None,
            labels=labels,
            note=said.get("note") or "",
            **base,
        )


def _ranking(record: Json, said: list[Any] | None) -> list[str] | None:
    """Return the answers' names, best first, of those places that the record has an answer at."""
    if not said:
        return None
    names = record["metadata"]["answers"]
    places = [(each if isinstance(each, dict) else {"value": each, "rank": n}) for n, each in enumerate(said, 1)]
    in_order = sorted(places, key=lambda each: each["rank"])
    numbers = [int(each["value"].removeprefix("answer ")) for each in in_order]
    return [names[number - 1] for number in numbers if number <= len(names)]
