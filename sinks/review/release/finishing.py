"""A release that lies at its place is told to the logs, of its batches, then of releases: once, however often tried.

The log of releases comes last, so that what it names is whole. A version that lies there and is not named in it was
left by a kill: the same command finishes it, before any other is released.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import orjson

from sinks.review import manifest as batches_manifest
from sinks.review.audit import Audit, Log, State, Step, state_of
from sinks.review.decisions import seal_of
from sinks.review.refusals import CutRefused
from sinks.review.release import log
from sinks.review.release.manifest import LINEAGE, NAME, ReleaseManifest, SourceFact, verify
from sinks.review.sign_off import signatures


class NotSigned(CutRefused):
    """A batch is not signed off, or not any more: nothing of it leaves."""


class NotReleased(CutRefused):
    """A release cannot be made so: its name is taken or none, nothing is in it, or another comes first."""


def source(batch: Path) -> SourceFact:
    """Return what a release says of a batch that is signed off. Raises NotSigned, TamperedBatch."""
    held, signed, steps = batches_manifest.verify(batch), signatures(batch), Audit(batch).steps()
    # An erasure may have left fewer who have to sign than have: the last of them says that it is off.
    if not signed.complete or state_of(steps) not in (State.SIGNED_OFF, State.RELEASED):
        why = signed.void or f"{len(signed.valid)} of {signed.needed} people have signed it."
        raise NotSigned(f"{batch} is not signed off: {why} `sluice batch status` says what is missing.")
    return SourceFact(
        batch=held.window.name,
        manifest_sha256=held.sha256,
        decisions_sha256=seal_of(steps).sha256,
        audit_sha256=sha256(steps[-1].line()).hexdigest(),
        signed_by=[entry.by for entry in signed.valid],
    )


def unfinished(releases: Path) -> list[str]:
    """Return the versions that lie there whole and were told to no log, sorted."""
    told = {*log.versions(releases), *log.replaced(releases)}
    return sorted(path.parent.name for path in releases.glob(f"[!.]*/{NAME}") if path.parent.name not in told)


def require_finished(releases: Path, version: str) -> None:
    """Raises NotReleased where a version is unfinished."""
    if version in unfinished(releases):
        raise NotReleased(
            f"{releases / version} was written, and no log says so: a kill came between. `sluice release cut` with its "
            f"batches and `--version {version}` finishes it; after a killed `sluice erase`, run that again."
        )


def finish(releases: Path, version: str, batches: Sequence[Path]) -> ReleaseManifest:
    """Tell the logs of a release that lies at its place, in the words and at the time of its manifest.

    Args:
        releases: where releases lie; one process at a time.
        version: of the release.
        batches: the folders that it was made of.

    Raises:
        NotReleased: these are other batches, or people have decided or signed anew since it was written.
        NotSigned, TamperedBatch, TamperedRelease.
    """
    manifest = verify(releases / version)
    now = {(each := source(batch)).batch: each for batch in batches}
    for said in manifest.sources:
        if said.batch not in now or len(now) != len(manifest.sources):
            raise NotReleased(f"{releases / version} was made of {_named(manifest)}: name just these, to finish it.")
        if said.model_copy(update={"audit_sha256": now[said.batch].audit_sha256}) != now[said.batch]:
            raise NotReleased(
                f"{releases / version} was never finished, and what people say of {said.batch} has changed since: "
                "remove that folder, of which nobody was told, and release again."
            )
    at, given = datetime.fromisoformat(manifest.released_at), _given(releases / version)
    for batch in batches:
        with Audit(batch).writing() as steps:
            if not _told(steps, manifest):
                items, digest = len(given[batch.name]), manifest.sha256
                by = manifest.released_by
                steps.append(Step.RELEASED, by, at, version=version, release_sha256=digest, items=items)
    log.append(releases, "released", version, manifest.released_by, at)
    return manifest


def _told(steps: Log, manifest: ReleaseManifest) -> bool:
    said = (entry.facts for entry in steps.entries if entry.step is Step.RELEASED)
    return any(facts.get("release_sha256") == manifest.sha256 for facts in said)


def _given(release: Path) -> dict[str, set[str]]:
    """Return the items of each batch that gave a line."""
    given: dict[str, set[str]] = defaultdict(set)
    for each in map(orjson.loads, (release / LINEAGE).read_bytes().splitlines()):
        given[each["batch"]].add(each["inference_id"])
    return given


def _named(manifest: ReleaseManifest) -> str:
    return " and ".join(each.batch for each in manifest.sources)
