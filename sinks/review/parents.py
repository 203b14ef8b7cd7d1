"""The batches that lie there already: what is in them is not picked again, and what came too late for the last is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from sinks.review import manifest as manifest_module
from sinks.review.manifest import Manifest
from sinks.review.windows import Window

REACH = timedelta(days=35)  # how long before a window a batch may have ended, for its late events to come


@dataclass(frozen=True)
class Late:
    """The windows of the batches before, as far as they follow on one another, and the greatest Kafka time of what the
    last of them saw, milliseconds since 1970."""

    begin: datetime
    end: datetime
    stored_until: int


@dataclass(frozen=True)
class Parents:
    """What a cut has to know of the batches before it.

    `hashes` names each by its window and the SHA-256 of its manifest; `taken` are the ids that its window could meet
    again, folded ones included, sorted.
    """

    hashes: dict[str, str] = field(default_factory=dict)
    taken: tuple[str, ...] = ()
    late: Late | None = None
    previous: Manifest | None = None


def parents(out: Path, window: Window) -> Parents:
    """Read the batches in `out` that bear on a window: those that it follows on, without a gap and for five weeks back,
    for what came too late for them; and those that overlap with these or with the window.

    Of a window that lies there cut, the batches that it was cut after count, and no others: a batch that was cut since
    changes nothing about it.

    Raises TamperedBatch where one of them is not what its manifest says: its items could be picked again.
    """
    known = [(path, held) for path, held in _batches(out) if held.window.name != window.name]
    there = next((held for _, held in _batches(out) if held.window.name == window.name), None)
    if there is not None:
        known = [(path, held) for path, held in known if held.window.name in there.parents]
    before = [held for _, held in known if held.window.span.end <= window.begin <= held.window.span.end + REACH]
    before.sort(key=lambda held: (held.window.span.end, held.window.span.begin), reverse=True)
    previous = before[0] if before else None
    begin = previous.window.span.begin if previous else window.begin
    for held in before:
        if held.window.span.end >= begin:
            begin = min(begin, held.window.span.begin)
    met = [(path, held) for path, held in known if held.window.span.end > begin and held.window.span.begin < window.end]
    return Parents(
        hashes={held.window.name: held.sha256_as_cut for _, held in met},
        taken=tuple(sorted({name for path, _ in met for name in _ids(path)})),
        late=Late(begin, previous.window.span.end, previous.stored_until) if previous else None,
        previous=previous,
    )


def _batches(out: Path) -> Iterable[tuple[Path, Manifest]]:
    if not out.is_dir():
        return []
    return [
        (path, manifest_module.read(path))
        for path in sorted(out.iterdir())
        if not path.name.startswith(".") and (path / manifest_module.NAME).is_file()
    ]


def _ids(batch: Path) -> Iterable[str]:
    manifest_module.verify(batch)
    table = pq.read_table(batch / "items.parquet", columns=["inference_id", "folded"])
    yield from table["inference_id"].to_pylist()
    for folded in table["folded"].to_pylist():
        yield from folded
