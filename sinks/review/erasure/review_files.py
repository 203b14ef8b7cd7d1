"""Files beside a batch's own, as places to erase from: decisions and labels go line by line, exports whole."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import re2

from sinks.review.erasure.marks import Marks
from sinks.review.folder import sync
from sinks.review.prelabels.kept import FOLDER

PIECE = 1 << 22  # bytes of a file in memory
OVERLAP = 4096  # bytes that two pieces share: a name is shorter


class Lines:
    """Lines of JSON files that are about what is to go.

    Args:
        name: of the place.
        files: where they are.
        goes: whether a line is to go.
    """

    def __init__(self, name: str, files: Sequence[Path], goes: Callable[[Mapping[str, Any]], bool]) -> None:
        self.name, self._files, self._goes = name, files, goes

    def count(self) -> int:
        return sum(sum(map(self._is_gone, _lines(path))) for path in self._files)

    def erase(self) -> None:
        for path in self._files:
            lines = _lines(path)
            staying = [line for line in lines if not self._is_gone(line)]
            if len(staying) < len(lines):
                beside = path.with_suffix(".partial")
                beside.write_bytes(b"".join(staying))
                sync(beside)
                beside.replace(path)
                sync(path.parent)

    def _is_gone(self, line: bytes) -> bool:
        try:
            return self._goes(orjson.loads(line))
        except ValueError:  # half of a line, which a kill left: nobody reads it
            return True


def decisions(out: Path, marks: Marks) -> Lines:
    """Return what was decided about items that go, or ranks one."""

    def goes(said: Mapping[str, Any]) -> bool:
        ranked = (each.rpartition("#")[0] for each in said.get("ranking") or [])
        return any(map(marks.inference, (said["inference_id"], *ranked)))

    return Lines("decisions (lines)", sorted(out.glob("[!.]*/review/decisions.jsonl")), goes)


def kept_labels(out: Path, marks: Marks) -> Lines:
    """Return what services said of items that go."""
    files = sorted(out.glob(f"{FOLDER}/*.jsonl"))
    return Lines("pre-labels kept (lines)", files, lambda said: marks.inference(said["inference_id"]))


class Exports:
    """Exports of batches, each a folder in review/exports: one that mentions what is to go is removed, and made anew
    by whoever needs it. What was sent on from it is for the receipt to say."""

    name = "exports (folders)"

    def __init__(self, out: Path, marks: Marks) -> None:
        self._out, self._marks = out, marks

    def count(self) -> int:
        return len(list(self._found()))

    def erase(self) -> None:
        for folder in list(self._found()):
            shutil.rmtree(folder)
            sync(folder.parent)

    def _found(self) -> Iterator[Path]:
        for folder in sorted(self._out.glob("[!.]*/review/exports/*")):
            if any(mentions(path, self._marks.patterns) for path in sorted(folder.rglob("*")) if path.is_file()):
                yield folder


def mentions(path: Path, patterns: Sequence[bytes]) -> bool:
    """Whether a file holds one of the names; Parquet is unpacked."""
    return any(re2.search(pattern, piece) for piece in _pieces(path) for pattern in patterns)


def _pieces(path: Path) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches():
            yield orjson.dumps(batch.to_pylist(), default=str)
        return
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(PIECE):
            yield tail + piece
            tail = piece[-OVERLAP:]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)
