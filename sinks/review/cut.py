"""The cut, on one page: a closed window becomes a folder of items that is written once and stays as it is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from socket import gethostname

from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Reason
from sinks.review.choose import Pick
from sinks.review.closing import empty_window, require_closed
from sinks.review.folder import publish, put_back, workshop, write_items
from sinks.review.items import Item, items
from sinks.review.manifest import Counts, FileFact, Manifest, WindowFact, code_versions, fact, read, torn_files, verify
from sinks.review.minilm import MiniLM
from sinks.review.parents import Parents, parents
from sinks.review.places import places
from sinks.review.policy import Policy
from sinks.review.prelabels.labeller import Labeller
from sinks.review.refusals import BatchDiffers
from sinks.review.report.write import write_report
from sinks.review.select import Selection, select
from sinks.review.snapshot import Funnel, Snapshot, snapshot
from sinks.review.vectors import Hashed, Vectors
from sinks.review.windows import Window, iso
from sinks.sealed.opening import PLAIN, Opener

NO_TOKENS: Mapping[str, str] = {}


@dataclass(frozen=True)
class CutResult:
    """A batch on disk. `identical` says that it lay there already, with the same bytes but for what was mended."""

    path: Path
    window: Window
    counts: Counts
    identical: bool
    mended: Sequence[str] = ()


def cut(
    client: Client,
    window: Window,
    policy: Policy,
    out: Path,
    lateness: timedelta,
    tokens: Mapping[str, str] = NO_TOKENS,
    opener: Opener = PLAIN,
    *,
    mend: bool = False,
) -> CutResult:
    """Cut a window into the folder `out/<window's name>`: items, and the manifest that knows them by their hashes.

    The same window, policy, allowance, batches before and code over the same rows give the same bytes, whatever the
    order, blocks and number of times in which the rows arrived. Only picked items' content is fetched, a chunk at a
    time.

    Args:
        client: a connection whose database is migrated.
        window: what to cut; it must be closed.
        policy: budget, quotas, caps, plugs, and key of the draw.
        out: where batches lie; made if missing.
        lateness: how long after its end a window stays open for late events, and for feedback.
        tokens: of the services that label, by the name that the policy gives them.
        opener: of content that is sealed.
        mend: put back files of a batch that is there and torn, where this cut is the very same.

    Raises:
        CutRefused: WindowOpen, EmptyWindow, UnusableFolder, CutUnderWay, TamperedBatch, MovedMeanwhile, ContentSealed
            or NoModel; and where the folder is there already and is not this very cut, BatchDiffers or NotABatch.
    """
    require_closed(client, window, lateness)
    vectors = MiniLM() if policy.map.vectors == MiniLM.name else Hashed()
    batch = out / window.name
    with workshop(out, window.name) as folder:
        before = parents(out, window)
        with snapshot(client, window, window.end + lateness, before, cut_name(window, out), opener) as shot:
            if shot.funnel.inferences == shot.funnel.synthetic:
                raise empty_window(client, window)
            selection = select(shot, policy)
            labeller = Labeller(policy.prelabels, tokens, out, ask=not batch.exists())
            write_items(folder, _labelled(_placed(shot, selection.picks, vectors), labeller))
        counts = _counts(shot.funnel, selection, labeller)
        items_alone = _manifest(window, lateness, policy, counts, before, shot.funnel, folder)
        write_report(folder, items_alone)
        manifest = items_alone.model_copy(update={"files": _files(folder)})
        identical = batch.exists()
        mended: Sequence[str] = ()
        if not identical:
            publish(folder, batch, manifest)
        elif mend:
            _require_equal(batch, read(batch), manifest)
            mended = torn_files(batch, manifest.files)
            put_back(folder, batch, mended)
        else:
            _require_equal(batch, verify(batch), manifest)
    return CutResult(batch, window, counts, identical, mended)


def cut_name(window: Window, out: Path) -> str:
    """Name a cut's tables, so that two cuts into different folders, on whatever machine, do not meet."""
    where = sha256(f"{gethostname()}:{out.resolve()}".encode()).hexdigest()[:12]
    return f"{window.name.replace('-', '_')}_{where}"


def _placed(shot: Snapshot, picks: Sequence[Pick], vectors: Vectors) -> Iterator[list[Item]]:
    """Give items with their places on the map, which depend on all of them."""
    on_map = iter(places(vectors.of(shot, [pick.inference_id for pick in picks])))
    for chunk in items(shot, picks):
        yield [item | {"x": x, "y": y} for item, (x, y) in zip(chunk, on_map, strict=False)]


def _labelled(chunks: Iterable[list[Item]], labeller: Labeller) -> Iterator[list[Item]]:
    for chunk in chunks:
        yield [item | {"prelabels": labels} for item, labels in zip(chunk, labeller.label(chunk), strict=True)]


def _counts(funnel: Funnel, selection: Selection, labeller: Labeller) -> Counts:
    reasons = Counter(reason for pick in selection.picks for reason in pick.reasons)
    return Counts(
        events=funnel.events,
        inferences=funnel.inferences,
        synthetic=funnel.synthetic,
        without_consent=funnel.without_consent,
        in_another_batch=funnel.in_another_batch,
        late=funnel.late,
        eligible=funnel.eligible,
        candidates={reason.value: selection.candidates.get(reason, 0) for reason in Reason},
        items=len(selection.picks),
        folded=sum(len(pick.folded) for pick in selection.picks),
        by_reason={reason.value: reasons[reason] for reason in Reason},
        prelabels=labeller.counts,
    )


def _manifest(
    window: Window,
    lateness: timedelta,
    policy: Policy,
    counts: Counts,
    before: Parents,
    funnel: Funnel,
    folder: Path,
) -> Manifest:
    return Manifest(
        window=WindowFact(name=window.name, begin=iso(window.begin), end=iso(window.end)),
        lateness_s=lateness.total_seconds(),
        policy=policy.said(),
        policy_sha256=policy.sha256,
        parents=before.hashes,
        stored_until=funnel.stored_until,
        code=code_versions(),
        counts=counts,
        files=_files(folder),
    )


def _files(folder: Path) -> dict[str, FileFact]:
    return {path.name: fact(path) for path in folder.iterdir()}


def _require_equal(batch: Path, said: Manifest, manifest: Manifest) -> None:
    """Raise BatchDiffers, naming what differs, unless what a batch says of itself is what a new cut says."""
    there, here = said.model_dump(), manifest.model_dump()
    differing = [name for name in here if there[name] != here[name]]
    if differing:
        raise BatchDiffers(
            f"{batch} was cut before and would now differ in {', '.join(differing)}: a cut is a fact and stays. "
            "Name another folder to cut the window once more beside it."
        )
