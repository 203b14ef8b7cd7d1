"""A release from which something is erased: another takes its place without it, and who had the old one is told."""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from sinks.review.folder import sync, workshop
from sinks.review.manifest import fact
from sinks.review.release import log
from sinks.review.release.manifest import NAME, REPLACED, ReleaseManifest, verify
from sinks.review.release.release import FILES, LINEAGE, card


def supersede(releases: Path, version: str, without: frozenset[str], by: str, at: datetime) -> str | None:
    """Release a version anew without these inferences, and take what was in the old one away.

    Of the old one its manifest and its card stay, which name nobody. Returns the new version's name; None where nothing
    of these is in it. `log.holders` says who was given the old one.

    Raises TamperedRelease, NotARelease.
    """
    old = verify(releases / version)
    lineage = [orjson.loads(line) for line in (releases / version / LINEAGE).read_bytes().splitlines()]
    if not any(each["inference_id"] in without for each in lineage):
        return None
    name = _next(releases, version)
    with workshop(releases, name) as folder:
        records = _copied(releases / version, folder, lineage, without)
        erased = len({each["inference_id"] for each in lineage} & without)
        manifest = old.model_copy(
            update={
                "version": name,
                "supersedes": version,
                "released_by": by,
                "released_at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                "records": records,
                "left_out": old.left_out | {"erased": old.left_out.get("erased", 0) + erased},
            }
        )
        (folder / "README.md").write_text(card(manifest), encoding="utf-8")
        manifest = ReleaseManifest.model_validate(
            manifest.model_dump() | {"files": {p.name: fact(p).model_dump() for p in sorted(folder.iterdir())}}
        )
        (folder / NAME).write_bytes(manifest.to_bytes())
        for path in (*folder.iterdir(), folder):
            sync(path)
        folder.rename(releases / name)
    sync(releases)
    log.append(releases, "released", name, by, at, instead_of=version)
    (releases / version / REPLACED).write_text(f"{name}\n", encoding="utf-8")
    for file in (*FILES, LINEAGE):
        (releases / version / file).unlink(missing_ok=True)
    return name


def _next(releases: Path, version: str) -> str:
    stem, _, number = version.rpartition("-e")
    base, first = (stem, int(number) + 1) if stem and number.isdigit() else (version, 1)
    return next(name for n in range(first, first + 10_000) if not (releases / (name := f"{base}-e{n}")).exists())


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
