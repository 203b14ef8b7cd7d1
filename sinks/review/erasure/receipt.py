"""What an erasure came to, place by place, is a line of erasures.jsonl that carries the hash of the line before it."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from sinks.review.folder import sync
from sinks.review.refusals import CutRefused

NAME = "erasures.jsonl"  # in the folder of batches
_FIRST = "0" * 64


class BrokenLog(CutRefused):
    """A line of the log of erasures was changed, taken out or put in."""


@dataclass(frozen=True)
class Receipt:
    """One run. Nobody is named but who asked for it.

    Args:
        at: when, ISO 8601 in UTC.
        by: whose word it is.
        users: salted hashes of the pseudonyms that were asked for.
        inferences: salted hashes of the ids that were asked for.
        inferences_found: how many inferences these led to.
        places: of each place, how much was found and how much is left.
        elsewhere: what cannot be reached from here, in sentences for a person.
    """

    at: str
    by: str
    users: list[str]
    inferences: list[str]
    inferences_found: int
    places: dict[str, dict[str, int]]
    elsewhere: list[str]

    @property
    def left(self) -> int:
        """How much is left in all places."""
        return sum(place["left"] for place in self.places.values())

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "left": self.left}


def append(folder: Path, receipt: Receipt) -> None:
    """Write a receipt to the log's end, and make it outlive a power cut. Raises BrokenLog."""
    path = folder / NAME
    last = verified(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        os.truncate(path, sum(map(len, _lines(path))))
    with path.open("ab") as file:
        said = receipt.to_json() | {"previous": last}
        file.write(orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())
    sync(folder)


def verified(folder: Path) -> str:
    """Return the hash of the last line of an intact log. Raises BrokenLog, naming the first line that is not."""
    path, last = folder / NAME, _FIRST
    for number, line in enumerate(_lines(path), 1):
        try:
            said = orjson.loads(line)
            intact = said["previous"] == last and isinstance(said["at"], str)
        except (ValueError, KeyError, TypeError):
            intact = False
        if not intact:
            raise BrokenLog(f"{path} is not what was written, from line {number} on: restore it from a copy.")
        last = sha256(line).hexdigest()
    return last


def finished(folder: Path) -> frozenset[str]:
    """Return the times of the erasures that came to a receipt. Raises BrokenLog."""
    verified(folder)
    return frozenset(orjson.loads(line)["at"] for line in _lines(folder / NAME))


def _lines(path: Path) -> list[bytes]:
    """Return whole lines: half a last one was left by a kill while it was written, and is no receipt."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
