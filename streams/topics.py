"""The map of Kafka: each topic's name, key, retention, who writes it and who reads it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.kafka import connection
from streams.settings import Settings
from streams.sources import Source

WEEK = timedelta(days=7)
ROOM = 2**20  # bytes of a record besides its value


class KafkaUnreachable(Exception):
    """No broker answers; the message names the address and the cure."""

    def __init__(self, bootstrap: str, reason: object) -> None:
        super().__init__(
            f"Kafka does not answer at {bootstrap} ({reason}). Start it (`sluice up` starts a local one) "
            "or set SLUICE_KAFKA_BOOTSTRAP to where it is; brokers with TLS or a login stay silent to those without: "
            "SLUICE_KAFKA_SECURITY_PROTOCOL and its neighbours."
        )


class TopicRefused(KafkaUnreachable):
    """Kafka answers, and will not make a topic: whoever catches the one has to tell of the other, too."""

    def __init__(self, bootstrap: str, topic: str, reason: str) -> None:
        Exception.__init__(
            self,
            f"Kafka at {bootstrap} will not make the topic {topic} ({reason}). Make it by hand, or set "
            "SLUICE_PARTITIONS and SLUICE_REPLICATION to what the brokers can give.",
        )


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of Sluice's world; `retention` holds for topics that Sluice has to create."""

    name: str
    key: str
    written_by: str
    read_by: str
    retention: timedelta = WEEK


REQUESTS = Topic("inference.requests", "inference_id, or none", "gateways", "ingest")
RESPONSES = Topic("inference.responses", "inference_id, or none", "gateways", "ingest")
FEEDBACK = Topic("inference.feedback", "inference_id, or none", "feedback SDKs", "ingest")
RECEIVED = Topic("sluice.received", "none", "the receiver", "ingest")  # raw bodies of all formats, named in a header
MEASUREMENTS = Topic("sluice.measurements", "segment", "ingest", "detect")
FINDINGS = Topic("sluice.findings", "segment", "detect", "whoever wants to know", timedelta(days=90))

NATIVE = (REQUESTS, RESPONSES, FEEDBACK)
ALL = (*NATIVE, RECEIVED, MEASUREMENTS, FINDINGS)


def sources(settings: Settings) -> dict[str, Source]:
    """Return what each topic that ingest reads carries, by its full name; Sluice's own topics may be set, too."""
    own = {
        REQUESTS.name: Source(format="native_requests"),
        RESPONSES.name: Source(format="native_responses"),
        FEEDBACK.name: Source(format="native_feedback"),
        RECEIVED.name: Source(format="received"),
    }
    named = {(settings.topic_prefix if name in own else "") + name: each for name, each in settings.sources.items()}
    return {settings.topic_prefix + name: each for name, each in own.items()} | named


async def ensure(settings: Settings) -> None:
    """Create the topics that are missing; those that exist keep their partitions. Raises KafkaUnreachable."""
    own = {settings.topic_prefix + topic.name: topic.retention for topic in ALL}
    wanted = dict.fromkeys(sources(settings), WEEK) | own
    await create(settings, [_new(name, retention, settings) for name, retention in wanted.items()])


async def create(settings: Settings, wanted: list[NewTopic]) -> None:
    """Create those of some topics that are missing. Raises KafkaUnreachable."""
    admin = AIOKafkaAdminClient(**connection(settings).options(), request_timeout_ms=10_000)
    try:
        await asyncio.wait_for(admin.start(), timeout=15)
    except (KafkaError, OSError, TimeoutError) as away:
        await admin.close()
        raise KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__) from None
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in existing]
        if missing:
            response = await admin.create_topics(missing)
            for name, code, *_ in response.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:  # another worker may have been quicker
                    raise TopicRefused(settings.kafka_bootstrap, name, error.__name__)
    finally:
        await admin.close()


def _new(name: str, retention: timedelta, settings: Settings) -> NewTopic:
    return NewTopic(
        name,
        num_partitions=settings.partitions,
        replication_factor=settings.replication,
        topic_configs={
            "retention.ms": str(int(retention.total_seconds() * 1000)),
            "max.message.bytes": str(settings.event_bytes + ROOM),
            # Retention goes by the records' time. By the sender's own, a replayed or simulated past would be deleted at
            # once; and when a record came in is for the broker to say.
            "message.timestamp.type": "LogAppendTime",
        },
    )
