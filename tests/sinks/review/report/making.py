"""Batches as a cut writes them, made of planted items: a week of a support desk, and strangers who mean harm."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from sinks.review.candidates import Reason
from sinks.review.folder import write_items
from sinks.review.manifest import NAME, Counts, Manifest, WindowFact, code_versions, fact
from sinks.review.policy import Policy
from sinks.review.report.write import write_report
from sinks.review.schema import SCHEMA
from sinks.review.windows import Window, iso, nanoseconds

TOPICS = {
    "refund · invoice · vat": ("Why does my invoice show VAT twice?", "The second line is the reversed VAT of March."),
    "delivery · parcel · lost": ("My parcel has been in Leipzig for nine days.", "I have opened a search for it."),
    "login · code · phone": ("The code never reaches my new phone.", "Please confirm the number that ends in 07."),
    "export · csv · umlaut": ("Umlauts are broken in the CSV export.", "Open it as UTF-8; here is how, step by step."),
    "contract · cancel · notice": ("Can I cancel before the notice period?", "Yes, if the price went up."),
}
HOSTILE = {
    "html": "<script>fetch('https://evil.example')</script><img src=x onerror=alert(1)><h1>big</h1>",
    "attribute": '" onfocus="alert(1)" autofocus="\' x=\'',
    "bidi": "abc\u202egnp.exe\u2066 def",
    "ansi": "\x1b[31mred\x1b[0m\x07\x00",
    "template": "{{ 7 * 7 }} {% raw %}",
    "closing": "</style></script></title></textarea><!-- --><base href=https://evil.example>",
    "wide": "W" * 3000,
    "persian": "می\u200cخواهم سفارشم را لغو کنم",  # noqa: RUF001
}


def said(role: str, text: str) -> str:
    return orjson.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}]).decode()


def item(number: int, chance: random.Random, begin: datetime) -> dict[str, Any]:
    """Return one item; the first ones are hostile in every text that a stranger can write."""
    topic = chance.choice(sorted(TOPICS))
    asked, answered = TOPICS[topic]
    hostile = sorted(HOSTILE.values())[number] if number < len(HOSTILE) else None
    asked = hostile or f"{asked} It is order {1000 + number}."
    reasons = sorted({chance.choice(list(Reason)), *([Reason.CONTROL] if number % 4 == 0 else [])})
    place = sorted(TOPICS).index(topic)
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    at = nanoseconds(begin + timedelta(minutes=7 * number))
    row |= {"inference_id": f"{hostile or 'call'}-{number:04d}"[:90], "time": at, "status": "ok"}
    row |= {"segment": hostile or f"desk/{chance.choice(['chat', 'mail'])}/{chance.choice(['small', 'large'])}/live"}
    row |= {"service": "desk", "request_model": chance.choice(["small-3", "large-3"]), "finish_reasons": ["stop"]}
    row |= {"input_messages": said("user", asked), "output_messages": said("assistant", hostile or answered)}
    row |= {"duration_s": chance.uniform(0.3, 9), "output_tokens": chance.randrange(20, 900), "tags": "{}"}
    row |= {"reasons": [reason.value for reason in reasons], "why": [hostile or f"Because of {r}." for r in reasons]}
    row |= {"inclusion_probabilities": [0.004 if r is Reason.CONTROL else 1.0 for r in reasons]}
    row |= {"control_weight": 250.0 if Reason.CONTROL in reasons else None, "findings": [], "folded": []}
    row |= {"topic": hostile or topic, "x": chance.gauss(place % 3, 0.22), "y": chance.gauss(place // 2, 0.22)}
    row |= {"alternatives": _alternatives(number, hostile) if Reason.PREFERENCE in reasons else [], "late": False}
    row |= {"prelabels": [{"name": "tone", "value": hostile or "calm", "score": 0.91, "by": "moderation"}]}
    return row | {"feedback": [_feedback(number, at, hostile)] if number % 3 == 0 else []}


def _alternatives(number: int, hostile: str | None) -> list[dict[str, Any]]:
    said_otherwise = said("assistant", hostile or "Another answer, shorter and to the point.")
    return [
        {"inference_id": f"other-{number}", "choice": 0, "response_model": hostile or "large-3", "preferred": preferred}
        | {"output_messages": said_otherwise}
        for preferred in (True, False)
    ]


def _feedback(number: int, at: int, hostile: str | None) -> dict[str, Any]:
    given = {"feedback_id": f"f{number}", "time": at, "name": hostile or "user.thumbs", "score": float(number % 2)}
    given |= {"score_low": None, "score_high": None, "label": None, "explanation": hostile or "Not what I asked for."}
    correction = orjson.dumps(hostile or "It was the wrong month.").decode()
    given |= {"data_type": "boolean", "correction": correction, "weight": 1.0, "rater_kind": "human"}
    return given | {"rater_id": None, "target_scope": "inference"}


def make(out: Path, week: str = "2026-W46", *, items: int = 320, parents: tuple[Manifest, ...] = ()) -> Path:
    """Write a batch with its report, and return its folder."""
    window, chance = Window.week(week), random.Random(week)  # noqa: S311  a sample, not a secret
    folder = out / week
    folder.mkdir(parents=True)
    rows = [item(number, chance, window.begin) for number in range(items)]
    write_items(folder, [rows])
    manifest = _manifest(folder, window, rows, parents)
    write_report(folder, manifest)
    manifest = manifest.model_copy(update={"files": {path.name: fact(path) for path in folder.iterdir()}})
    (folder / NAME).write_bytes(manifest.to_bytes())
    return folder


def _manifest(folder: Path, window: Window, rows: list[dict[str, Any]], parents: tuple[Manifest, ...]) -> Manifest:
    taken = Counter(reason for row in rows for reason in row["reasons"])
    policy = Policy()
    return Manifest(
        window=WindowFact(name=window.name, begin=iso(window.begin), end=iso(window.end)),
        lateness_s=86400.0,
        policy=policy.said(),
        policy_sha256=policy.sha256,
        parents={each.window.name: each.sha256 for each in parents},
        stored_until=int(datetime(2026, 11, 17, tzinfo=UTC).timestamp() * 1000),
        code=code_versions(),
        counts=Counts(
            events=54_300,
            inferences=25_400,
            synthetic=240,
            without_consent=130,
            in_another_batch=12,
            late=9,
            eligible=25_027,
            candidates={reason.value: 3 * taken[reason] for reason in Reason},
            items=len(rows),
            folded=7,
            by_reason={reason.value: taken[reason] for reason in Reason},
            prelabels={"moderation": {"asked": len(rows), "labelled": len(rows) - 2, "failed": 2}},
        ),
        files={path.name: fact(path) for path in folder.iterdir()},
    )
