"""`python -m tests.chaos.soak --hours N` lets a worker run under a steady load, and draws what it holds meanwhile."""

import asyncio
import logging
import math
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from deploy.local import kafka
from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka
from streams.kafka import connection
from streams.produce import produce
from streams.simulate import simulate
from streams.stack import LocalWorker
from streams.traffic.plan import Plan
from tests.chaos import drawing, report
from tests.chaos.watching import growth, open_files, resident_mb
from tests.whole.harness import World

EVERY_S = 5.0
WARM_S = 300.0  # caches fill, detectors come to know the segments
ALLOWED = 0.05
BEHIND_S = 5.0
RECORDS_A_CALL = 2.1  # request, answer, and feedback about one in ten
PICTURES = report.PAGE.parent / "soak"


@dataclass
class Soaked:
    """What a run came to: curves of (seconds, value) by name, the records that Kafka has confirmed, and what detectors
    found in them, a line each."""

    broker: str
    rate: float
    seconds: float
    records: int = 0
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def grew(self, name: str) -> float:
        return growth(self.curves[name], WARM_S)

    @property
    def holds(self) -> bool:
        """Whether memory and open files stayed within ALLOWED of what they were when the worker was warm, and the lag,
        in the last minute, below what comes in BEHIND_S."""
        behind = statistics.median(value for _, value in self.curves[LAG][-round(60 / EVERY_S) :])
        return self.grew(MEMORY) <= ALLOWED and self.grew(FILES) <= ALLOWED and behind <= BEHIND_S * self.rate


_FOUND = """
SELECT time, segment, metric, direction, mean_before, mean_after, count_before, count_after, log10_e, learning
FROM findings
ORDER BY time
"""
MEMORY, LAG, PARTS, FILES = "memory of the worker, MB", "lag, records", "active parts in ClickHouse", "open files"


def soak(folder: Path, rate: float, seconds: float) -> Soaked:
    """Send calls as a fleet of gateways would, `rate` records a second, for so long; look every EVERY_S seconds."""
    broker: KafkaServer = EmbeddedBroker() if kafka.missing() else ApacheKafka()
    soaked = Soaked(broker.name, rate, seconds)
    with (
        broker,
        LocalClickHouse(folder / "clickhouse") as clickhouse,
        World(broker.bootstrap, clickhouse.url, folder) as world,
    ):
        worker = world.start()
        with ThreadPoolExecutor(1) as thread:
            sending, begun = thread.submit(_send, world, soaked), time.monotonic()
            while not sending.done():
                with suppress(OSError):  # a machine at its limit may not answer in time: that look is left out
                    _look(world, worker, soaked, time.monotonic() - begun)
                wait([sending], EVERY_S)
        soaked.records, soaked.seconds = sending.result(), time.monotonic() - begun
        soaked.findings = [" ".join(map(str, row)) for row in world.rows(_FOUND)]
    return soaked


def _send(world: World, soaked: Soaked) -> int:
    """Send the calls of that time, and return how many records Kafka has confirmed."""
    calls = math.ceil(soaked.rate * soaked.seconds / RECORDS_A_CALL)
    now = datetime.now(UTC)
    span = timedelta(seconds=soaked.seconds)
    records, _truth = simulate(Plan(now - span, span, calls, seed=1, scenarios=(), until=now))
    produced = asyncio.run(produce(records, connection(world.settings), world.settings.topic_prefix, soaked.rate))
    return produced.confirmed.total()


def _look(world: World, worker: LocalWorker, soaked: Soaked, at_s: float) -> None:
    ((parts,),) = world.rows("SELECT count() FROM system.parts WHERE active AND database = currentDatabase()")
    seen = {
        MEMORY: resident_mb(worker.pid),
        LAG: worker.metric("sluice_lag_records"),
        PARTS: int(parts),
        FILES: open_files(worker.pid),
    }
    for name, value in seen.items():
        soaked.curves.setdefault(name, []).append((at_s, value))


def _told(soaked: Soaked, at: datetime) -> str:
    pictures = [f"![{name}](soak/{file}.svg)" for name, file in _FILES.items()]
    lag = [value for at_s, value in soaked.curves[LAG] if at_s >= WARM_S]
    return "\n".join(
        [
            f"{at:%Y-%m-%d}: {soaked.seconds / 60:.0f} minutes, {soaked.broker}, one worker, "
            f"{soaked.records / soaked.seconds:,.0f} records a second of simulated calls ({soaked.rate:g} were asked "
            f"for). After minute {WARM_S / 60:.0f} memory rose by {soaked.grew(MEMORY):.1%} and open files by "
            f"{soaked.grew(FILES):.1%} at most, medians of a minute; lag was {max(lag):,.0f} records at most. "
            f"**{'Within' if soaked.holds else 'NOT within'} {ALLOWED:.0%}.** Nothing was made to change; detectors "
            f"had {len(soaked.findings)} finding(s).",
            "",
            *pictures,
        ]
    )


_FILES = {MEMORY: "memory", LAG: "lag", PARTS: "parts", FILES: "files"}


@click.command(help=__doc__)
@click.option("--hours", default=1.0, show_default=True, help="How long the load lasts.")
@click.option("--rate", default=1000.0, show_default=True, help="Records a second.")
@click.option("--keep", is_flag=True, help="Put curves and verdict into docs/reliability.md.")
def main(hours: float, rate: float, keep: bool) -> None:
    if 3600 * hours < WARM_S + 120:
        raise click.UsageError(f"Growth is looked for after {WARM_S / 60:.0f} minutes: let it run for longer.")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="sluice-soak-") as folder:
        soaked = soak(Path(folder), rate, 3600 * hours)
    told = _told(soaked, datetime.now(UTC))
    click.echo("\n".join([*soaked.findings, told]))
    if keep:
        PICTURES.mkdir(exist_ok=True)
        for name, file in _FILES.items():
            (PICTURES / f"{file}.svg").write_text(drawing.curve(name, soaked.curves[name]))
        report.keep(told, "soak")
    sys.exit(0 if soaked.holds else 1)


if __name__ == "__main__":
    main()
