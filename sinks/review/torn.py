"""Batches that lie in the folder of batches and are not whole: each is found, and said with its cure."""

from collections.abc import Iterator
from pathlib import Path

from sinks.review import audit
from sinks.review.manifest import verify
from sinks.review.refusals import CutRefused


def torn(batches: Path) -> Iterator[str]:
    """Say what is wrong with each batch that is not what its manifest and its log say; every file is read."""
    for folder in sorted(path for path in batches.glob("*") if path.is_dir() and not path.name.startswith(".")):
        try:
            verify(folder)
            audit.Audit(folder).steps()
        except CutRefused as wrong:
            yield str(wrong)
        except OSError as unread:
            yield f"{folder} cannot be read ({unread.strerror}): mend its disk, or who may read it."
