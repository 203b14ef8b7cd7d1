"""A worker under watch: records go into Kafka, and out comes, by way of Prometheus and Alertmanager, what is heard."""

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr

from bench.outage.servers import Alertmanager, Prometheus
from bench.outage.webhook import Webhook
from deploy.local.processes import free_port
from streams import offsets, topics
from streams.kafka import connection
from streams.produce import Record, Speed, produce
from streams.settings import Settings
from streams.stack import LocalWorker

KEY = "0123456789abcdef" * 2


def settings(bootstrap: str, clickhouse_url: str) -> Settings:
    """Return settings of a Sluice of its own on these servers: what is not an address is as it is shipped."""
    name = f"outage-{uuid4().hex[:8]}"
    return Settings(
        kafka_bootstrap=bootstrap,
        clickhouse_url=f"{clickhouse_url}/{name.replace('-', '_')}",
        group=name,
        topic_prefix=f"{name}.",
        state_key=SecretStr(KEY),
        web_port=free_port(),
        rebalance_seconds=4.0,  # the embedded broker lets half of it pass before the first worker may join
    )


@dataclass
class Watched:
    """A running worker with its settings, and the webhook at the end of what watches it."""

    settings: Settings
    worker: LocalWorker
    webhook: Webhook

    def send(self, records: Iterable[Record], speed: Speed = "max") -> None:
        """Produce records, and return when Kafka has all of them."""
        asyncio.run(produce(records, connection(self.settings), self.settings.topic_prefix, speed))

    @contextmanager
    def traffic(self, records: Iterable[Record]) -> Iterator[None]:
        """Produce records while the body runs: what is past at once, the rest at its own time."""
        over = threading.Event()
        until_over = takewhile(lambda _: not over.is_set(), records)
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(self.send, until_over, "live")
            try:
                yield
            finally:
                over.set()
            done.result()

    def settle(self, patience_s: float = 1800.0) -> None:
        """Wait until all is confirmed, watched, and kept."""
        deadline = time.monotonic() + patience_s
        while asyncio.run(offsets.progress(self.settings)).lag or self.worker.metric("sluice_held_rows"):
            self.worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker has not come to the end of its topics within {patience_s:g} s")
            time.sleep(0.5)
        time.sleep(2 * self.settings.checkpoint_seconds)


@contextmanager
def watched(own: Settings, folder: Path) -> Iterator[Watched]:
    """Run a worker, and Prometheus and Alertmanager beside it, as they are shipped."""
    asyncio.run(topics.ensure(own))
    with (
        LocalWorker(own, folder / f"{own.group}.log") as worker,
        Webhook() as webhook,
        Alertmanager(webhook.url, folder / f"{own.group}.alertmanager.log") as alertmanager,
        Prometheus(own.web_port, alertmanager.port, folder / f"{own.group}.prometheus.log"),
    ):
        yield Watched(own, worker, webhook)
