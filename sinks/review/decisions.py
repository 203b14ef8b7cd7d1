"""What people say of items, a line each: checked when it is read, and vouched for by the audit log.

`review/decisions.jsonl` is only ever appended to, by `recording`; what comes of it is in `outcomes`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from unicodedata import category, normalize

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, model_validator

from sinks.review.audit import FOLDER, Audit, Entry
from sinks.review.faults import first
from sinks.review.refusals import CutRefused, TamperedBatch

NAME = "decisions.jsonl"

Verdict = Literal["accept", "reject", "correct", "rank", "skip"]
Source = Literal["label_studio", "argilla", "csv", "jsonl", "cli"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class InvalidDecision(CutRefused):
    """Not a decision, or not about this batch; the message names the field, or the item, and the cure."""


class Decision(BaseModel):
    """A line: what one person says of one item."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    decision_id: str = Field(min_length=1, description="Made by `identity`: the same twice is once.")
    batch: str = Field(min_length=1, description="Name of the window, such as 2026-W46.")
    inference_id: str = Field(min_length=1)
    reviewer: Name
    verdict: Verdict = Field(description="skip: cannot say; the item stays open for others.")
    correction: str | list[dict[str, JsonValue]] | None = Field(None, description="The better answer: text, messages.")
    ranking: list[str] | None = Field(None, description="`inference_id#choice`, best first.")
    labels: list[Name] = Field(default_factory=list)
    note: str = ""
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False, description="Time that the person spent.")
    decided_at: str = Field(description="ISO 8601, UTC; what is later supersedes.")
    source: Source
    agrees_with_prelabels: dict[str, bool] = Field(default_factory=dict, description="By the name of the label.")
    adjudicates: list[str] = Field(
        default_factory=list, description="Ids of the decisions in conflict that this one settles; empty for a review."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.verdict == "correct") != bool(self.correction):
            raise ValueError("a correction goes with the verdict `correct`, and only with it")
        if (self.verdict == "rank") != bool(self.ranking):
            raise ValueError("a ranking goes with the verdict `rank`, and only with it")
        if self.ranking and len(set(self.ranking)) < len(self.ranking):
            raise ValueError("a ranking names each answer once")
        if self.adjudicates and self.verdict == "skip":
            raise ValueError("an adjudication decides: it cannot be `skip`")
        if _instant(self.decided_at) is None:
            raise ValueError("decided_at is a time in UTC, such as 2026-11-17T09:30:00Z")
        try:
            self.line()
        except orjson.JSONEncodeError:
            raise ValueError(
                "a correction has whole numbers of 64 bits, and lists and objects 200 deep at most"
            ) from None
        return self

    @property
    def substance(self) -> bytes:
        """What two people must agree on: the verdict, and the text or order that goes with it."""
        return orjson.dumps([self.verdict, self.correction, self.ranking], option=orjson.OPT_SORT_KEYS)

    @property
    def order(self) -> tuple[datetime, str]:
        """By which of two of the same person's decisions the later is known, whatever order they were written in."""
        return _instant(self.decided_at) or datetime.max.replace(tzinfo=UTC), self.decision_id

    def line(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def identity(batch: str, inference_id: str, reviewer: str, source_id: str) -> str:
    """Return the id of a decision: what the same source calls the same is the same, however often it is imported."""
    said = orjson.dumps([batch, inference_id, same(reviewer), source_id])
    return sha256(said).hexdigest()[:32]


def decision(
    *, batch: str, inference_id: str, reviewer: str, verdict: Verdict, at: datetime, source: Source, **more: Any
) -> Decision:
    """Return what a person says now: whenever they say something of an item again, it is another decision.

    Args:
        batch: name of its window.
        inference_id: the item.
        reviewer: the person.
        verdict: what they say.
        at: when, aware.
        source: through what.
        more: further fields of Decision.

    Raises InvalidDecision.
    """
    moment = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    try:
        return Decision(
            decision_id=identity(batch, inference_id, reviewer, f"{source} {moment}"),
            batch=batch,
            inference_id=inference_id,
            reviewer=reviewer,
            verdict=verdict,
            decided_at=moment,
            source=source,
            **more,
        )
    except ValidationError as wrong:
        where, what = first(wrong)
        raise InvalidDecision(f"{inference_id}: {where + ': ' if where else ''}{what}.") from None


def same(person: str) -> str:
    """Return a name as people are told apart by: no way of typing it makes another person, be it letter case, spacing,
    composed letters (Unicode's NFKC) or characters that nobody sees."""
    seen = (each for each in normalize("NFKC", person) if category(each) != "Cf")
    return " ".join("".join(seen).casefold().split())


def read(batch: Path) -> list[Decision]:
    """Return the decisions of a batch as they were written, and no line that the audit log does not know.

    Raises TamperedBatch: the log is broken, or decisions.jsonl is not what it says.
    """
    return parse(known_bytes(batch, Audit(batch).steps()), batch / FOLDER / NAME)


def known_bytes(batch: Path, entries: list[Entry]) -> bytes:
    """Return the bytes of decisions.jsonl that the log's steps vouch for. What is behind them was being written when
    its writer was killed, before anybody was told that it is kept; or the file was edited, which `unknown_bytes` tells.

    Raises TamperedBatch.
    """
    path = batch / FOLDER / NAME
    data = path.read_bytes() if path.exists() else b""
    seal = seal_of(entries)
    if sha256(data[: seal.length]).hexdigest() != seal.sha256:
        raise TamperedBatch(
            f"{path} is not what the audit log says: a line was changed, moved or taken out. Restore it from a copy."
        )
    return data[: seal.length]


def unknown_bytes(batch: Path, entries: list[Entry]) -> int:
    """Return how much longer decisions.jsonl is than the log's steps vouch for."""
    path = batch / FOLDER / NAME
    return (path.stat().st_size if path.exists() else 0) - seal_of(entries).length


@dataclass(frozen=True)
class Seal:
    """How long decisions.jsonl is, and its SHA-256."""

    length: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> "Seal":
        return cls(len(data), sha256(data).hexdigest())

    def facts(self) -> dict[str, JsonValue]:
        return {"decisions_bytes": self.length, "decisions_sha256": self.sha256}


def seal_of(entries: list[Entry]) -> Seal:
    """Return the last seal that the steps hold; that of an empty file, where there is none."""
    for entry in reversed(entries):
        length, known = entry.facts.get("decisions_bytes"), entry.facts.get("decisions_sha256")
        if isinstance(length, int) and isinstance(known, str):
            return Seal(length, known)
    return Seal.of(b"")


def parse(data: bytes, path: Path) -> list[Decision]:
    """Return the decisions in the bytes of a file; half a last line, which a kill can leave, is none."""
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            found.append(Decision.model_validate_json(line))
        except ValidationError as wrong:
            where = first(wrong)[0] or "the line"
            raise TamperedBatch(f"{path}, line {number}: {where} is no decision's. Restore it from a copy.") from None
    return found


def _instant(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at if at.utcoffset() is not None and not at.utcoffset() else None
