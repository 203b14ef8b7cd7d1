"""Where the review loop stands: weeks that wait to be cut, and batches that wait for people."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickhouse_connect.driver.client import Client

from sinks.review import manifest
from sinks.review.audit import State, state
from sinks.review.closing import due_windows
from sinks.review.outcomes import Standing, survey
from sinks.review.refusals import CutRefused
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


def look(client: Client, settings: Settings, now: datetime) -> ReviewLoop:
    """Look at the weeks and at the folder of batches.

    What lies there and is no whole batch is passed over: `sluice batch verify` says of it what is wrong.
    """
    batches: Counter[State] = Counter()
    items: Counter[str] = Counter()
    waiting_s = 0.0
    folders = sorted(settings.batches.iterdir()) if settings.batches.is_dir() else []
    for folder in folders:
        if folder.name.startswith(".") or not (folder / manifest.NAME).is_file():
            continue
        try:
            held, stands = manifest.read(folder), state(folder)
            decided = sum(each.standing is Standing.DECIDED for each in survey(folder).outcomes.values())
        except CutRefused:
            continue
        batches[stands] += 1
        items["eligible"] += held.counts.eligible
        items["picked"] += held.counts.items
        items["decided"] += decided
        items["signed"] += decided if stands in SIGNED else 0
        items["released"] += decided if stands is State.RELEASED else 0
        if stands in WAITING:
            closed = held.window.span.end + timedelta(seconds=held.lateness_s)
            waiting_s = max(waiting_s, (now - closed).total_seconds())
    return ReviewLoop(len(due_windows(client, settings.batches, settings.lateness)), batches, items, waiting_s)
