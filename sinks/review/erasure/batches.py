"""Review batches as a place to erase from: files are written anew beside a batch, then moved over those that are there.

A batch stays what its manifest says: that is written anew, too, and names what went by salted hashes. What was written
is complete, and has its name, before the first file moves: a run that was killed meanwhile is finished by the next.
"""

import shutil
from collections.abc import Container, Iterator
from pathlib import Path

from sinks.review.audit import FOLDER, Audit, Entry, Step, vouched
from sinks.review.audit import NAME as LOG
from sinks.review.decisions import NAME as DECISIONS
from sinks.review.erasure import receipt
from sinks.review.erasure.items_left import Left
from sinks.review.erasure.marks import Marks
from sinks.review.erasure.review_files import mentions
from sinks.review.folder import sync, write_items
from sinks.review.manifest import NAME, FileFact, fact, read
from sinks.review.report.write import PAGE, write_report

READY = ".erased"  # what a folder's name ends with that only needs to be moved


class Batches:
    """The items of all batches of a folder, released ones included.

    Args:
        out: the folder; nobody else may write into it meanwhile.
        marks: what is to go.
    """

    name = "batches (items)"

    def __init__(self, out: Path, marks: Marks) -> None:
        self._out, self._marks = out, marks

    def count(self) -> int:
        """Raises TamperedBatch for a batch that holds something and is not what its manifest says."""
        unfinished = sum(1 for _ in self._out.glob(f".*{READY}"))
        return unfinished + sum(self._found(batch) for batch in self._batches())

    def erase(self) -> None:
        for ready in sorted(self._out.glob(f".*{READY}")):
            self._finish(ready)
        for batch in self._batches():
            if self._found(batch):
                self._rewrite(batch)

    def sent_on(self) -> list[str]:
        """Say of batches that hold something who was given it: services that labelled it, exports and pushes.

        A batch that a killed run has erased from holds nothing any more, and is still to be told about.
        """
        finished = receipt.finished(self._out)
        said: list[str] = []
        for batch in self._batches():
            steps = Audit(batch).steps()
            if self._found(batch) or any(each.step is Step.ERASED and each.at not in finished for each in steps):
                said += [
                    f"{batch.name} was shown to {plug.name} ({plug.url}) at the cut, for labels: have it erased there, "
                    "too."
                    for plug in read(batch).policy.prelabels
                ]
                said += [
                    f"{batch.name} was {each.step} by {each.by} on {each.at}{_where(each)}: have it erased there, too."
                    for each in steps
                    if each.step in (Step.EXPORTED, Step.PUSHED)
                ]
        return said

    def mentioned(self) -> list[str]:
        """Say where people's own words name what was erased: reasons of rejections in logs, notes about other items."""
        return [
            f"{path} names it in what a person wrote, which is not taken out by itself: read it."
            for batch in self._batches()
            for path in (batch / FOLDER / LOG, batch / FOLDER / DECISIONS)
            if path.exists() and mentions(path, self._marks.patterns)
        ]

    def names(self) -> set[str]:
        """Return the ids of items that are to go, some of which may have no rows any more."""
        return {name for left in self._read() for name in left.names}

    def touched(self) -> frozenset[str]:
        """Return the ids of items that stay, and say something of what is to go."""
        return frozenset(name for left in self._read() for name in left.touched)

    def _read(self) -> Iterator[Left]:
        for batch in self._batches():
            left = Left(batch, self._marks)
            for _ in left.chunks():
                pass
            yield left

    def _batches(self) -> Iterator[Path]:
        if self._out.is_dir():
            yield from sorted(path.parent for path in self._out.glob(f"[!.]*/{NAME}"))

    def _found(self, batch: Path) -> int:
        left = Left(batch, self._marks)
        for _ in left.chunks():
            pass
        if left.found and not self._ready(batch).exists():
            vouched(
                batch, Audit(batch).steps()
            )  # before anything is erased: a new manifest would make good what is not
        return left.found

    def _rewrite(self, batch: Path) -> None:
        folder = self._out / f".{batch.name}.erasing"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        left, before = Left(batch, self._marks), read(batch)
        write_items(folder, left.chunks())
        after = before.model_copy(
            update={
                "erased": [*before.erased, *left.tombstones],
                "cut_sha256": before.sha256_as_cut,
                "files": _facts(folder),
            }
        )
        write_report(folder, after)
        (folder / NAME).write_bytes(after.model_copy(update={"files": _facts(folder)}).to_bytes())
        for path in (*folder.iterdir(), folder):
            sync(path)
        folder.rename(self._ready(batch))
        self._finish(self._ready(batch))

    def _ready(self, batch: Path) -> Path:
        return self._out / f".{batch.name}{READY}"

    def _finish(self, ready: Path) -> None:
        """Say it in the batch's log, once, then move the files; of a folder that a kill left empty they are moved."""
        if not (ready / NAME).exists():
            ready.rmdir()
            return
        batch, manifest = self._out / ready.name.removeprefix(".").removesuffix(READY), read(ready)
        subject = self._marks.subject
        with Audit(batch).writing() as log:
            if all(entry.facts.get("manifest") != manifest.sha256 for entry in log.entries):
                log.append(Step.ERASED, subject.by, subject.at, items=len(manifest.erased), manifest=manifest.sha256)
            self._move(ready, batch, manifest.files)  # nobody decides or signs meanwhile

    def _move(self, ready: Path, batch: Path, files: Container[str]) -> None:
        """Move files over those of the batch, the manifest last; what the batch has no more, it loses."""
        (batch / FOLDER / PAGE).unlink(missing_ok=True)  # it shows samples; `sluice batch report` draws it anew
        for path in batch.iterdir():
            if path.is_file() and path.name != NAME and path.name not in files:
                path.unlink()
        for path in sorted(ready.iterdir(), key=lambda path: (path.name == NAME, path.name)):
            path.replace(batch / path.name)
        sync(batch)
        ready.rmdir()


def _where(entry: Entry) -> str:
    """Return where something went, as far as its step says."""
    said = (entry.facts.get(name) for name in ("to", "url", "project"))
    return f" to {' '.join(str(each) for each in said if each)}"


def _facts(folder: Path) -> dict[str, FileFact]:
    return {path.name: fact(path) for path in sorted(folder.iterdir())}
