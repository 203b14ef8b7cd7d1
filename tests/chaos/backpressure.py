"""`python -m tests.chaos.backpressure` takes ClickHouse away from a worker under load, and gives it back."""

import json
import logging
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import click

from deploy.local import kafka
from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka
from streams.stack import LocalWorker
from tests.chaos.load import Load, count_doubled
from tests.chaos.watching import resident_mb
from tests.whole.harness import RESPONSES, World

WARM_S = 10.0
EVERY_S = 2.0
FULL_S = 20.0  # after which a worker without a store has fetched all that it holds
FLAT = 0.10  # share by which memory may rise after that
CATCHES_UP_BY = 2.0  # times what comes in
CATCHES_UP_WITHIN = 3  # times the outage, and a minute: else it never will
STOPS_WITHIN_S = 20.0
BEHIND_S = 2.0  # seconds of the load that are under way in a worker that keeps up


@dataclass
class Outage:
    """What was seen while ClickHouse was away, and after; rates are answers a second."""

    seconds: float
    came_in: float = 0.0
    drained: float = 0.0  # while the load went on
    sent: int = 0
    stored: int = 0
    doubled: int = 0
    stopped_s: float = 0.0
    exit_code: int | None = None
    memory: list[tuple[float, float]] = field(default_factory=list)  # (seconds, MB)
    confirmed: int = 0  # records that were confirmed though ClickHouse was away
    dead: list[str] = field(default_factory=list)  # what /livez said that was not that it lives
    unready: list[str] = field(default_factory=list)

    @property
    def rose(self) -> float:
        """The share by which memory rose once the worker held all that it takes."""
        full = [mb for at_s, mb in self.memory if at_s >= FULL_S]
        return max(full) / full[0] - 1

    def wrong(self) -> list[str]:
        """Say what does not hold, a sentence each."""
        faults = {
            f"{self.sent - self.stored} answers are lost": self.sent != self.stored,
            f"{self.doubled} rows are double": self.doubled > 0,
            f"memory rose by {self.rose:.0%}": self.rose > FLAT,
            f"it caught up at {self.drained:,.0f} a second": self.drained < CATCHES_UP_BY * self.came_in,
            f"{self.confirmed} records were confirmed without a store": self.confirmed > 0,
            f"/livez said that the worker is dead: {self.dead[:1]}": bool(self.dead),
            f"/readyz did not say why: {self.unready[-1:]}": not any(
                "ClickHouse" in each for each in self.unready[-1:]
            ),
            f"the worker took {self.stopped_s:.0f} s to stop": self.stopped_s > STOPS_WITHIN_S,
            f"the worker ended with {self.exit_code}": self.exit_code != 0,
        }
        return [said for said, holds in faults.items() if holds]

    def told(self) -> str:
        full, lost = [mb for at_s, mb in self.memory if at_s >= FULL_S], self.sent - self.stored
        return (
            f"ClickHouse away for {self.seconds:.0f} s under {self.came_in:,.0f} answers a second: memory "
            f"{full[0]:.0f} MB, at most {max(full):.0f}; caught up at {self.drained:,.0f} a second, "
            f"{self.drained / self.came_in:.1f} times what came in; {self.sent:,} sent, {lost} lost, "
            f"{self.doubled} double; stopped in {self.stopped_s:.1f} s."
        )


def outage(world: World, clickhouse: LocalClickHouse, rate: float, seconds: float, *, idempotent: bool) -> Outage:
    """Take the world's ClickHouse away for so long while `rate` answers a second come in; the worker is watched."""
    seen = Outage(seconds)
    worker = world.start()
    with Load(world, rate, idempotent=idempotent) as load:
        world.until_at_least(lambda: world.count("inferences"), 1, "rows")
        time.sleep(WARM_S)
        before = load.confirmed
        clickhouse.kill()
        _watch(worker, seen)
        seen.came_in = (load.confirmed - before) / seconds
        clickhouse.start()
        seen.drained = _catch_up(worker, rate, seconds)
    accounts = world.settle()
    seen.sent = load.confirmed
    ((seen.stored,),) = world.rows("SELECT uniqExact(inference_id) FROM inferences")
    seen.doubled = count_doubled(world.client, load.answers_each) + load.unsent(accounts)
    begun = time.monotonic()
    worker.stop()
    seen.stopped_s, seen.exit_code = time.monotonic() - begun, worker.exit_code
    return seen


def _watch(worker: LocalWorker, seen: Outage) -> None:
    begun = time.monotonic()
    time.sleep(EVERY_S)  # what was stored just before is counted by now
    confirmed = _confirmed(worker)
    while (at_s := time.monotonic() - begun) < seen.seconds:
        seen.memory.append((at_s, resident_mb(worker.pid)))
        seen.dead += _asked(worker, "livez")
        seen.unready += _asked(worker, "readyz")
        time.sleep(EVERY_S)
    seen.confirmed = round(_confirmed(worker) - confirmed)


def _catch_up(worker: LocalWorker, rate: float, seconds: float) -> float:
    """Wait until the lag is that of a worker that keeps up; return what it drained a second since it began again."""
    confirmed = _confirmed(worker)
    deadline = time.monotonic() + CATCHES_UP_WITHIN * seconds + 60
    while _confirmed(worker) == confirmed:  # the next offer may be half a minute away
        assert time.monotonic() < deadline, "the worker does not begin again"
        time.sleep(0.2)
    begun = time.monotonic()
    while worker.metric("sluice_lag_records") > BEHIND_S * rate:
        assert time.monotonic() < deadline, f"{worker.metric('sluice_lag_records'):,.0f} records behind, at last"
        time.sleep(0.5)
    return (_confirmed(worker) - confirmed) / (time.monotonic() - begun)


def _confirmed(worker: LocalWorker) -> float:
    """Count the answers that were confirmed; what was measured of them is another topic."""
    return worker.metric("sluice_records_total", topic=worker.settings.topic_prefix + RESPONSES)


def _asked(worker: LocalWorker, path: str) -> list[str]:
    """Return what a page says is wrong; none where it answers with 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/{path}", timeout=20):
            return []
    except urllib.error.HTTPError as unwell:
        return [" ".join(json.loads(unwell.read())["why"])]


@click.command(help=__doc__)
@click.option("--minutes", default=30.0, show_default=True, help="How long ClickHouse is away.")
@click.option("--rate", default=5000.0, show_default=True, help="Answers a second.")
def main(minutes: float, rate: float) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    broker: KafkaServer = EmbeddedBroker() if kafka.missing() else ApacheKafka()
    with (
        tempfile.TemporaryDirectory(prefix="sluice-backpressure-") as folder,
        broker,
        LocalClickHouse(Path(folder) / "clickhouse") as clickhouse,
        World(broker.bootstrap, clickhouse.url, Path(folder)) as world,
    ):
        seen = outage(world, clickhouse, rate, 60 * minutes, idempotent=isinstance(broker, ApacheKafka))
    click.echo(f"{broker.name}: {seen.told()}")
    for wrong in seen.wrong():
        click.echo(f"NOT as promised: {wrong}.")
    sys.exit(1 if seen.wrong() else 0)


if __name__ == "__main__":
    main()
