"""Releases as a place to erase from: another version takes the place of each that holds something, and who had it is
named."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from sinks.review.erasure.marks import Marks
from sinks.review.release import log
from sinks.review.release.manifest import LINEAGE
from sinks.review.release.superseding import supersede


class Releases:
    """Versions whose data came from what is to go.

    Args:
        folder: of the releases.
        marks: what is to go.
        touched: ids of items that stay, and say something of what goes: another answer, or somebody's correction. What
            was made of them goes from releases, too.
    """

    name = "releases (versions)"

    def __init__(self, folder: Path, marks: Marks, touched: frozenset[str]) -> None:
        self._folder, self._marks, self._touched = folder, marks, touched

    def count(self) -> int:
        return len(list(self._holding()))

    def erase(self) -> None:
        subject = self._marks.subject
        for version, names in list(self._holding()):
            supersede(self._folder, version, names, subject.by, subject.at)

    def sent_on(self) -> list[str]:
        """Say who was given a version that holds something."""
        return [
            f"{holder} has release {version}: tell them that another takes its place."
            for version, _ in self._holding()
            for holder in log.holders(self._folder, version)
        ]

    def _holding(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Give each version that holds something, with the items that are in it."""
        for lineage in sorted(self._folder.glob(f"[!.]*/{LINEAGE}")):
            names = {orjson.loads(line)["inference_id"] for line in lineage.read_bytes().splitlines()}
            going = frozenset(name for name in names if name in self._touched or self._marks.inference(name))
            if going:
                yield lineage.parent.name, going
