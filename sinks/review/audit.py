"""Every step of a batch goes into a log that is only ever appended to, each line chained to the one before by its hash.

The chain begins with the hash of the manifest, so that a log belongs to one batch. A line that was changed, inserted,
moved or taken out breaks it at that line. Lines cut off at the end do not: whoever must prove more than that keeps the
last hash elsewhere, as a release does.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from sinks.review import manifest
from sinks.review.folder import sync
from sinks.review.refusals import CutRefused, TamperedBatch

FOLDER = "review"
NAME = "audit.jsonl"


class WrongState(CutRefused):
    """A step does not follow from the state that a batch is in; the message says what comes first."""


class Step(StrEnum):
    """What can happen to a batch."""

    CUT = "cut"
    EXPORTED = "exported"
    IMPORTED = "imported"
    DECIDED = "decided"
    ADJUDICATED = "adjudicated"
    SIGNED_OFF = "signed_off"
    RELEASED = "released"
    REJECTED = "rejected"
    ERASED = "erased"
    REPORTED = "reported"
    PUSHED = "pushed"


class State(StrEnum):
    """Where a batch stands, as its steps say."""

    CUT = "cut"
    EXPORTED = "exported"
    IN_REVIEW = "in_review"
    DECIDED = "decided"
    SIGNED_OFF = "signed_off"
    RELEASED = "released"
    REJECTED = "rejected"


_ALWAYS = {Step.ERASED, Step.REPORTED, Step.PUSHED}
_REVIEW = _ALWAYS | {Step.EXPORTED, Step.IMPORTED, Step.DECIDED, Step.ADJUDICATED, Step.REJECTED}
ALLOWED: dict[State, set[Step]] = {
    State.CUT: _REVIEW,
    State.EXPORTED: _REVIEW,
    State.IN_REVIEW: _REVIEW | {Step.SIGNED_OFF},  # an erasure may have taken the last that was open: `sign` counts
    State.DECIDED: _REVIEW | {Step.SIGNED_OFF},
    State.SIGNED_OFF: _REVIEW | {Step.RELEASED},  # a decision makes the signature void
    State.RELEASED: _REVIEW - {Step.REJECTED} | {Step.RELEASED},
    State.REJECTED: _ALWAYS,
}
CURES: dict[State, str] = {
    State.CUT: "It has no decisions yet: export it, or decide with `sluice batch review`.",
    State.EXPORTED: "It has no decisions yet: import them, or decide with `sluice batch review`.",
    State.IN_REVIEW: "Items are open: `sluice batch status` says how many.",
    State.DECIDED: "It is not signed: `sluice batch sign` comes first.",
    State.SIGNED_OFF: "It is signed already; a new decision makes the signature void.",
    State.RELEASED: "It is in a release; `sluice release rollback` withdraws one that is not to be used.",
    State.REJECTED: "It was rejected, which is final; what its window holds can be cut by other bounds.",
}


class Entry(BaseModel):
    """A line of the log. `facts` hold counts and hashes, and no id or text of an inference: what is erased elsewhere
    must not live on here, where nothing can be taken out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    step: Step
    by: str = Field(min_length=1, description="A person's name; `sluice` for what a schedule did.")
    at: str = Field(description="ISO 8601, UTC.")
    facts: dict[str, JsonValue]
    before: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the line before; of the manifest as cut.")

    def line(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


class Audit:
    """The log of one batch.

    Args:
        batch: its folder. The log is in `review/`, which the first step makes.
    """

    def __init__(self, batch: Path) -> None:
        self._batch, self._path = batch, batch / FOLDER / NAME
        self._begin = manifest.read(batch).sha256_as_cut

    def append(self, step: Step | str, by: str, at: datetime, **facts: JsonValue) -> Entry:
        """Append a step, durably. Raises as `Log.append` does."""
        with self.writing() as log:
            return log.append(step, by, at, **facts)

    @contextmanager
    def writing(self) -> Iterator["Log"]:
        """Give the log to one process alone; others wait. What else is in `review/` is written under it, too."""
        self._path.parent.mkdir(exist_ok=True)
        with (self._path.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._mend()
            yield Log(self._path, self._begin, self.verify())

    def steps(self) -> list[Entry]:
        """Return all steps, oldest first; the chain is checked. Raises TamperedBatch."""
        return self.verify()

    def verify(self) -> list[Entry]:
        """Return all steps of a log whose chain is whole.

        Raises TamperedBatch: names the first line that is not what the chain says.
        """
        entries: list[Entry] = []
        before = self._begin
        for number, line in enumerate(self._lines(), 1):
            entry = _read(line)
            if entry is None or entry.before != before or entry.number != number:
                raise TamperedBatch(
                    f"{self._path}, line {number}: the chain of hashes breaks here, so that it or the line before was "
                    "changed. Restore the file from a copy; do not sign or release this batch."
                )
            entries.append(entry)
            before = sha256(line).hexdigest()
        return entries

    def _lines(self) -> list[bytes]:
        """Return whole lines: half a last one is being written, or was left by a kill, and says nothing yet."""
        data = self._path.read_bytes() if self._path.exists() else b""
        return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)

    def _mend(self) -> None:
        """Cut off half a last line, which only a kill while it was written can leave."""
        if self._path.exists() and (whole := sum(map(len, self._lines()))) < self._path.stat().st_size:
            os.truncate(self._path, whole)


class Log:
    """The log while this process alone may write it."""

    def __init__(self, path: Path, begin: str, entries: list[Entry]) -> None:
        self._path, self._begin, self.entries = path, begin, entries

    @property
    def state(self) -> State:
        return state_of(self.entries)

    @property
    def head(self) -> str:
        """SHA-256 of the last line; of the manifest as it was cut, where there is none."""
        return sha256(self.entries[-1].line()).hexdigest() if self.entries else self._begin

    def expect(self, step: Step | str) -> None:
        """Raises WrongState where the step does not follow from the state."""
        if step == Step.CUT and not self.entries:
            return
        if Step(step) not in ALLOWED[self.state]:
            raise WrongState(f"{self._path.parents[1]} is {self.state}, and cannot be {step}. {CURES[self.state]}")

    def append(self, step: Step | str, by: str, at: datetime, **facts: JsonValue) -> Entry:
        """Append a step, durably.

        Args:
            step: what was done.
            by: the name of the person who did it.
            at: when, aware.
            facts: counts and hashes of it; no id of an inference, no text.

        Raises WrongState.
        """
        self.expect(step)
        said = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        number = len(self.entries) + 1
        entry = Entry(number=number, step=Step(step), by=by.strip(), at=said, facts=facts, before=self.head)
        with self._path.open("ab") as file:
            file.write(entry.line())
            file.flush()
            os.fsync(file.fileno())
        sync(self._path.parent)
        self.entries = [*self.entries, entry]
        return entry


def vouched(batch: Path, entries: list[Entry]) -> manifest.Manifest:
    """Return the manifest of a batch whose files are what it says, and which is the one that the log's steps know.

    A manifest that says that something was erased has another hash than the one the log begins with; the step of that
    erasure holds it. Without this, whoever exchanges items and writes a manifest to go with them goes unseen.

    Raises NotABatch, TamperedBatch.
    """
    held = manifest.verify(batch)
    known = [entry.facts["manifest"] for entry in entries if "manifest" in entry.facts] or [held.sha256_as_cut]
    if held.sha256 != known[-1]:
        raise TamperedBatch(
            f"{batch / manifest.NAME} is not the one that the audit log knows: items were exchanged, or an erasure "
            "broke off. Run `sluice erase --by NAME` again; if that changes nothing, restore the folder from a copy."
        )
    return held


def begin(batch: Path, at: datetime) -> None:
    """Log that a batch was cut, unless its log has begun: a cut that is made again is the same cut."""
    with Audit(batch).writing() as log:
        if not log.entries:
            log.append(Step.CUT, "sluice", at)


def state(batch: Path) -> State:
    """Return where a batch stands. Raises NotABatch, TamperedBatch."""
    return state_of(Audit(batch).steps())


def state_of(entries: list[Entry]) -> State:
    """Return where the steps, oldest first, have led."""
    now = State.CUT
    for entry in entries:
        now = _after(now, entry)
    return now


def _after(now: State, entry: Entry) -> State:
    match entry.step:
        case Step.EXPORTED if now is State.CUT:
            return State.EXPORTED
        case Step.IMPORTED | Step.DECIDED | Step.ADJUDICATED:
            return State.IN_REVIEW if entry.facts.get("open") else State.DECIDED
        case Step.SIGNED_OFF if entry.facts.get("complete"):
            return State.SIGNED_OFF
        case Step.RELEASED:
            return State.RELEASED
        case Step.REJECTED:
            return State.REJECTED
    return now


def _read(line: bytes) -> Entry | None:
    """Read a line that was written as Sluice writes it; None for any other."""
    try:
        entry = Entry.model_validate_json(line)
        return entry if entry.line() == line else None
    except (ValidationError, orjson.JSONEncodeError):  # the second of a number of more than 64 bits
        return None
