"""Two releases are held against each other: which lines went, came, or changed."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from sinks.review.release.manifest import LINEAGE, verify


@dataclass(frozen=True)
class Changes:
    """Inferences whose lines are only in the newer release, only in the older, or other in both, sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def changes(older: Path, newer: Path) -> Changes:
    """Compare two releases by what their lines say. Raises NotARelease, TamperedRelease."""
    one, other = _said(older), _said(newer)
    return Changes(
        added=tuple(sorted(other.keys() - one.keys())),
        removed=tuple(sorted(one.keys() - other.keys())),
        changed=tuple(sorted(name for name in one.keys() & other.keys() if one[name] != other[name])),
    )


def _said(release: Path) -> dict[str, list[tuple[str, bytes]]]:
    verify(release)
    lines: dict[str, list[bytes]] = {}
    said: dict[str, list[tuple[str, bytes]]] = {}
    for each in map(orjson.loads, (release / LINEAGE).read_bytes().splitlines()):
        file = each["file"]
        if file not in lines:
            lines[file] = (release / file).read_bytes().splitlines()
        said.setdefault(each["inference_id"], []).append((file, lines[file][each["line"] - 1]))
    return said
