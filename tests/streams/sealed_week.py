"""A simulated week goes through the reader into a database, sealed or plain, for tests to compare."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from uuid import uuid4

from aiokafka.structs import ConsumerRecord

from sinks.clickhouse import ClickHouse, migrate
from sinks.joins import Joins
from streams.batches import RecordBatch
from streams.ingest import Block
from streams.sealing import Sealing, content_keys
from streams.settings import Settings, load
from streams.simulate import simulate
from streams.traffic.plan import WEEK, Plan, week_start
from tests.streams.test_ingest import LIMIT, TOPICS, reader

KEY = "the first key of content, 32 characters"
NEXT_KEY = "another key of content, 32 characters"
CALLS = 600
PHRASE = "violet hippopotamus"  # in a question, an answer and an explanation of one user
HER_CALL = "planted-0"


@contextmanager
def database(url: str) -> Iterator[ClickHouse]:
    sink = ClickHouse(f"{url}/sealed_{uuid4().hex}")
    migrate(sink.client)
    yield sink
    sink.client.command(f"DROP DATABASE {sink.client.database}")
    sink.close()


def settings(sink: ClickHouse, key: str = KEY, before: str = "") -> Settings:
    return load(clickhouse_url=sink.url, content_key=key, content_keys_before=before, state_key="s" * 32)


@cache
def block() -> Block:
    """Return a week and two days of calls, after the redaction that a worker does."""
    records, _ = simulate(Plan(week_start("2026-W46"), WEEK + timedelta(days=2), CALLS, seed=7))
    by_topic = defaultdict(list)
    for record in records:
        if record.topic in TOPICS and len(record.value) < LIMIT:
            by_topic[record.topic].append(record)
    fetched = []
    for topic, its in by_topic.items():
        rows = [
            ConsumerRecord(topic, 0, n, each.timestamp_ms, 1, each.key, each.value, None, 0, len(each.value), ())
            for n, each in enumerate(its)
        ]
        fetched.append(RecordBatch(topic, 0, 0, len(rows) - 1, rows))
    return reader().read(fetched)


def store(sink: ClickHouse, read: Block, held: Settings | None = None) -> None:
    """Store a block as a worker does: sealed where settings with a key are given."""
    keys = content_keys(held, sink) if held else None
    tables = Sealing(keys, Joins(sink)).tables(read) if keys else read.tables()
    for table, rows in tables:
        sink.insert(table, rows)
