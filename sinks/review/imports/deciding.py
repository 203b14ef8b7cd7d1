"""What a row says becomes a decision: who said it, when, and an id that is the same whenever the row comes again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import orjson

from sinks.review.decisions import Decision, Source, identity
from sinks.review.imports.said import Said


def decided(said: Said, batch: str, by: str, at: datetime, source: Source, names: Mapping[str, str]) -> Decision:
    """Return the decision of a row, whose verdict is one. Raises pydantic's ValidationError."""
    reviewer = _named(said.reviewer.strip(), source, names) or by
    substance = [said.verdict, said.correction, said.ranking, said.labels, said.note, said.seconds, said.decided_at]
    own = said.source_id or sha256(orjson.dumps(substance)).hexdigest()
    return Decision(
        decision_id=identity(batch, said.inference_id, reviewer, f"{source} {own}"),
        batch=batch,
        inference_id=said.inference_id,
        reviewer=reviewer,
        verdict=said.verdict,  # type: ignore[arg-type]  # one of VERDICTS, as was checked
        correction=said.correction,
        ranking=said.ranking,
        labels=said.labels,
        note=said.note,
        seconds=said.seconds,
        decided_at=_utc(said.decided_at) if said.decided_at else _utc(at.isoformat()),
        source=source,
        agrees_with_prelabels=said.agrees,
    )


def _named(person: str, source: Source, names: Mapping[str, str]) -> str:
    """Return a person's name; a bare number is of the tool that gave it."""
    return names.get(person) or (f"{source} user {person}" if person.isdigit() else person)


def _utc(said: str) -> str:
    """Return a time in UTC, as decisions write it; what is none, or has no zone, is left for the check to name."""
    try:
        at = datetime.fromisoformat(said)
        if at.tzinfo is None:
            return said
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):  # the second of the first and the last day of the calendar
        return said
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_kept(said: Decision, kept: Mapping[str, Decision]) -> Decision:
    """Return the decision that is kept already where a row that names no time comes again."""
    before = kept.get(said.decision_id)
    alike = before is not None and before.model_copy(update={"decided_at": said.decided_at}) == said
    return before if before is not None and alike else said
