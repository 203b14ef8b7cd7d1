"""The cut, on one page: a closed window becomes a folder of items that is written once and stays as it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client

from sinks.review.closing import empty_window, require_closed
from sinks.review.eligible import Reader
from sinks.review.folder import publish, workshop, write_items
from sinks.review.items import items
from sinks.review.manifest import Counts, Manifest, WindowFact, code_versions, fact, verify
from sinks.review.policy import Policy
from sinks.review.refusals import BatchDiffers
from sinks.review.select import Pick, Reason, select
from sinks.review.windows import Window, iso


@dataclass(frozen=True)
class CutResult:
    """A batch on disk. `identical` says that it lay there already, with the same bytes."""

    path: Path
    window: Window
    counts: Counts
    identical: bool


def cut(client: Client, window: Window, policy: Policy, out: Path, lateness: timedelta) -> CutResult:
    """Cut a window into the folder `out/<window's name>`: items.parquet, items.jsonl and manifest.json.

    The same window, policy, allowance and code over the same rows give the same bytes, whatever the order, blocks and
    number of times in which the rows arrived. Only picked items' content is fetched, a chunk at a time.

    Args:
        client: a connection whose database is migrated.
        window: what to cut; it must be closed.
        policy: quotas, and key of the draw.
        out: where batches lie; made if missing.
        lateness: how long after its end a window stays open for late events, and for feedback.

    Raises:
        CutRefused: WindowOpen, EmptyWindow, UnusableFolder, CutUnderWay or MovedMeanwhile; and where the folder is
            there already and is not this very cut, BatchDiffers, TamperedBatch or NotABatch.
    """
    require_closed(client, window, lateness)
    reader = Reader(client, window, closes=window.end + lateness)
    inferences, synthetic = reader.counts()
    if inferences == synthetic:
        raise empty_window(client, window)
    picks = select(reader, policy, eligible=inferences - synthetic)
    counts = _counts(inferences, synthetic, picks)
    batch = out / window.name
    with workshop(out, window.name) as folder:
        write_items(folder, items(reader, picks))
        manifest = _manifest(window, lateness, policy, counts, folder)
        identical = batch.exists()
        if identical:
            _require_same(batch, manifest)
        else:
            publish(folder, batch, manifest)
    return CutResult(batch, window, counts, identical)


def _counts(inferences: int, synthetic: int, picks: Sequence[Pick]) -> Counts:
    reasons = Counter(reason for pick in picks for reason in pick.reasons)
    return Counts(
        inferences=inferences,
        synthetic=synthetic,
        eligible=inferences - synthetic,
        items=len(picks),
        by_reason={reason.value: reasons[reason] for reason in Reason},
    )


def _manifest(window: Window, lateness: timedelta, policy: Policy, counts: Counts, folder: Path) -> Manifest:
    return Manifest(
        window=WindowFact(name=window.name, begin=iso(window.begin), end=iso(window.end)),
        lateness_s=lateness.total_seconds(),
        policy=policy,
        policy_sha256=policy.sha256,
        code=code_versions(),
        counts=counts,
        files={path.name: fact(path) for path in folder.iterdir()},
    )


def _require_same(batch: Path, manifest: Manifest) -> None:
    """Raise BatchDiffers, naming what differs, unless the batch on disk is intact and equal to a new cut."""
    there, here = verify(batch).model_dump(), manifest.model_dump()
    differing = [name for name in here if there[name] != here[name]]
    if differing:
        raise BatchDiffers(
            f"{batch} was cut before and would now differ in {', '.join(differing)}: a cut is a fact and stays. "
            "Name another folder to cut the window once more beside it."
        )
