"""A batch's folder: written beside its place, made durable, and only then given its name."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.review.items import Item, line
from sinks.review.manifest import NAME, Manifest
from sinks.review.refusals import CutUnderWay, UnusableFolder
from sinks.review.schema import SCHEMA

FULL = (errno.ENOSPC, errno.EDQUOT)


def unwritable(folder: Path) -> Path | None:
    """Return what keeps files from being put into a folder that there may yet be to make: the nearest of its path that
    there is; None where they can be."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return None if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK) else nearest


@contextmanager
def workshop(out: Path, name: str) -> Iterator[Path]:
    """Give an empty folder in `out` that is gone afterwards, unless `publish` gave it a name.

    One cut at a time writes into `out`; what a killed one left is removed by the next of the same window.

    Raises:
        CutUnderWay: another process is at it.
        UnusableFolder: `out` cannot be made or written, or its disk is full.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise UnusableFolder(f"Cannot write batches to {out} ({error.strerror}): name another folder.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CutUnderWay(f"Another process is cutting into {out}: wait for it, or name another folder.") from None
        folder = out / f".{name}.partial"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise UnusableFolder(f"The disk of {out} is full: nothing of {name} is left on it. Make room.") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def write_items(folder: Path, chunks: Iterable[Sequence[Item]]) -> None:
    """Write items.parquet and items.jsonl, in the order given; equal chunks make equal bytes."""
    with (
        (folder / "items.jsonl").open("wb") as lines,
        pq.ParquetWriter(folder / "items.parquet", SCHEMA, version="2.6", compression="zstd") as parquet,
    ):
        for items in chunks:
            lines.writelines(map(line, items))
            parquet.write_table(pa.Table.from_pylist(list(items), SCHEMA), row_group_size=len(items))


def publish(folder: Path, batch: Path, manifest: Manifest) -> None:
    """Give a written folder its manifest, make it outlive a power cut, and move it to its place in one step."""
    (folder / NAME).write_bytes(manifest.to_bytes())
    for path in (*folder.iterdir(), folder):
        sync(path)
    folder.rename(batch)
    sync(batch.parent)


def put_back(folder: Path, batch: Path, names: Iterable[str]) -> None:
    """Put some files of a written folder, each in one step, in the place of a batch's own."""
    for name in names:
        sync(folder / name)
        (folder / name).replace(batch / name)
    sync(batch)


def sync(path: Path) -> None:
    """Make a file, or what a folder lists, outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
