"""Where the review loop stands: weeks that wait to be cut, and batches that wait for people."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client

from sinks.review import manifest
from sinks.review.agreement import seconds
from sinks.review.audit import Audit, State, Step, state
from sinks.review.closing import due_windows
from sinks.review.outcomes import Standing, survey
from sinks.review.refusals import CutRefused
from sinks.review.report.people import ACCEPTED
from sinks.review.report.write import PAGE
from streams.settings import Settings

WAITING = {State.CUT, State.EXPORTED, State.IN_REVIEW, State.DECIDED}
STAGES = ("inferences", "eligible", "picked", "decided", "accepted", "released")


@dataclass(frozen=True)
class ReviewLoop:
    """Weeks that are closed and not cut; batches by state; over all batches, items by how far they came, and seconds
    that people say they spent; for how many seconds the oldest batch that is neither signed off nor rejected could have
    been decided, and the median time from an answer to its release in the batch released last: 0 without one."""

    due: int
    batches: Mapping[State, int]
    items: Mapping[str, int]
    spent_s: float
    waiting_s: float
    to_release_s: float


@dataclass(frozen=True, slots=True)
class BatchStanding:
    """A batch's counts and its state; it could be decided from `closed` on. `report` is None where it has none.

    `stages` counts its items by how far they came; `spent_s` are the seconds that people say they spent. `released` is
    when that was, the last time, and the median time from an answer until then; None before.
    """

    name: str
    folder: Path
    state: State
    eligible: int
    items: int
    decided: int
    closed: datetime
    report: Path | None
    stages: Mapping[str, int]
    spent_s: float
    released: tuple[datetime, float] | None


def standings(batches: Path) -> Iterator[BatchStanding]:
    """Give where each batch of a folder stands, sorted by name.

    What lies there and is no whole batch is passed over: `sluice batch verify` says of it what is wrong.
    """
    for folder in sorted(batches.iterdir()) if batches.is_dir() else ():
        if folder.name.startswith(".") or not (folder / manifest.NAME).is_file():
            continue
        try:
            yield _standing(folder)
        except CutRefused:
            continue


def _standing(folder: Path) -> BatchStanding:
    held, review, steps = manifest.read(folder), survey(folder), Audit(folder).steps()
    decided = [each for each in review.outcomes.values() if each.standing is Standing.DECIDED]
    releases = [each for each in steps if each.step is Step.RELEASED]
    given = releases[-1].facts["items"] if releases else 0
    counts = (held.counts.inferences, held.counts.eligible, held.counts.items, len(decided))
    accepted = sum(each.verdict in ACCEPTED for each in decided)
    at = datetime.fromisoformat(releases[-1].at) if releases else None
    return BatchStanding(
        name=held.window.name,
        folder=folder,
        state=state(folder),
        eligible=held.counts.eligible,
        items=held.counts.items,
        decided=len(decided),
        closed=held.window.span.end + timedelta(seconds=held.lateness_s),
        report=folder / PAGE if PAGE in held.files else None,
        stages=dict(zip(STAGES, (*counts, accepted, given if isinstance(given, int) else 0), strict=True)),
        spent_s=sum(spent for _, spent in seconds(review.decisions).values()),
        released=(at, _median_s(folder, at)) if at else None,
    )


def _median_s(folder: Path, until: datetime) -> float:
    """Return the median time from a batch's answers to a moment; 0 where no item is left."""
    times = pq.read_table(folder / "items.parquet", columns=["time"])["time"].to_numpy()
    return until.timestamp() - float(np.median(times.astype(np.int64))) / 1e9 if len(times) else 0.0


def look(client: Client, settings: Settings, now: datetime) -> ReviewLoop:
    """Look at the weeks and at the folder of batches."""
    seen = list(standings(settings.batches))
    items: Counter[str] = Counter()
    for each in seen:
        items.update(each.stages)
    waiting = [(now - each.closed).total_seconds() for each in seen if each.state in WAITING]
    return ReviewLoop(
        due=len(due_windows(client, settings.batches, settings.lateness)),
        batches=Counter(each.state for each in seen),
        items=items,
        spent_s=sum(each.spent_s for each in seen),
        waiting_s=max([0.0, *waiting]),
        to_release_s=max((each.released for each in seen if each.released), default=(now, 0.0))[1],
    )
