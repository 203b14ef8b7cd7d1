"""The faults, each with what it does and what a user sees of it; a fault heals before it returns."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.broker import KafkaServer
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import ApacheKafka
from tests.chaos.crew import Crew
from tests.chaos.load import Load
from tests.chaos.proxy import Proxy, Way

BURST_S, POISON = 100, 400  # a hundred times the rate for a second; too few to be taken for a flood that never ends


@dataclass(frozen=True)
class Scene:
    """What can be broken."""

    kafka: KafkaServer
    clickhouse: LocalClickHouse
    proxy: Proxy
    crew: Crew
    load: Load


@dataclass(frozen=True)
class Fault:
    """A fault: what of, how it is made, and what a user sees while it lasts. One of a kind is made at a time."""

    kind: str
    name: str
    seen: str
    make: Callable[[Scene, random.Random], None]


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


def _kafka_killed(scene: Scene, _draw: random.Random) -> None:
    scene.kafka.kill()
    scene.kafka.start()


def _kafka_restarts(scene: Scene, _draw: random.Random) -> None:
    os.kill(scene.kafka.pid, signal.SIGTERM)
    while scene.kafka.exit_code is None:
        time.sleep(0.05)
    scene.kafka.start()


def _kafka_hangs(scene: Scene, draw: random.Random) -> None:
    os.kill(scene.kafka.pid, signal.SIGSTOP)
    time.sleep(draw.uniform(1, 8))
    os.kill(scene.kafka.pid, signal.SIGCONT)


def _clickhouse_killed(scene: Scene, _draw: random.Random) -> None:
    scene.clickhouse.kill()
    scene.clickhouse.start()


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


_WAITS = "rows come later; `/readyz` says why; one line when it begins, one when it is over"
_MOVES = "its partitions go to another worker, or wait for it; findings come later"

WORKERS = (
    Fault("worker", "worker killed (-9)", _MOVES, _kill),
    Fault("worker", "worker suspended, 1 to 8 s", "nothing, or rows come later", _suspend),
    Fault("worker", "worker suspended beyond its session, 12 to 18 s", _MOVES, _suspend_beyond_its_session),
    Fault("worker", "rolling restart", _MOVES, _roll),
    Fault("worker", "1 → 3 → 1 workers", _MOVES, _scale),
)
STORE = (
    Fault("store", "ClickHouse killed (-9)", _WAITS, _clickhouse_killed),
    *(
        Fault("store", f"ClickHouse {way.value}, 1 to 6 s", _WAITS, _by_proxy(way))
        for way in Way
        if way is not Way.OPEN
    ),
)
TRAFFIC = (
    Fault("traffic", f"{POISON} records that are none", "`sluice dead-letters` counts them", _poison),
    Fault("traffic", "a second of 100 times the rate", "rows come later; lag rises and falls", _burst),
)
KAFKA = (
    Fault("kafka", "Kafka killed (-9)", "senders wait; rows come later", _kafka_killed),
    Fault("kafka", "Kafka restarts", "senders wait; rows come later", _kafka_restarts),
    Fault("kafka", "Kafka hangs, 1 to 8 s", "senders wait; rows come later", _kafka_hangs),
)


def faults(kafka: KafkaServer) -> tuple[Fault, ...]:
    """Return what can be made here: the embedded broker forgets everything when it ends."""
    return (*WORKERS, *STORE, *TRAFFIC, *(KAFKA if isinstance(kafka, ApacheKafka) else ()))
