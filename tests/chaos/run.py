"""Faults come at random, one or two at a time, while a load goes on; in the end everything is counted."""

import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from deploy.local import kafka
from deploy.local.broker import EmbeddedBroker, KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka
from detectors.bank import SegmentBank
from detectors.budget import Budget
from sinks import findings
from sinks.clickhouse import connect, migrate
from streams.events import Finding
from streams.findings import finding
from streams.settings import Settings
from tests.chaos.clock import Clock
from tests.chaos.crew import Crew
from tests.chaos.faults import Fault, Scene, faults
from tests.chaos.load import NEVER, Load, by_turns, count_doubled
from tests.chaos.proxy import Proxy
from tests.streams.test_ingest_measures import read_in
from tests.whole.events import SERVICES, answers
from tests.whole.harness import World

RATE = 300.0
RECOVERS_WITHIN_S = 600.0
TOGETHER = (1, 4, 5, 6)  # faults that are made at once
Decks = dict[frozenset[str], list[Fault]]  # what is still to come, by what it takes hold of
LARGEST_MB = 600.0  # of a worker, after which memory counts as not bounded


@dataclass(frozen=True)
class Harm:
    """What was seen after a fault, or after some at once, had healed.

    Args:
        seconds: until all that was sent by then was stored.
        lost: answers that were not there after RECOVERS_WITHIN_S.
        doubled: rows beyond one an answer, more than there were before.
    """

    seconds: float
    lost: int
    doubled: int


