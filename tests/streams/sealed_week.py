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
from sinks.sealed.opening import Opener, as_text
from streams.batches import RecordBatch
from streams.ingest import Block
from streams.sealing import Sealing, content_keys
from streams.settings import Settings, load
from streams.simulate import simulate
from streams.traffic.plan import WEEK, Plan, week_start
from tests.streams.test_ingest import LIMIT, TOPICS, batch, event, reader

KEY = "the first key of content: 32 characters"
NEXT_KEY = "another key of content: 32 characters"
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


def planted(user: str | None = "ann@example.org", name: str = HER_CALL) -> Block:
    """Return one call of a user, whose answer comes as a record that does not name them, and a word about it."""
    at = 1_762_700_000_000_000_000
    who = {"user.id": user} if user else {}
    dialogue = [{"role": "user", "parts": [{"type": "text", "content": f"What does a {PHRASE} eat?"}]}]
    said = [{"role": "assistant", "parts": [{"type": "text", "content": f"A {PHRASE} eats grass."}]}]
    asked = event(TOPICS[0], inference_id=name, time_unix_nano=at, **who, **{"gen_ai.input.messages": dialogue})
    answered = event(TOPICS[1], inference_id=name, time_unix_nano=at + 10**9, **{"gen_ai.output.messages": said})
    told = {"gen_ai.evaluation.explanation": f"No {PHRASE} does", "feedback.correction": f"A {PHRASE} eats hay"}
    judged = event(TOPICS[2], event_id=f"{name}-f", inference_id=name, time_unix_nano=at + 2 * 10**9, **who, **told)
    return reader().read(
        batch(topic, 0, 0, [value]) for topic, value in zip(TOPICS, (asked, answered, judged), strict=True)
    )


def held(sink: ClickHouse) -> bytes:
    """Return all that all tables hold, raw."""
    named = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    names = [name for (name,) in sink.client.query(named).result_rows]
    return b"".join(sink.client.raw_query(f"SELECT * FROM {name}", fmt="RowBinary") for name in names)  # noqa: S608


def contents(sink: ClickHouse, opens: Opener) -> dict[str, dict[str, str]]:
    """Return what opens of each answer."""
    sealed = f"SELECT inference_id, {as_text('max(sealed_response)')} FROM inference_parts GROUP BY inference_id"  # noqa: S608
    rows = sink.client.query(sealed).result_rows
    names = [name for name, _ in rows]
    return dict(zip(names, opens.content("sealed_response", names, [value for _, value in rows]), strict=True))
