"""An outage in live traffic reaches a webhook within a minute, by way of Prometheus and Alertmanager; quiet does not.

`python -m bench.outage` measures how soon, with all that can break; this is one outage of a segment of which a day is
known, on a machine that does much else.
"""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.outage.quiet import quiet_week
from bench.outage.trial import judged
from bench.outage.watched import settings, watched
from deploy.local.broker import EmbeddedBroker
from streams.scenarios import ErrorStep
from streams.simulate import simulate
from streams.traffic.fleet import FLEET
from streams.traffic.plan import Plan

ROOT = Path(__file__).parents[2]
BROKEN = FLEET[0].segment
PER_SECOND = 30
# Of thirty hours, little is known of the hour of the week that it is: it may take minutes' watch, a minute and more.
CALM, PATIENCE = timedelta(seconds=10), timedelta(seconds=180)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """The embedded broker alone: what is between a worker and a webhook does not depend on it."""
    if shutil.which("prometheus") is None or shutil.which("prometheus-alertmanager") is None:
        reason = "not installed: apt-get install prometheus prometheus-alertmanager"
        if os.environ.get("REQUIRE_PROMETHEUS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with EmbeddedBroker() as running:
        yield running


def test_errors_reach_the_webhook_which_names_segment_metric_and_runbook(
    broker: EmbeddedBroker, clickhouse_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    past = Plan(now - timedelta(hours=30), timedelta(hours=30), 6_000, seed=5, until=now)
    with watched(settings(broker.bootstrap, clickhouse_url), tmp_path) as running:
        running.send(simulate(past)[0])
        begins = datetime.now(UTC) + CALM
        window = begins + PATIENCE - now
        calls = round(PER_SECOND * window.total_seconds())
        live = Plan(now, window, calls, seed=6, scenarios=(ErrorStep("errors", BROKEN, begins, 0.30),))
        records, truth = simulate(live)
        with running.traffic(records):
            time.sleep(max(0.0, (begins - datetime.now(UTC)).total_seconds()))
            assert running.webhook.heard == []
            running.webhook.wait(lambda heard: len(heard) > 0, PATIENCE.total_seconds())
        (first, *_) = running.webhook.heard
        ((told,), others) = judged(truth, running.webhook.heard)
    assert others == []
    assert (told.alert, told.metric) == ("Finding", "error")
    assert first.labels["segment"] == truth.changes[0].segment
    assert (ROOT / first.annotations["runbook"]).exists()


def test_of_a_quiet_day_nothing_is_heard(broker: EmbeddedBroker, clickhouse_url: str, tmp_path: Path) -> None:
    own = settings(broker.bootstrap, clickhouse_url)
    quiet = quiet_week(own, tmp_path, calls=4_000, duration=timedelta(days=1), lingers_s=12.0)
    assert (quiet["heard"], quiet["findings"]) == ([], 0)
