"""Decisions about items that are erased leave review/decisions.jsonl, which stays what the audit log says."""

from collections.abc import Sequence
from pathlib import Path

from sinks.review.audit import FOLDER, Audit, Log, Step
from sinks.review.decisions import NAME, Decision, Seal, known_bytes, parse, seal_of
from sinks.review.erasure.marks import Marks
from sinks.review.folder import sync

READY = f"{NAME}.erased"  # complete, and only needs to be moved


class Decisions:
    """What people said of items that go, or of a ranking in which one is.

    The new file is written beside the old one, then the log gets its hash, then it is moved: a run that was killed in
    between is finished by the next.
    """

    name = "decisions (lines)"

    def __init__(self, out: Path, marks: Marks) -> None:
        self._out, self._marks = out, marks

    def count(self) -> int:
        unfinished = len(list(self._out.glob(f"[!.]*/{FOLDER}/{READY}")))
        return unfinished + sum(len(self._going(batch)) for batch in self._batches())

    def erase(self) -> None:
        for batch in self._batches():
            with Audit(batch).writing() as log:
                ready = batch / FOLDER / READY
                if ready.exists() and Seal.of(ready.read_bytes()) == seal_of(log.entries):
                    _move(ready)
                if self._going(batch):
                    self._rewrite(batch, log, ready)
                ready.unlink(missing_ok=True)

    def _rewrite(self, batch: Path, log: Log, ready: Path) -> None:
        before = parse(known_bytes(batch, log.entries), batch / FOLDER / NAME)
        after = [each for each in before if not self._goes(each)]
        ready.write_bytes(b"".join(each.line() for each in after))
        sync(ready)
        seal, subject = Seal.of(ready.read_bytes()), self._marks.subject
        log.append(Step.ERASED, subject.by, subject.at, decisions=len(before) - len(after), **seal.facts())
        _move(ready)

    def _batches(self) -> Sequence[Path]:
        return sorted(path.parents[1] for path in self._out.glob(f"[!.]*/{FOLDER}/{NAME}"))

    def _going(self, batch: Path) -> Sequence[Decision]:
        path = batch / FOLDER / NAME
        return [each for each in parse(path.read_bytes(), path) if self._goes(each)]

    def _goes(self, said: Decision) -> bool:
        ranked = (each.rpartition("#")[0] for each in said.ranking or ())
        return any(map(self._marks.inference, (said.inference_id, *ranked)))


def _move(ready: Path) -> None:
    ready.replace(ready.with_name(NAME))
    sync(ready.parent)
