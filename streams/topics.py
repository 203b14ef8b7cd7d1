"""The map of Kafka: each topic's name, key, retention, who writes it and who reads it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.settings import Settings

WEEK = timedelta(days=7)


class KafkaUnreachable(Exception):
    """No broker answers; the message names the address and the cure."""

    def __init__(self, bootstrap: str, reason: object) -> None:
        super().__init__(
            f"Kafka does not answer at {bootstrap} ({reason}). Start it (`sluice up` starts a local one) "
            "or set SLUICE_KAFKA_BOOTSTRAP to where it is."
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
MEASUREMENTS = Topic("sluice.measurements", "segment", "ingest", "detect")
FINDINGS = Topic("sluice.findings", "segment", "detect", "whoever wants to know", timedelta(days=90))

NATIVE = (REQUESTS, RESPONSES, FEEDBACK)
ALL = (*NATIVE, MEASUREMENTS, FINDINGS)


async def ensure(settings: Settings) -> None:
    """Create the topics that are missing; those that exist keep their partitions. Raises KafkaUnreachable."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=10_000)
    try:
        await asyncio.wait_for(admin.start(), timeout=15)
    except (KafkaError, OSError, TimeoutError) as away:
        await admin.close()
        raise KafkaUnreachable(settings.kafka_bootstrap, type(away).__name__) from None
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in ALL if settings.topic_prefix + topic.name not in existing]
        if missing:
            response = await admin.create_topics([_new(topic, settings) for topic in missing])
            for name, code, *_ in response.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:  # another worker may have been quicker
                    raise TopicRefused(settings.kafka_bootstrap, name, error.__name__)
    finally:
        await admin.close()


def _new(topic: Topic, settings: Settings) -> NewTopic:
    return NewTopic(
        settings.topic_prefix + topic.name,
        num_partitions=settings.partitions,
        replication_factor=settings.replication,
        topic_configs={
            "retention.ms": str(int(topic.retention.total_seconds() * 1000)),
            # Retention goes by the records' time. By the sender's own, a replayed or simulated past would be deleted at
            # once; and when a record came in is for the broker to say.
            "message.timestamp.type": "LogAppendTime",
        },
    )
