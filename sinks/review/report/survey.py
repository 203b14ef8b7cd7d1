"""One pass over a batch's items: what they are is counted, few are kept as samples, each gets a dot on the map."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sinks.review.candidates import Reason
from sinks.review.items import read_line
from sinks.review.report.dialogue import Item, Turn, answer, dialogue, question
from sinks.review.report.visible import line, visible

SAMPLES = 5  # of each reason
DOTS = 1500  # on the map: the first items of a batch, whose order is a hash's, are a fair sample of it
SLICED = {"segment": "segment", "model": "request_model", "service": "service"}
_NAME = 80


@dataclass(frozen=True)
class Dot:
    """An item's place on the map, both in [0, 1], and what is said of it there."""

    inference_id: str
    x: float
    y: float
    reasons: tuple[str, ...]
    topic: str
    text: str


@dataclass(frozen=True)
class Sample:
    """An item as people see it; every text in it is neutralised."""

    inference_id: str
    time: str
    segment: str
    facts: list[str]
    turns: list[Turn]
    why: dict[str, str]
    feedback: list[str]
    prelabels: list[str]
    alternatives: list[tuple[str, bool, list[Turn]]]


@dataclass
class Survey:
    """Counts of a batch's items. `chances` are the least and greatest inclusion probability of each reason."""

    items: int = 0
    late: int = 0
    without_content: int = 0
    control: int = 0
    control_weight: float = 0.0
    slices: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in SLICED})
    feedback: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    together: Counter[str] = field(default_factory=Counter)
    chances: dict[str, tuple[float, float]] = field(default_factory=dict)
    samples: dict[Reason, list[Sample]] = field(default_factory=lambda: {reason: [] for reason in Reason})
    dots: list[Dot] = field(default_factory=list)


def survey(batch: Path) -> Survey:
    """Read items.jsonl of a folder, a line at a time."""
    seen = Survey()
    for item in _items(batch / "items.jsonl"):
        _count(seen, item)
        _keep(seen, item)
    return seen


def _items(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        yield from map(read_line, lines)


def _count(seen: Survey, item: Item) -> None:
    seen.items += 1
    seen.late += item["late"]
    seen.without_content += all(item[name] is None for name in ("input_messages", "input", "output_messages", "output"))
    if item["control_weight"] is not None:
        seen.control += 1
        seen.control_weight += item["control_weight"]
    for name, column in SLICED.items():
        seen.slices[name][line(item[column] or "unknown", _NAME)] += 1
    for given in item["feedback"]:
        seen.feedback[line(given["name"], _NAME), given["rater_kind"] or "unknown", _said(given)] += 1
    if item["topic"]:
        seen.topics[line(item["topic"], _NAME)] += 1
    if len(item["reasons"]) > 1:
        seen.together[" + ".join(item["reasons"])] += 1
    for reason, chance in zip(item["reasons"], item["inclusion_probabilities"], strict=True):
        least, most = seen.chances.get(reason, (chance, chance))
        seen.chances[reason] = min(least, chance), max(most, chance)


def _keep(seen: Survey, item: Item) -> None:
    wanting = [seen.samples[Reason(name)] for name in item["reasons"] if len(seen.samples[Reason(name)]) < SAMPLES]
    if wanting:
        sample = _sample(item)
        for samples in wanting:
            samples.append(sample)
    if item["x"] is not None and item["y"] is not None and len(seen.dots) < DOTS:
        topic = line(item["topic"] or "", _NAME)
        name = line(item["inference_id"], _NAME)
        seen.dots.append(Dot(name, item["x"], item["y"], tuple(item["reasons"]), topic, question(item, 200)))


def _sample(item: Item) -> Sample:
    return Sample(
        inference_id=line(item["inference_id"], 120),
        time=f"{item['time'][:19]}Z",
        segment=line(item["segment"] or "unknown", 120),
        facts=_facts(item),
        turns=dialogue(item),
        why=dict(zip(item["reasons"], (line(why, 300) for why in item["why"]), strict=True)),
        feedback=[_feedback(given) for given in item["feedback"]],
        prelabels=[_prelabel(label) for label in item["prelabels"]],
        alternatives=[
            (line(each["response_model"] or each["inference_id"], _NAME), each["preferred"], answer(each))
            for each in item["alternatives"]
        ],
    )


def _facts(item: Item) -> list[str]:
    """Return an item's numbers, of those that it has."""
    found = [
        (item["status"], "{}"),
        (item["error_type"], "{}"),
        (item["duration_s"], "{:.3g} s"),
        (item["output_tokens"], "{:,} tokens out"),
        (item["anomaly_score"], "anomaly {:.3g}"),
        (len(item["folded"]) or None, "stands for {:,} near-duplicates"),
        ("late" if item["late"] else None, "{}"),
    ]
    return [shape.format(line(value, _NAME) if isinstance(value, str) else value) for value, shape in found if value]


def _said(given: Item) -> str:
    """Return what feedback comes to in a word."""
    if given["label"] is not None:
        return line(str(given["label"]), 40)
    if given["score"] is None:
        return "corrected" if given["correction"] is not None else "commented"
    score = float(given["score"])
    return f"{score:.3g}" if score.is_integer() else f"about {score:.1f}"  # each share of an edit would be a kind apart


def _feedback(given: Item) -> str:
    parts = [line(given["name"], _NAME), _said(given), f"by {given['rater_kind'] or 'unknown'}"]
    if given["explanation"]:
        parts.append(f"“{visible(given['explanation'], 300)}”")
    if given["correction"] is not None:
        said = given["correction"]
        parts.append(f"corrected to: {visible(said if isinstance(said, str) else orjson.dumps(said).decode(), 600)}")
    return " · ".join(parts)


def _prelabel(label: Item) -> str:
    score = "" if label["score"] is None else f" ({label['score']:.2f})"
    return f"{line(label['name'], _NAME)} = {line(label['value'], _NAME)}{score}, by {line(label['by'], _NAME)}"
