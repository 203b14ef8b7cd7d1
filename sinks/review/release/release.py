"""Signed batches become a release, on one page: the only way in which anything leaves toward training."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sinks.review import manifest as batches_manifest
from sinks.review.folder import sync, workshop
from sinks.review.manifest import code_versions, fact
from sinks.review.release import log
from sinks.review.release.card import card
from sinks.review.release.finishing import NotReleased, finish, require_finished, source, unfinished
from sinks.review.release.leakage import known
from sinks.review.release.manifest import FILES, NAME, ReleaseManifest, SourceFact
from sinks.review.release.records import write

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Released:
    """A release on disk. `finished` says that it lay there already, written by a process that was killed then."""

    path: Path
    manifest: ReleaseManifest
    finished: bool = False


def release(
    batches: Sequence[Path], releases: Path, version: str, by: str, at: datetime, without: frozenset[str] = frozenset()
) -> Released:
    """Release the decided items of signed batches into `releases/<version>`: data, lineage, manifest and card.

    A kill leaves either nothing of it, or a version that the same call finishes.

    Args:
        batches: folders of batches, each signed off.
        releases: where releases lie; made if missing.
        version: a name that was never given.
        by: who releases.
        at: when, aware.
        without: inferences to leave out, because they were erased.

    Raises:
        NotSigned: names the batch, and what is missing.
        NotReleased: the version is there, or no name, or there is nothing to release, or another is to be finished.
        CutUnderWay: another process is at it.
        TamperedBatch, TamperedRelease: name what was changed.
    """
    if not VERSION.fullmatch(version):
        raise NotReleased(f"{version!r} is no name of a release: letters, digits, dots and dashes, such as 2026.47.")
    sources = [source(batch) for batch in batches]
    if len({each.batch for each in sources}) < len(batches):
        raise NotReleased("A batch is named twice, or two cuts of one window are: items would be in the release twice.")
    with workshop(releases, version) as folder:
        left = unfinished(releases)
        for other in left:
            if other != version:
                require_finished(releases, other)
        if version in left:
            return Released(releases / version, finish(releases, version, batches), finished=True)
        if (releases / version).exists():
            raise NotReleased(f"{releases / version} is there already, and stays as it is: name another version.")
        manifest = _written(folder, batches, sources, releases, version, by, at, without)
        for path in (*folder.iterdir(), folder):
            sync(path)
        folder.rename(releases / version)
        sync(releases)
        finish(releases, version, batches)
    return Released(releases / version, manifest)


def _written(
    folder: Path,
    batches: Sequence[Path],
    sources: list[SourceFact],
    releases: Path,
    version: str,
    by: str,
    at: datetime,
    without: frozenset[str],
) -> ReleaseManifest:
    sides, share = known(releases), _share(batches)
    written = write(folder, batches, sides, share, without)
    if not written.records.total():
        raise NotReleased(f"There is nothing to release: {written}.")
    manifest = ReleaseManifest(
        version=version,
        released_by=by,
        released_at=at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        sources=sources,
        supersedes=log.current(releases),
        evaluation_share=share,
        stayed=len(sides.stayed),
        records={name: written.records[name] for name in FILES},
        left_out=dict(sorted(written.left_out.items())),
        code=code_versions(),
        files={},
    )
    (folder / "README.md").write_text(card(manifest), encoding="utf-8")
    manifest = manifest.model_copy(update={"files": {path.name: fact(path) for path in sorted(folder.iterdir())}})
    (folder / NAME).write_bytes(manifest.to_bytes())
    return manifest


def _share(batches: Sequence[Path]) -> float:
    """Return the share of evaluation that the policies of all batches have. Raises NotReleased where they differ."""
    shares = {batch: batches_manifest.read(batch).policy.release.evaluation_share for batch in batches}
    if len({*shares.values()}) > 1:
        said = ", ".join(f"{batch.name} {share:g}" for batch, share in shares.items())
        raise NotReleased(f"The policies of these batches differ in evaluation_share ({said}): release them apart.")
    return next(iter(shares.values()))
