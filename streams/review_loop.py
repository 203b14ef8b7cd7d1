"""Where the review loop stands: weeks that wait to be cut, and batches that wait for people."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client

from sinks.review import manifest
from sinks.review.audit import State, state
from sinks.review.closing import due_windows
from sinks.review.outcomes import Standing, survey
from sinks.review.refusals import CutRefused
from sinks.review.report.write import PAGE
from streams.settings import Settings

WAITING = {State.CUT, State.EXPORTED, State.IN_REVIEW, State.DECIDED}
SIGNED = {State.SIGNED_OFF, State.RELEASED}
STAGES = ("eligible", "picked", "decided", "signed", "released")


@dataclass(frozen=True)
class ReviewLoop:
    """Weeks that are closed and not cut; batches by state; items by how far they came, of all batches; and for how
    many seconds the oldest batch that is neither signed off nor rejected could have been decided, 0 without one."""

    due: int
    batches: Mapping[State, int]
    items: Mapping[str, int]
    waiting_s: float


@dataclass(frozen=True, slots=True)
class BatchStanding:
    """A batch's counts and its state; it could be decided from `closed` on. `report` is None where it has none."""

    name: str
    folder: Path
    state: State
    eligible: int
    items: int
    decided: int
    closed: datetime
    report: Path | None


def standings(batches: Path) -> Iterator[BatchStanding]:
    """Give where each batch of a folder stands, sorted by name.

    What lies there and is no whole batch is passed over: `sluice batch verify` says of it what is wrong.
    """
    for folder in sorted(batches.iterdir()) if batches.is_dir() else ():
        if folder.name.startswith(".") or not (folder / manifest.NAME).is_file():
            continue
        try:
            held, stands = manifest.read(folder), state(folder)
            decided = sum(each.standing is Standing.DECIDED for each in survey(folder).outcomes.values())
        except CutRefused:
            continue
        closed = held.window.span.end + timedelta(seconds=held.lateness_s)
        report = folder / PAGE if PAGE in held.files else None
        counts = held.counts
        yield BatchStanding(held.window.name, folder, stands, counts.eligible, counts.items, decided, closed, report)


def look(client: Client, settings: Settings, now: datetime) -> ReviewLoop:
    """Look at the weeks and at the folder of batches."""
    batches: Counter[State] = Counter()
    items: Counter[str] = Counter()
    waiting_s = 0.0
    for each in standings(settings.batches):
        batches[each.state] += 1
        items["eligible"] += each.eligible
        items["picked"] += each.items
        items["decided"] += each.decided
        items["signed"] += each.decided if each.state in SIGNED else 0
        items["released"] += each.decided if each.state is State.RELEASED else 0
        if each.state in WAITING:
            waiting_s = max(waiting_s, (now - each.closed).total_seconds())
    return ReviewLoop(len(due_windows(client, settings.batches, settings.lateness)), batches, items, waiting_s)
