"""A release from which something is erased: another takes its place without it, and who had the old one is told."""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from sinks.review.folder import sync, workshop
from sinks.review.manifest import fact
from sinks.review.release import log
from sinks.review.release.card import card
from sinks.review.release.finishing import unfinished
from sinks.review.release.manifest import FILES, LINEAGE, NAME, REPLACED, ReleaseManifest, verify


def supersede(releases: Path, version: str, without: frozenset[str], by: str, at: datetime) -> str | None:
    """Release a version anew without these inferences, and take what was in the old one away.

    Of the old one its manifest and its card stay, which name nobody. What a killed run began is taken up; a version
    that was never finished, of which nobody was told, goes whole. Returns the new version's name; None where there is
    none. `log.holders` says who was given the old one.

    Raises TamperedRelease, NotARelease.
    """
    if version in unfinished(releases):
        _remove(releases / version)
        return None
    name = log.replaced(releases).get(version)
    if name is None:
        old = verify(releases / version)
        lineage = [orjson.loads(line) for line in (releases / version / LINEAGE).read_bytes().splitlines()]
        if not any(each["inference_id"] in without for each in lineage):
            return None
        name = _next(releases, version)
        with workshop(releases, name) as folder:
            _write(folder, releases / version, old, name, lineage, without, by, at)
            if (releases / name).exists():
                _remove(releases / name)
            folder.rename(releases / name)
            sync(releases)
            log.append(releases, "released", name, by, at, instead_of=version)
    _empty(releases / version, name)
    return name


def _write(
    folder: Path,
    old: Path,
    said: ReleaseManifest,
    name: str,
    lineage: list[dict[str, object]],
    without: frozenset[str],
    by: str,
    at: datetime,
) -> None:
    records = _copied(old, folder, lineage, without)
    erased = len({each["inference_id"] for each in lineage} & without)
    manifest = said.model_copy(
        update={
            "version": name,
            "supersedes": said.version,
            "released_by": by,
            "released_at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "records": records,
            "left_out": said.left_out | {"erased": said.left_out.get("erased", 0) + erased},
        }
    )
    (folder / "README.md").write_text(card(manifest), encoding="utf-8")
    manifest = manifest.model_copy(update={"files": {path.name: fact(path) for path in sorted(folder.iterdir())}})
    (folder / NAME).write_bytes(manifest.to_bytes())
    for path in (*folder.iterdir(), folder):
        sync(path)


def _next(releases: Path, version: str) -> str:
    """Return the first free name; one that a killed run wrote, and no log names, is free."""
    stem, _, number = version.rpartition("-e")
    base, first = (stem, int(number) + 1) if stem and number.isdigit() else (version, 1)
    taken = {path.name for path in releases.iterdir()} - {*unfinished(releases)}
    return next(name for n in range(first, first + 10_000) if (name := f"{base}-e{n}") not in taken)


def _empty(old: Path, name: str) -> None:
    """Take the data of a release away, and say which has its place."""
    (old / REPLACED).write_text(f"{name}\n", encoding="utf-8")
    sync(old / REPLACED)
    for file in (*FILES, LINEAGE):
        (old / file).unlink(missing_ok=True)
    sync(old)


def _remove(release: Path) -> None:
    """Remove a release that no log names; its manifest last, by which a killed removal is known."""
    for path in sorted(release.iterdir(), key=lambda path: path.name == NAME):
        path.unlink()
    release.rmdir()


def _copied(old: Path, folder: Path, lineage: list[dict[str, object]], without: frozenset[str]) -> dict[str, int]:
    lines = {file: (old / file).read_bytes().splitlines(keepends=True) for file in FILES}
    records = dict.fromkeys(FILES, 0)
    for file in FILES:
        (folder / file).touch()
    with (folder / LINEAGE).open("wb") as kept:
        for each in lineage:
            if each["inference_id"] in without:
                continue
            file, line = str(each["file"]), int(str(each["line"]))
            records[file] += 1
            with (folder / file).open("ab") as data:
                data.write(lines[file][line - 1])
            whence = each | {"line": records[file]}
            kept.write(orjson.dumps(whence, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return records
