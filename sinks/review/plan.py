"""What a cut of a window would take, before it is made: the same steps, and nothing is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Reason
from sinks.review.closing import watermark
from sinks.review.cut import cut_name
from sinks.review.parents import parents
from sinks.review.policy import Policy
from sinks.review.select import select
from sinks.review.snapshot import Funnel, snapshot
from sinks.review.windows import Window
from sinks.sealed.opening import PLAIN, Opener


@dataclass(frozen=True)
class Plan:
    """What a cut would come to. While the window is open, `closed` is False and more may come."""

    window: Window
    closed: bool
    funnel: Funnel
    candidates: Mapping[Reason, int]
    taken: Mapping[Reason, int]
    items: int
    folded: int
    minutes: float


def plan(
    client: Client, window: Window, policy: Policy, out: Path, lateness: timedelta, opener: Opener = PLAIN
) -> Plan:
    """Go through a cut's selection. Arguments are those of `cut`; the window may be open."""
    mark = watermark(client, lateness)
    name = f"plan_{cut_name(window, out)}"
    with snapshot(client, window, window.end + lateness, parents(out, window), name, opener) as shot:
        selection = select(shot, policy)
        picks = selection.picks
        return Plan(
            window=window,
            closed=mark is not None and mark >= window.end,
            funnel=shot.funnel,
            candidates=selection.candidates,
            taken=Counter(reason for pick in picks for reason in pick.reasons),
            items=len(picks),
            folded=sum(len(pick.folded) for pick in picks),
            minutes=len(picks) * policy.budget.seconds_per_item / 60,
        )
