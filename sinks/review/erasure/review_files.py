"""Files that are made of a batch's items, as places to erase from: kept labels go line by line, exports whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import re2

from sinks.review.audit import FOLDER, Audit, Step
from sinks.review.erasure.items_left import plain
from sinks.review.erasure.marks import Marks
from sinks.review.folder import sync
from sinks.review.items import read_line
from sinks.review.prelabels.kept import FOLDER as LABELS

CONFIRMED = "pushed-*.json"
PIECE = 1 << 22  # bytes of a file in memory
OVERLAP = 4096  # bytes that two pieces share: a name is shorter


class KeptLabels:
    """What services said of items that go. A cut, which alone writes these files, holds the lock of the folder, as an
    erasure does."""

    name = "pre-labels kept (lines)"

    def __init__(self, out: Path, marks: Marks) -> None:
        self._files, self._marks = sorted(out.glob(f"{LABELS}/*.jsonl")), marks

    def count(self) -> int:
        return sum(sum(map(self._goes, _lines(path))) for path in self._files)

    def erase(self) -> None:
        for path in self._files:
            lines = _lines(path)
            staying = [line for line in lines if not self._goes(line)]
            if len(staying) < len(lines):
                beside = path.with_suffix(".partial")
                beside.write_bytes(b"".join(staying))
                sync(beside)
                beside.replace(path)
                sync(path.parent)

    def _goes(self, line: bytes) -> bool:
        return self._marks.inference(read_line(line)["inference_id"])


class Exports:
    """Exports of batches, each a folder in review/exports: one that mentions what is to go is emptied, and made anew by
    whoever needs it. What a server has confirmed stays known; that it has it is for the receipt to say."""

    name = "exports (folders)"

    def __init__(self, out: Path, marks: Marks) -> None:
        self._out, self._marks = out, marks

    def count(self) -> int:
        return len(list(self._found()))

    def erase(self) -> None:
        for folder in list(self._found()):
            with Audit(folder.parents[2]).writing() as log:
                log.append(Step.ERASED, self._marks.subject.by, self._marks.subject.at, exports=1)
                for path in _files(folder):
                    path.unlink()
                sync(folder)

    def _found(self) -> Iterator[Path]:
        for folder in sorted(self._out.glob(f"[!.]*/{FOLDER}/exports/*")):
            if any(mentions(path, self._marks.patterns) for path in _files(folder)):
                yield folder


def _files(folder: Path) -> list[Path]:
    """Return what was exported: without what a server has confirmed, which names no item."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.match(CONFIRMED)]


def mentions(path: Path, patterns: Sequence[bytes]) -> bool:
    """Whether a file holds one of the names; Parquet is unpacked."""
    return any(re2.search(pattern, piece) for piece in _pieces(path) for pattern in patterns)


def _pieces(path: Path) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches():
            schema = pa.schema([(each.name, plain(each.type)) for each in batch.schema])
            yield orjson.dumps(pa.Table.from_batches([batch]).cast(schema).to_pylist(), default=str)
        return
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(PIECE):
            yield tail + piece
            tail = piece[-OVERLAP:]


def _lines(path: Path) -> list[bytes]:
    """Return whole lines: half a last one is being written, or was left by a kill, and says nothing yet."""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
