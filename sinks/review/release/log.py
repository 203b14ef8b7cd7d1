"""What became of releases, a line each: made, withdrawn, handed over; each line is chained to the one before."""

import fcntl
import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from sinks.review.folder import sync
from sinks.review.release.manifest import TamperedRelease

NAME = "log.jsonl"
FIRST = "0" * 64
What = Literal["released", "withdrawn", "handed_over"]


class Line(BaseModel):
    """One line: what was done with a release, by whom and when; `to` names who received it, `instead_of` the release
    whose place it took when something was erased from that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: What
    version: str
    by: str
    at: str
    to: str = ""
    note: str = ""
    instead_of: str = ""
    before: str

    def to_bytes(self) -> bytes:
        return orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def append(
    releases: Path,
    what: What,
    version: str,
    by: str,
    at: datetime,
    *,
    to: str = "",
    note: str = "",
    instead_of: str = "",
) -> None:
    """Append a line, durably."""
    with (releases / f".{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _mend(releases / NAME)
        lines = read(releases)
        before = sha256(lines[-1].to_bytes()).hexdigest() if lines else FIRST
        said = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        line = Line(what=what, version=version, by=by, at=said, to=to, note=note, instead_of=instead_of, before=before)
        with (releases / NAME).open("ab") as file:
            file.write(line.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        sync(releases)


def read(releases: Path) -> list[Line]:
    """Return all lines, oldest first. Raises TamperedRelease, which names the first line that breaks the chain."""
    path = releases / NAME
    lines: list[Line] = []
    before = FIRST
    for number, data in enumerate(_whole(path).splitlines(keepends=True), 1):
        try:
            line = Line.model_validate_json(data)
        except ValidationError:
            line = None
        if line is None or line.before != before or line.to_bytes() != data:
            raise TamperedRelease(f"{path}, line {number}: the chain of hashes breaks here. Restore it from a copy.")
        lines.append(line)
        before = sha256(data).hexdigest()
    return lines


def _whole(path: Path) -> bytes:
    """Return whole lines: half a last one is being written, or was left by a kill, and says nothing yet."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def _mend(path: Path) -> None:
    """Cut off half a last line, which only a kill while it was written can leave."""
    if path.exists() and (whole := len(_whole(path))) < path.stat().st_size:
        os.truncate(path, whole)


def versions(releases: Path) -> list[str]:
    """Return all versions that were ever released, oldest first."""
    return [line.version for line in read(releases) if line.what == "released"]


def current(releases: Path) -> str | None:
    """Return the version that is in use: the last that was released and not withdrawn; None where there is none.

    What took the place of another when something was erased stands where that one stood, withdrawn if that one was.
    """
    versions, withdrawn = _standing(releases)
    return next((version for version in reversed(versions) if version not in withdrawn), None)


def withdrawn(releases: Path) -> set[str]:
    """Return the versions that were withdrawn, and those that took the place of one that was."""
    return _standing(releases)[1]


def _standing(releases: Path) -> tuple[list[str], set[str]]:
    """Return the versions whose places no others took, as they follow one another, and those that were withdrawn."""
    versions: list[str] = []
    withdrawn: set[str] = set()
    for line in read(releases):
        if line.what == "released" and line.instead_of in versions:
            versions[versions.index(line.instead_of)] = line.version
            withdrawn |= {line.version} if line.instead_of in withdrawn else set()
        elif line.what == "released":
            versions.append(line.version)
        elif line.what == "withdrawn":
            withdrawn.add(line.version)
    return versions, withdrawn


def replaced(releases: Path) -> dict[str, str]:
    """Return the versions whose place others took when something was erased from them, and those others."""
    return {line.instead_of: line.version for line in read(releases) if line.instead_of}


def holders(releases: Path, version: str) -> list[str]:
    """Return who was given a version, in the order of giving."""
    return [line.to for line in read(releases) if line.what == "handed_over" and line.version == version]
