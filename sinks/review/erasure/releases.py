"""Releases as a place to erase from: which versions still hold what is to go; people alone take a version back."""

from collections.abc import Iterator
from pathlib import Path

from sinks.review.erasure.marks import Marks
from sinks.review.erasure.review_files import mentions
from sinks.review.manifest import NAME


class Releases:
    """Versions in a folder of releases whose data or lineage names what is to go.

    Whoever has a version has to hear of the one that supersedes it, so that an erasure takes none away by itself: it
    counts them as left until they are gone.
    """

    name = "releases (versions)"

    def __init__(self, folder: Path, marks: Marks) -> None:
        self._folder, self._marks = folder, marks

    def count(self) -> int:
        return len(list(self.holding()))

    def erase(self) -> None:
        """Leave them: see above."""

    def holding(self) -> Iterator[Path]:
        """Give the versions that hold something."""
        for manifest in sorted(self._folder.glob(f"[!.]*/{NAME}")):
            version = manifest.parent
            if any(mentions(path, self._marks.patterns) for path in sorted(version.rglob("*")) if path.is_file()):
                yield version
