"""Each item becomes the sheet that a person decides on: turns, answers, what services said, and a fingerprint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from sinks.review import manifest
from sinks.review.items import own_answer, read_line
from sinks.review.outcomes import reviewables
from sinks.review.participation import Label, Plan, planned
from sinks.review.policy import Policy

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Sheet:
    """An item as it is shown, whole, whatever the tool.

    `dialogue`: turns {"role", "text"}, the item's own answer last. `answers`: {"id", "title", "body"} of its own answer
    and the alternatives, where there are any; `id` is `inference_id#choice`. `overlap`: how many people are to decide
    it. `labels`: what services said, empty where people are to judge without; `suggested`: the verdict that the policy
    makes of them, with its score. `fingerprint`: SHA-256 of what is shown as dialogue and answers.
    """

    batch: str
    inference_id: str
    fingerprint: str
    segment: str
    topic: str
    reasons: list[str]
    why: list[str]
    dialogue: list[dict[str, str]]
    answers: list[dict[str, str]]
    overlap: int
    blind: bool
    labels: list[dict[str, Any]]
    suggested: tuple[str, float | None] | None


def sheets(batch: Path) -> Iterator[Sheet]:
    """Give a batch's sheets, in its order, one in memory at a time.

    Raises NotABatch.
    """
    cut = manifest.read(batch)
    plan = planned(reviewables(batch), cut.policy.participation, cut.policy.seed)
    checked = frozenset[str]().union(*plan.audited.values())
    with (batch / "items.jsonl").open("rb") as lines:
        for line in lines:
            yield _sheet(read_line(line), cut.window.name, cut.policy, plan, checked)


def _sheet(item: Item, batch: str, policy: Policy, plan: Plan, checked: frozenset[str]) -> Sheet:
    name = item["inference_id"]
    overlap = max(plan.people[name], 1)
    blind = overlap > 1 or name in checked
    labels = [] if blind else list(item["prelabels"] or ())
    turns, answers = dialogue(item), _answers(item)
    return Sheet(
        batch=batch,
        inference_id=name,
        fingerprint=sha256(orjson.dumps([turns, answers], option=orjson.OPT_SORT_KEYS)).hexdigest(),
        segment=item["segment"] or "",
        topic=item["topic"] or "",
        reasons=list(item["reasons"] or ()),
        why=list(item["why"] or ()),
        dialogue=turns,
        answers=answers,
        overlap=overlap,
        blind=blind,
        labels=labels,
        suggested=_suggested(labels, policy),
    )


def _suggested(labels: list[dict[str, Any]], policy: Policy) -> tuple[str, float | None] | None:
    """Return what the labels decide by the policy, unless they contradict one another."""
    verdicts = policy.participation.verdicts
    said = [(verdicts[name], each["score"]) for each in labels if (name := named(each)) in verdicts]
    return said[0] if len({verdict for verdict, _ in said}) == 1 else None


def named(label: Mapping[str, Any]) -> str:
    """Write a pre-label as `name=value`."""
    return str(Label(label["name"], label["value"]))


def dialogue(item: Item) -> list[dict[str, str]]:
    """Return all turns of an item, in order, as plain text; nothing is left out or shortened."""
    asked = item["input_messages"] if item["input_messages"] is not None else item["input"]
    return [*_turns(item["system_instructions"], "system"), *_turns(asked, "user"), *_answer(item)]


def _answer(item: Item) -> list[dict[str, str]]:
    return list(_turns(own_answer(item), "assistant"))


def _answers(item: Item) -> list[dict[str, str]]:
    others = list(item["alternatives"] or ())
    if not others:
        return []
    said = [(f"{item['inference_id']}#0", item)]
    said += [(f"{each['inference_id']}#{each['choice']}", each) for each in others]
    return [
        {"id": name, "title": f"answer {number}", "body": "\n".join(turn["text"] for turn in _answer(one))}
        for number, (name, one) in enumerate(said, 1)
    ]


def _turns(said: Any, role: str) -> Iterator[dict[str, str]]:
    """Read messages of OpenTelemetry's form, parts alone, or whatever else was sent as JSON."""
    if said is None:
        return
    if isinstance(said, list) and said and all(isinstance(each, dict) and "role" in each for each in said):
        for message in said:
            yield {"role": str(message["role"]), "text": _joined(message.get("parts", message.get("content")))}
    else:
        yield {"role": role, "text": _joined(said)}


def _joined(parts: Any) -> str:
    return "\n".join(map(_part, parts)) if isinstance(parts, list) else _whole(parts)


def _part(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("content"), str):
        return part["content"] if part.get("type") == "text" else f"[{part.get('type')}] {part['content']}"
    return _whole(part)


def _whole(said: Any) -> str:
    return said if isinstance(said, str) else orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
