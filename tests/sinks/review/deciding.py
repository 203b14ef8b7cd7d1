"""A batch as a cut writes it, of as many items as a test needs, and what people say of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from sinks.review.audit import Step
from sinks.review.decisions import Decision, Source, Verdict, decision
from sinks.review.folder import publish, write_items
from sinks.review.items import Item
from sinks.review.manifest import Counts, Manifest, WindowFact, code_versions, fact
from sinks.review.participation import Participation
from sinks.review.policy import Policy, Release
from sinks.review.recording import Recorded, record
from sinks.review.schema import SCHEMA

NAME = "2026-W46"
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)  # when people begin


def minute(minutes: float) -> datetime:
    """Return a time so many minutes after people begin."""
    return MONDAY + timedelta(minutes=minutes)


def item(inference_id: str, **more: Any) -> Item:
    """Return an item with a question, an answer, and what a test says of it."""
    said = {"role": "assistant", "parts": [{"type": "text", "content": f"answer of {inference_id}"}]}
    asked = {"role": "user", "parts": [{"type": "text", "content": f"question of {inference_id}"}]}
    lists = {"reasons": ["control"], "why": ["drawn"], "inclusion_probabilities": [1.0], "findings": []}
    lists |= {"folded": [], "alternatives": [], "prelabels": [], "feedback": []}
    texts = {"input_messages": orjson.dumps([asked]).decode(), "output_messages": orjson.dumps([said]).decode()}
    known = {"inference_id": inference_id, "segment": "chat/-/small/production", "late": False}
    return dict.fromkeys(SCHEMA.names) | known | lists | texts | more


def labelled(inference_id: str, value: str, score: float | None = None, **more: Any) -> Item:
    """Return an item that a judge has labelled."""
    label = {"name": "quality", "value": value, "score": score, "by": "judge"}
    return item(inference_id, prelabels=[label], **more)


def batch(
    out: Path,
    items: list[Item],
    name: str = NAME,
    release: Release = Release(),  # noqa: B008
    **participation: Any,
) -> Path:
    """Write a batch whose policy asks for one person an item, unless a test says otherwise."""
    asked = Participation(**({"double_review_share": 0.0} | participation))
    policy = Policy(participation=asked, release=release)
    folder = out / ".partial"
    folder.mkdir(parents=True)
    write_items(folder, [items])
    counts = dict.fromkeys(("inferences", "eligible", "items"), len(items))
    counts |= dict.fromkeys(("synthetic", "without_consent", "in_another_batch", "late", "folded"), 0)
    manifest = Manifest(
        window=WindowFact(name=name, begin="2026-11-09T00:00:00Z", end="2026-11-16T00:00:00Z"),
        lateness_s=86400.0,
        policy=policy.said(),
        policy_sha256=policy.sha256,
        parents={},
        stored_until=0,
        code=code_versions(),
        counts=Counts(**counts, candidates={}, by_reason={"control": len(items)}, prelabels={}),
        files={path.name: fact(path) for path in folder.iterdir()},
    )
    publish(folder, out / name, manifest)
    return out / name


def says(
    person: str,
    inference_id: str,
    verdict: Verdict = "accept",
    at: datetime = MONDAY,
    source: Source = "cli",
    about: str = NAME,
    **more: Any,
) -> Decision:
    return decision(
        batch=about, inference_id=inference_id, reviewer=person, verdict=verdict, at=at, source=source, **more
    )


def keep(folder: Path, *decisions: Decision, step: Step = Step.DECIDED) -> Recorded:
    return record(folder, decisions, step, decisions[0].reviewer, MONDAY)
