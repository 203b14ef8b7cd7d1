"""The faults, each with what it does and what a user sees of it; a fault heals before it returns."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.broker import KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka
from deploy.local.processes import LocalServer, ServerFailed
from tests.chaos import clock, full_disk
from tests.chaos.clock import Clock
from tests.chaos.crew import Crew
from tests.chaos.load import Load
from tests.chaos.proxy import Proxy, Way

HOUR_S = 3600
TRIES = 5
BURST_S, POISON = 100, 400  # a hundred times the rate for a second; too few to be taken for a flood that never ends


@dataclass(frozen=True)
class Scene:
    """What can be broken."""

    kafka: KafkaServer
    clickhouse: LocalClickHouse
    proxy: Proxy
    crew: Crew
    load: Load
    clock: Clock
    tables: str  # ClickHouse's URL past the proxy, with the database
    folder: Path


@dataclass(frozen=True)
class Fault:
    """A fault: what it takes hold of, how it is made, and what a user sees while it lasts.

    Two that take hold of the same are not made at once.
    """

    holds: frozenset[str]
    name: str
    seen: str
    make: Callable[[Scene, random.Random], None]


def _back(server: LocalServer) -> None:
    """Start a server again; on a machine at its limit that takes more than one try."""
    for _ in range(TRIES - 1):
        with suppress(ServerFailed):
            return server.start()
    return server.start()


def _kill(scene: Scene, _draw: random.Random) -> None:
    scene.crew.kill()


def _suspend(scene: Scene, draw: random.Random) -> None:
    scene.crew.suspend(draw.uniform(1, 8))


def _suspend_beyond_its_session(scene: Scene, draw: random.Random) -> None:
    scene.crew.suspend(draw.uniform(12, 18))


def _roll(scene: Scene, _draw: random.Random) -> None:
    scene.crew.roll()


def _scale(scene: Scene, _draw: random.Random) -> None:
    scene.crew.scale(3)
    time.sleep(3)
    scene.crew.scale(1)


def _moves_while_storing(scene: Scene, _draw: random.Random) -> None:
    scene.proxy.way = Way.SLOW
    scene.crew.scale(2)
    time.sleep(2)
    scene.crew.scale(1)
    scene.proxy.way = Way.OPEN


def _clock_jumps(scene: Scene, draw: random.Random) -> None:
    scene.clock.jump(draw.choice((-1, 1)) * draw.choice((60, HOUR_S, 24 * HOUR_S)))
    time.sleep(3 * clock.READ_EVERY_S)
    scene.clock.jump(0)


def _disk_full(scene: Scene, _draw: random.Random) -> None:
    full_disk.cut_on_a_full_disk(scene.tables, scene.folder / "small-disk")


def _kafka_away(scene: Scene, draw: random.Random) -> None:
    scene.kafka.kill()
    time.sleep(draw.uniform(5, 12))
    _back(scene.kafka)


def _kafka_killed(scene: Scene, _draw: random.Random) -> None:
    scene.kafka.kill()
    _back(scene.kafka)


def _kafka_restarts(scene: Scene, _draw: random.Random) -> None:
    os.kill(scene.kafka.pid, signal.SIGTERM)
    while scene.kafka.exit_code is None:
        time.sleep(0.05)
    _back(scene.kafka)


def _kafka_hangs(scene: Scene, draw: random.Random) -> None:
    os.kill(scene.kafka.pid, signal.SIGSTOP)
    time.sleep(draw.uniform(1, 8))
    os.kill(scene.kafka.pid, signal.SIGCONT)


def _clickhouse_killed(scene: Scene, _draw: random.Random) -> None:
    scene.clickhouse.kill()
    _back(scene.clickhouse)


def _by_proxy(way: Way) -> Callable[[Scene, random.Random], None]:
    def make(scene: Scene, draw: random.Random) -> None:
        scene.proxy.way = way
        time.sleep(draw.uniform(1, 6))
        scene.proxy.way = Way.OPEN

    return make


def _poison(scene: Scene, _draw: random.Random) -> None:
    scene.load.poison(POISON)


def _burst(scene: Scene, _draw: random.Random) -> None:
    scene.load.burst(BURST_S)


_WORKERS, _STORE, _KAFKA = frozenset({"workers"}), frozenset({"store"}), frozenset({"kafka"})
_ANSWERS, _FEEDBACK, _CLOCK = frozenset({"answers"}), frozenset({"feedback"}), frozenset({"clock"})
_WAITS = "rows come later; `/readyz` says why; one line when it begins, one when it is over"
_QUIET = {Way.HANG, Way.SLOW}
_SILENT = "rows come later; `/readyz` says why after 30 s of it"
_MOVES = "its partitions go to another worker, or wait for it; findings come later"

WORKERS = (
    Fault(_WORKERS, "worker killed (-9)", _MOVES, _kill),
    Fault(_WORKERS, "worker suspended, 1 to 8 s", "nothing, or rows come later", _suspend),
    Fault(_WORKERS, "worker suspended beyond its session, 12 to 18 s", _MOVES, _suspend_beyond_its_session),
    Fault(_WORKERS, "rolling restart", _MOVES, _roll),
    Fault(_WORKERS, "1 → 3 → 1 workers", _MOVES, _scale),
    Fault(_WORKERS | _STORE, "partitions move while ClickHouse is slow", _MOVES, _moves_while_storing),
)
STORE = (
    Fault(_STORE, "ClickHouse killed (-9)", _WAITS, _clickhouse_killed),
    *(
        Fault(_STORE, f"ClickHouse {way.value}, 1 to 6 s", _SILENT if way in _QUIET else _WAITS, _by_proxy(way))
        for way in Way
        if way is not Way.OPEN
    ),
)
TRAFFIC = (
    Fault(_FEEDBACK, f"{POISON} records that are none", "`sluice dead-letters` counts them", _poison),
    Fault(_ANSWERS, "a second of 100 times the rate", "rows come later; lag rises and falls", _burst),
)
CLOCK = (Fault(_CLOCK, "workers' clocks jump by a minute, an hour or a day, and back", "nothing", _clock_jumps),)
DISK = (
    Fault(
        _STORE,
        "disk full under a cut",
        "the cut fails with one line, and leaves nothing; with room it is made",
        _disk_full,
    ),
)
KAFKA = (
    Fault(_KAFKA, "Kafka killed (-9)", "senders wait; rows come later", _kafka_killed),
    Fault(_KAFKA, "Kafka restarts", "senders wait; rows come later", _kafka_restarts),
    Fault(_KAFKA, "Kafka away, 5 to 12 s", "senders wait; rows come later; `/readyz` says why", _kafka_away),
    Fault(_KAFKA, "Kafka hangs, 1 to 8 s", "senders wait; rows come later", _kafka_hangs),
)


ALL = (*WORKERS, *STORE, *TRAFFIC, *CLOCK, *DISK, *KAFKA)


def faults(kafka: KafkaServer) -> tuple[Fault, ...]:
    """Return what can be made here: the embedded broker forgets everything when it ends."""
    return (
        *(*WORKERS, *STORE, *TRAFFIC),
        *(CLOCK if clock.faketime() else ()),
        *(() if full_disk.missing() else DISK),
        *(KAFKA if isinstance(kafka, ApacheKafka) else ()),
    )