@dataclass
class Result:
    """What a run came to; `harms` has one for each time that a fault of this name was made."""

    seed: int
    broker: str
    rate: float
    sent: int = 0
    stored: int = 0
    doubled: int = 0
    poisoned: int = 0
    dead_letters: int = 0
    restarts: int = 0
    largest_mb: float = 0.0
    said: int = 0  # lines of Sluice's own in the workers' logs, from warnings up
    findings: list[Finding] = field(default_factory=list)
    expected: list[Finding] = field(default_factory=list)
    harms: dict[str, list[Harm]] = field(default_factory=lambda: defaultdict(list))

    @property
    def injected(self) -> int:
        return sum(map(len, self.harms.values()))

    @property
    def lost(self) -> int:
        return self.sent - self.stored

    def unlike(self) -> list[str]:
        """Say of each finding that is not as without faults what was said with them, and what without.

        All is compared but when one was over. A second of the load is up to an hour of event time: while a partition
        is not read, minutes go by in its segments by the time of the others, and what ends with a minute ends later.
        For the same reason minutes may have other answers, and what is usual of a minute remembers that for hours, less
        and less: means of metrics that joined a finding were apart in their eighth digit, twenty hours of event time
        later. So numbers are compared to a millionth.
        """
        seen, wanted = (
            {each.finding_id: each.model_dump() for each in side} for side in (self.findings, self.expected)
        )
        told = []
        for finding_id in sorted(seen.keys() | wanted.keys()):
            one, other = seen.get(finding_id, {}), wanted.get(finding_id, {})
            over = {"said_unix_nano"} if one.get("state") == other.get("state") == "closed" else set()
            names = (one.keys() | other.keys()) - over
            apart = sorted(name for name in names if not _alike(one.get(name), other.get(name)))
            told += [f"{finding_id}, {name}: {one.get(name)} instead of {other.get(name)}" for name in apart]
        return told

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or doubled, ever, all poison was set aside, detectors found what there was and said
        the same of it, and memory was bounded."""
        harmed = any(harm.lost or harm.doubled for harms in self.harms.values() for harm in harms)
        kept = self.lost == self.doubled == 0 and not harmed and self.dead_letters == self.poisoned
        return kept and not self.unlike() and self.largest_mb < LARGEST_MB


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    return bool(one == other)


def run(folder: Path, seed: int, seconds: float, say: Callable[[str], None], rate: float = RATE) -> Result:
    """Break things for so long under `rate` answers a second, then count. Raises AssertionError for a gap."""
    draw = random.Random(seed)  # noqa: S311  # a seed is there to be said
    broker: KafkaServer = EmbeddedBroker() if kafka.missing() else ApacheKafka()
    result = Result(seed, broker.name, rate)
    with (
        broker,
        LocalClickHouse(folder / "clickhouse") as clickhouse,
        Proxy(clickhouse.url, seed) as proxy,
        World(broker.bootstrap, proxy.url, folder) as world,
    ):
        tables, clock = f"{clickhouse.url}/{world.settings.clickhouse_url.rpartition('/')[2]}", Clock(folder / "clock")
        direct = connect(tables)
        migrate(direct)
        load = Load(world, rate, idempotent=isinstance(broker, ApacheKafka))
        with Crew(world, draw, clock) as crew:
            scene = Scene(broker, clickhouse, proxy, crew, load, clock, tables, folder)
            with load:
                _missing_at_last(direct, 60 * len(SERVICES))  # the minute of the load that is cut
                _break(scene, direct, result, draw, seconds, say)
            say("No more faults; counting.")
            crew.scale(1)
            accounts = world.settle()
            result.restarts, result.largest_mb = crew.restarts, crew.largest_mb
        _count(direct, load, result)
        result.doubled += load.unsent(accounts)
        result.said = sum(_warnings(worker.log) for worker in world.workers)
    return result


def _break(
    scene: Scene, direct: Client, result: Result, draw: random.Random, seconds: float, say: Callable[[str], None]
) -> None:
    ends = time.monotonic() + seconds
    known = faults(scene.kafka)
    decks: Decks = {fault.holds: [] for fault in known}
    doubled = 0
    while time.monotonic() < ends:
        together = _together(decks, known, draw)
        say(f"{result.injected:4}  {' + '.join(fault.name for fault in together)}")
        _at_once([partial(fault.make, scene, random.Random(draw.random())) for fault in together])  # noqa: S311
        healed = time.monotonic()
        lost = _missing_at_last(direct, scene.load.confirmed)
        recovered, before = time.monotonic() - healed, doubled
        doubled = count_doubled(direct, NEVER)
        for fault in together:
            result.harms[fault.name].append(Harm(recovered, lost, doubled - before))


def _together(decks: Decks, known: Sequence[Fault], draw: random.Random) -> list[Fault]:
    """Take some that can be made at once; of those that take hold of the same, each comes as often as the others."""
    number, taken = draw.choice(TOGETHER), list[Fault]()
    for holds in draw.sample(list(decks), len(decks)):
        if len(taken) < number and all(holds.isdisjoint(other.holds) for other in taken):
            alike = [fault for fault in known if fault.holds == holds]
            decks[holds] = decks[holds] or draw.sample(alike, len(alike))
            taken.append(decks[holds].pop())
    return taken


def _at_once(makes: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(makes)) as threads:
        for made in [threads.submit(make) for make in makes]:
            made.result()


def _missing_at_last(direct: Client, wanted: int) -> int:
    """Wait until so many answers are stored, and return how many are missing when patience ends."""
    deadline = time.monotonic() + RECOVERS_WITHIN_S
    while (stored := _stored(direct)) < wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return max(wanted - stored, 0)


def _stored(direct: Client) -> int:
    try:
        ((rows,),) = direct.query("SELECT uniqExact(inference_id) FROM inference_parts").result_rows
    except Exception:  # ClickHouse may be what is broken: it is asked again
        return 0
    return int(rows)


def _count(direct: Client, load: Load, result: Result) -> None:
    ((letters,),) = direct.query("SELECT count() FROM dead_letters FINAL").result_rows
    result.sent, result.stored = load.confirmed, _stored(direct)
    result.doubled = count_doubled(direct, load.answers_each)
    result.poisoned, result.dead_letters = load.poisoned, int(letters)
    stands = [each.finding for each in findings.listed(direct, closed=True)]
    result.findings = sorted(stands, key=lambda each: each.finding_id)
    result.expected = _expected(load.answers_each)


def _warnings(log: Path) -> int:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return sum(line["level"] not in ("DEBUG", "INFO") and line["logger"].startswith("sluice") for line in lines)


def _expected(each: int) -> list[Finding]:
    """Return what detectors say last of what they find in the same stream, read and watched in one go, by id."""
    settings, found = Settings(), dict[str, Finding]()
    sent = [("responses", message.value or b"", ()) for message in answers(0, each, slow=by_turns)]
    for name, measured in read_in(sent, size=each * len(SERVICES)).items():
        bank = SegmentBank(Budget(settings.segments, settings.false_alarms))
        said = [finding(name, signal) for signal in bank.process(measured).signals]
        found |= {one.finding_id: one for one in said}
    return [found[finding_id] for finding_id in sorted(found)]
