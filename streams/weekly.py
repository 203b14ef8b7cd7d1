"""What the leading worker does on the schedule: every week that is closed and not cut yet becomes a review batch."""

import logging
from datetime import UTC, datetime

from sinks.clickhouse import ClickHouse
from sinks.review import audit
from sinks.review.closing import due_windows
from sinks.review.cut import CutResult, cut
from sinks.review.policy import Policy
from sinks.review.refusals import CutRefused
from sinks.review.windows import Window
from sinks.sealed.keys import WrongKey
from streams.chores import Cuts
from streams.sealing import opener
from streams.settings import Settings, tokens

log = logging.getLogger("sluice.weekly")


def cut_due_weeks(settings: Settings) -> Cuts:
    """Cut the weeks that are due, one by one; one that is refused holds up no other.

    Raises whatever ClickHouse raises: the schedule tries again.
    """
    clickhouse = ClickHouse(settings.clickhouse_url)
    try:
        windows = due_windows(clickhouse.client, settings.batches, settings.lateness)
        cut = sum(_cut(clickhouse, window, settings) for window in windows)
        return Cuts(cut, len(windows) - cut)
    finally:
        clickhouse.close()


def _cut(clickhouse: ClickHouse, window: Window, settings: Settings) -> bool:
    try:
        policy = Policy.read(settings.review_policy)
        opens = opener(settings, clickhouse)
        result = cut(clickhouse.client, window, policy, settings.batches, settings.lateness, tokens(), opens)
        audit.begin(result.path, datetime.now(UTC))
    except (CutRefused, WrongKey, OSError) as refused:
        log.error("%s was not cut, and is tried again at the next schedule: %s", window.name, refused)
        return False
    log.info("%s", told(result))
    return True


def told(result: CutResult) -> str:
    """Say in a line what a cut came to."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in result.counts.by_reason.items() if count)
    again = "cut before, and identical" if result.identical else f"{result.counts.items} items"
    return f"{result.path}: {again}, of {result.counts.eligible:,} eligible inferences ({reasons})"
