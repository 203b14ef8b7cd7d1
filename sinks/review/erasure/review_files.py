"""Files beside a batch's own, as places to erase from: decisions and labels go line by line, exports whole."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import re2

from sinks.review import decisions as decisions_module
from sinks.review.audit import FOLDER as REVIEW
from sinks.review.audit import Audit, Step
from sinks.review.erasure.marks import Marks
from sinks.review.folder import sync
from sinks.review.prelabels.kept import FOLDER

Goes = Callable[[Mapping[str, Any]], bool]
Alone = Callable[[Path, int], AbstractContextManager[None]]
PIECE = 1 << 22  # bytes of a file in memory
OVERLAP = 4096  # bytes that two pieces share: a name is shorter


class Lines:
    """Lines of JSON files that are about what is to go.

    Args:
        name: of the place.
        files: where they are.
        goes: whether a line is to go.
        alone: keeps others from writing a file meanwhile, and writes down that so many lines go.
    """

    def __init__(self, name: str, files: Sequence[Path], goes: Goes, alone: Alone) -> None:
        self.name, self._files, self._goes, self._alone = name, files, goes, alone

    def count(self) -> int:
        return sum(sum(map(self._is_gone, _lines(path))) for path in self._files)

    def erase(self) -> None:
        for path in self._files:
            going = sum(map(self._is_gone, _lines(path)))
            if going:
                with self._alone(path, going):
                    _write(path, [line for line in _lines(path) if not self._is_gone(line)])

    def _is_gone(self, line: bytes) -> bool:
        return self._goes(orjson.loads(line))


def decisions(out: Path, marks: Marks) -> Lines:
    """Return what was decided about items that go, or ranks one."""

    def goes(said: Mapping[str, Any]) -> bool:
        ranked = (each.rpartition("#")[0] for each in said.get("ranking") or [])
        return any(map(marks.inference, (said["inference_id"], *ranked)))

    @contextmanager
    def alone(path: Path, lines: int) -> Iterator[None]:
        with Audit(path.parents[1]).writing() as log:
            log.append(Step.ERASED, marks.subject.by, marks.subject.at, decisions=lines)
            yield

    return Lines("decisions (lines)", sorted(out.glob(f"[!.]*/{REVIEW}/{decisions_module.NAME}")), goes, alone)


def kept_labels(out: Path, marks: Marks) -> Lines:
    """Return what services said of items that go."""
    files = sorted(out.glob(f"{FOLDER}/*.jsonl"))
    # A cut, which alone writes them, holds the lock of the folder, as an erasure does.
    return Lines("pre-labels kept (lines)", files, lambda said: marks.inference(said["inference_id"]), _unwatched)


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
            with Audit(folder.parents[2]).writing() as log:
                log.append(Step.ERASED, self._marks.subject.by, self._marks.subject.at, exports=1)
                shutil.rmtree(folder)
                sync(folder.parent)

    def _found(self) -> Iterator[Path]:
        for folder in sorted(self._out.glob(f"[!.]*/{REVIEW}/exports/*")):
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


@contextmanager
def _unwatched(_path: Path, _lines: int) -> Iterator[None]:
    yield


def _write(path: Path, lines: Sequence[bytes]) -> None:
    """Put lines in the place of a file, in one step."""
    beside = path.with_suffix(".partial")
    beside.write_bytes(b"".join(lines))
    sync(beside)
    beside.replace(path)
    sync(path.parent)


def _lines(path: Path) -> list[bytes]:
    """Return whole lines: half a last one is being written, or was left by a kill, and says nothing yet."""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
