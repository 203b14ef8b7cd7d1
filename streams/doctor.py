"""`sluice doctor`: each thing that a worker needs, looked at in turn; what is missing is said with its cure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError
from grafana_api.grafana_api import GrafanaClientError

from sinks.base import SinkBusy
from sinks.clickhouse import AWAY, connect, judged, pending
from sinks.grafana import Annotations
from sinks.grafana import connect as connect_grafana
from sinks.lost_tables import lost
from sinks.minilm import ModelMissing
from sinks.review.folder import unwritable
from sinks.review.torn import torn
from streams import topics
from streams.kafka import CannotCall, connection
from streams.measure import Meanings
from streams.settings import Settings, unknown_variables

STATE_KEY_LENGTH = 32
CLICKHOUSE_CURE = "Start it (`sluice up` starts a local one) or set SLUICE_CLICKHOUSE_URL to where it is."

LOST_CURE = (
    "Restore it from ClickHouse's BACKUP. Or make it anew, empty, with `sluice migrate`; what Kafka still has of it "
    "comes back by `sluice rewind records`."
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was looked at, whether it is well, and in words: what was found or what to do."""

    subject: str
    well: bool
    words: str


async def examine(settings: Settings) -> list[Diagnosis]:
    """Look at everything; one thing that is missing does not hide the next."""
    checks: list[Callable[[Settings], Awaitable[Diagnosis]]] = [kafka, clickhouse, state_key, batches, variables]
    if settings.text_vectors != "none":
        checks.insert(-1, vectors)
    if settings.grafana_url:
        checks.insert(-1, grafana)
    return [await check(settings) for check in checks]


async def kafka(settings: Settings) -> Diagnosis:
    try:
        admin = AIOKafkaAdminClient(**connection(settings).options(), request_timeout_ms=5_000)
    except CannotCall as wrong:
        return Diagnosis("Kafka", False, str(wrong))
    try:
        await asyncio.wait_for(admin.start(), timeout=10)
        existing = set(await admin.list_topics())
    except (KafkaError, OSError, TimeoutError) as away:
        return Diagnosis("Kafka", False, str(topics.KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__)))
    finally:
        await admin.close()
    missing = sorted({settings.topic_prefix + topic.name for topic in topics.ALL} - existing)
    found = f"answers at {settings.kafka_bootstrap}"
    if missing:
        found += f"; the worker will create {', '.join(missing)}"
    return Diagnosis("Kafka", True, found)


async def clickhouse(settings: Settings) -> Diagnosis:
    return await asyncio.to_thread(_clickhouse, settings)


def _clickhouse(settings: Settings) -> Diagnosis:
    try:
        client = connect(settings.clickhouse_url, answers_within_s=10)
        waiting, gone = pending(client), lost(client)
    except (ClickHouseError, *AWAY) as away:
        said = judged(away, settings.clickhouse_url)
        return Diagnosis("ClickHouse", False, f"{said}. {CLICKHOUSE_CURE}")
    found = f"version {client.server_version} answers"
    if waiting:
        found += f"; the worker will apply {', '.join(waiting)}"
    client.close()
    if gone:
        return Diagnosis("ClickHouse", False, f"{found}, and has lost {', '.join(gone)}. {LOST_CURE}")
    return Diagnosis("ClickHouse", True, found)


async def state_key(settings: Settings) -> Diagnosis:
    if len(settings.state_key.get_secret_value()) >= STATE_KEY_LENGTH:
        return Diagnosis("state key", True, "is set")
    return Diagnosis(
        "state key",
        False,
        f"SLUICE_STATE_KEY is shorter than {STATE_KEY_LENGTH} characters: set it, the same for all workers of a group, "
        "for example to the output of `openssl rand -hex 32`.",
    )


async def batches(settings: Settings) -> Diagnosis:
    folder = settings.batches
    if wrong := await asyncio.to_thread(lambda: list(torn(folder))):
        return Diagnosis("batches", False, " ".join(wrong))
    if (wall := unwritable(folder)) is not None:
        return Diagnosis("batches", False, f"{wall} cannot be written to: set SLUICE_BATCHES to a folder that can.")
    return Diagnosis("batches", True, f"go to {folder.absolute()}")


async def vectors(settings: Settings) -> Diagnosis:
    """Look for the model of vectors of texts; well, where none is asked for."""
    if settings.text_vectors == "none":
        return Diagnosis("vectors", True, "are not asked for")
    try:
        Meanings()
    except ModelMissing as missing:
        return Diagnosis("vectors", False, f"{missing} Or set SLUICE_TEXT_VECTORS to none.")
    return Diagnosis("vectors", True, "are MiniLM's")


async def grafana(settings: Settings) -> Diagnosis:
    annotations = Annotations(
        connect_grafana(settings.grafana_url, settings.grafana_token.get_secret_value()), settings.pages_url
    )
    try:
        await asyncio.to_thread(annotations.look)
    except (SinkBusy, GrafanaClientError) as away:
        return Diagnosis("Grafana", False, f"{away}; findings do not become annotations.")
    return Diagnosis("Grafana", True, f"answers at {settings.grafana_url}")


async def variables(_settings: Settings) -> Diagnosis:
    strangers = ", ".join(unknown_variables())
    found = f"{strangers} set nothing; `sluice settings` lists what can be set" if strangers else "are all settings"
    return Diagnosis("variables", True, found)
