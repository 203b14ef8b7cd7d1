"""An outage begins in live traffic that a worker knows; out comes how long it took until somebody was told."""

import asyncio
import heapq
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from random import Random

from bench.outage.history import Learned, give
from bench.outage.watched import watched
from bench.outage.webhook import Heard
from streams.scenarios import Change, Scenario, Truth
from streams.settings import Settings
from streams.simulate import simulate
from streams.traffic.plan import Plan

CALM_S = 30.0  # live traffic before the outage
PATIENCE_S = 120.0  # of it after the outage began
CALLS_CAUGHT_UP = 1_500.0  # a second, by a worker that reads what happened since it was last there
WARM = timedelta(minutes=10)  # for which callers have been in dialogues already when what they say begins to count


@dataclass(frozen=True, slots=True)
class Told:
    """What was heard of one scenario first, in seconds since the first bad event: until the rule held, and until the
    message was there. None where nothing was heard."""

    scenario: str
    fired_s: float | None = None
    heard_s: float | None = None
    alert: str = ""
    metric: str = ""


def outage(
    own: Settings, folder: Path, learned: Learned, injected: tuple[Scenario, ...], per_second: float, seed: int
) -> tuple[list[Told], list[Heard]]:
    """Run live traffic with these scenarios, each beginning at a moment of its own, with what was learned before.

    Returns:
        What was heard of each, and what else was heard: of other segments, or before.
    """
    asyncio.run(give(own, learned))
    with watched(own, folder) as running:
        plan = planned(learned.until, injected, per_second, seed)
        records, truth = simulate(plan)
        new = (record for record in records if record.timestamp_ms > learned.until.timestamp() * 1000)
        with running.traffic(heapq.merge(learned.follows, new, key=attrgetter("timestamp_ms"))):
            begun = max(plan.starts(scenario) for scenario in plan.scenarios) / 1e9
            time.sleep(max(0.0, begun - time.time()))
            running.webhook.wait(lambda heard: all(_first(heard, each) for each in truth.changes), PATIENCE_S)
            running.worker.check()
        return judged(truth, running.webhook.heard)


def planned(since: datetime, injected: tuple[Scenario, ...], per_second: float, seed: int) -> Plan:
    """Plan traffic from a past moment on, in which scenarios begin shortly after now, each within five seconds."""
    now, random = datetime.now(UTC), Random(seed)  # noqa: S311  # when to begin, no secret
    calm = now + timedelta(seconds=CALM_S) + (now - since) * (per_second / CALLS_CAUGHT_UP)
    begun = tuple(replace(each, start=calm + timedelta(seconds=random.uniform(0, 5))) for each in injected)
    start, end = since - WARM, calm + timedelta(seconds=PATIENCE_S + 10)
    return Plan(start, end - start, round(per_second * (end - start).total_seconds()), seed, begun, until=end)


def judged(truth: Truth, heard: list[Heard]) -> tuple[list[Told], list[Heard]]:
    """Say what was heard of each change first, and what is about none of them."""
    firsts = [(change, _first(heard, change)) for change in truth.changes]
    told = [Told(c.scenario.name) if h is None else _told(c, h) for c, h in firsts]
    return told, [each for each in heard if not any(_about(each, change) for change in truth.changes)]


def _told(change: Change, heard: Heard) -> Told:
    bad = (change.first_time_unix_nano or 0) / 1e9
    metric = heard.labels.get("metric", "")
    return Told(change.scenario.name, heard.fired - bad, heard.at - bad, heard.alert, metric)


def _first(heard: list[Heard], change: Change) -> Heard | None:
    return next((each for each in heard if _about(each, change)), None)


def _about(heard: Heard, change: Change) -> bool:
    since = change.first_time_unix_nano
    return since is not None and heard.labels.get("segment") == change.segment and heard.at >= since / 1e9
