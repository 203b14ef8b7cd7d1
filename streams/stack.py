"""The local stack: an embedded broker, a local ClickHouse and a worker, started in order and ended together."""

import secrets
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from pydantic_core import to_json

from deploy.local.broker import EmbeddedBroker
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.processes import LocalServer, free_port, listens
from streams.settings import Settings

CHECK_S = 0.3  # how often it is looked whether one has died


class LocalWorker(LocalServer):
    """A worker as a child process, with the settings of its parent; ready when it serves its metrics."""

    name = "worker"
    stops_within_s = 40.0

    def __init__(self, settings: Settings, log: Path | None = None) -> None:
        super().__init__(settings.web_port, log)
        self.settings = settings

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "streams.cli", "worker"]

    def environment(self) -> Mapping[str, str]:
        """Hand the settings over by the environment: the state key must not show in the list of processes."""
        values = {name: getattr(self.settings, name) for name in Settings.model_fields}
        return {f"SLUICE_{name.upper()}": _variable(value) for name, value in values.items() if value is not None}

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._exposition(), timeout=2) as answer:  # noqa: S310  # http
                return bool(answer.status == 200)
        except OSError:  # it listens, and a busy machine lets it answer late
            return False

    def metric(self, name: str, /, **labels: str) -> float:
        """Read a metric: the sum of its samples that have these labels; 0 where there is none."""
        with urllib.request.urlopen(self._exposition(), timeout=30) as answer:  # noqa: S310  # http
            families = text_string_to_metric_families(answer.read().decode())
            samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def _exposition(self) -> urllib.request.Request:
        shown = {"Authorization": f"Bearer {self.settings.metrics_token.get_secret_value()}"}
        return urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers=shown)


def _variable(value: Any) -> str:
    """Write a setting as its variable has it: tables are JSON there."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return to_json(value).decode() if isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True)
class Stack:
    """The three servers, and the settings with which to reach them."""

    broker: EmbeddedBroker
    clickhouse: LocalClickHouse
    worker: LocalWorker
    settings: Settings

    def check(self) -> None:
        """Raise ServerFailed, with the end of its log, when one of the three has died."""
        for server in (self.broker, self.clickhouse, self.worker):
            server.check()


@contextmanager
def local_stack(settings: Settings) -> Iterator[Stack]:
    """Run the local stack; on leaving, also by an error or a signal, all of it is stopped.

    Everything that it holds is gone with it, so that offsets, ledger and state always belong together; only review
    batches stay. Ports are the usual ones where they are free.
    """
    with (
        _terminated_is_interrupted(),
        EmbeddedBroker(_port(9092)) as broker,
        LocalClickHouse(port=_port(8123)) as clickhouse,
    ):
        local = settings.model_copy(
            update={
                "kafka_bootstrap": broker.bootstrap,
                "kafka_security_protocol": "PLAINTEXT",
                "clickhouse_url": f"{clickhouse.url}/sluice",
                "state_key": SecretStr(secrets.token_hex(32)),
                "web_port": (port := _port(settings.web_port)),
                "pages_url": f"http://127.0.0.1:{port}",
                # Tansu lets half of this pass before the first worker may join.
                "rebalance_seconds": min(settings.rebalance_seconds, 4.0),
            }
        )
        with LocalWorker(local) as worker:
            yield Stack(broker, clickhouse, worker, local)


def watch(stack: Stack) -> None:
    """Return when interrupted. Raises ServerFailed when one of the servers dies."""
    try:
        while True:
            time.sleep(CHECK_S)
            stack.check()
    except KeyboardInterrupt:
        return


def _port(usual: int) -> int:
    return free_port() if listens(usual) else usual


@contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C: `kill` stops the children too; and heed Ctrl-C where a shell had it ignored."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
