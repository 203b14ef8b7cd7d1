"""A week in which nothing happens goes through a worker faster than it was; out comes what was heard of it."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.outage.watched import watched
from streams.settings import Settings
from streams.simulate import simulate
from streams.traffic.plan import WEEK, Plan, week_start

WEEK_NAME = "2026-W46"
RECORDS_PER_SECOND = 500.0  # so that the week takes minutes, and rules that wait for minutes may speak
LINGERS_S = 30.0  # several scrapes, evaluations and group waits after the last record


def quiet_week(
    own: Settings, folder: Path, calls: int = 40_000, duration: timedelta = WEEK, lingers_s: float = LINGERS_S
) -> dict[str, Any]:
    """Run a quiet week, or a part of one, at speed, and listen for a while after it."""
    begun = time.monotonic()
    with watched(own, folder) as running:
        records, _truth = simulate(Plan(week_start(WEEK_NAME), duration, calls, seed=46))
        running.send(records, speed=RECORDS_PER_SECOND)
        running.settle()
        time.sleep(lingers_s)
        return {
            "calls": calls,
            "seconds": round(time.monotonic() - begun),
            "findings": running.worker.metric("sluice_findings_total"),
            "heard": [{**each.labels, **each.annotations} for each in running.webhook.heard],
        }
