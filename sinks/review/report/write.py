"""A folder with items and what its manifest will say go in; report.html and README.md come to lie beside them."""

from pathlib import Path

from sinks.review.manifest import Manifest, read
from sinks.review.report.card import card
from sinks.review.report.changes import Changes, changes
from sinks.review.report.page import Facts, html
from sinks.review.report.survey import Survey, survey

PAGE, CARD = "report.html", "README.md"


def write_report(folder: Path, manifest: Manifest) -> None:
    """Write both files into a batch's folder, or into the one where it is being made.

    Args:
        folder: holds items.jsonl; the batches before lie beside it.
        manifest: with the facts of the items' files; those of the files written here are yet to come.
    """
    known = facts(folder, manifest)
    (folder / PAGE).write_bytes(html(known))
    (folder / CARD).write_bytes(card(known))


def facts(folder: Path, manifest: Manifest) -> Facts:
    """Read what a report shows of a batch. The items are read line by line, and samples alone are kept."""
    seen = survey(folder)
    # As it is read again, its keys in the order of its file: a page that is drawn later has the same bytes.
    as_read = Manifest.model_validate_json(manifest.to_bytes())
    return Facts(as_read, seen, _changes(folder.parent, as_read, seen))


def _changes(out: Path, manifest: Manifest, seen: Survey) -> Changes | None:
    """Compare with the last batch that ended before this window, of those that it was cut after."""
    held = [read(out / name) for name in sorted(manifest.parents) if (out / name).is_dir()]
    before = [each for each in held if each.window.span.end <= manifest.window.span.begin]
    if not before:
        return None
    previous = max(before, key=lambda each: (each.window.span.end, each.window.span.begin))
    return changes(manifest.counts, seen.topics, previous, out / previous.window.name)
