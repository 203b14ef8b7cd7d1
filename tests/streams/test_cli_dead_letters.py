"""Dead letters on the command line: a topic whose format was set wrong is mended, and replayed once."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.broker import EmbeddedBroker
from deploy.local.processes import free_port
from sinks.clickhouse import connect, migrate
from sinks.columns import dead_letter_rows
from sinks.dead_letters import ORIGIN
from streams import topics
from streams.events import DeadLetter
from streams.kafka import connection
from streams.produce import Record, produce
from streams.settings import Settings, load
from streams.sources import Format, Source
from streams.stack import LocalWorker
from tests.streams.test_cli import sluice

DEADLINE_S = 180.0
TOPIC = "gateway"
HOSTILE = b"\x1b]0;owned\x07\xff\x00"
HEADERS = (("tenant", b"\xff"), ("none", None))


class Post:
    """A topic of a gateway, the store, and the command line between them."""

    def __init__(self, broker: EmbeddedBroker, clickhouse_url: str) -> None:
        self.held = load(
            kafka_bootstrap=broker.bootstrap,
            clickhouse_url=f"{clickhouse_url}/letters_{uuid4().hex}",
            topic_prefix=f"l{uuid4().hex[:10]}.",
            partitions=1,
            state_key="0123456789abcdef" * 2,
            web_port=free_port(),
            rebalance_seconds=4.0,
        )
        self.client = connect(self.held.clickhouse_url)

    def with_format(self, name: Format) -> Settings:
        return self.held.model_copy(update={"sources": {TOPIC: Source(format=name)}})

    def bring(self, *values: bytes) -> None:
        asyncio.run(topics.ensure(self.with_format("native_requests")))
        records = [Record(TOPIC, b"\xfe", value, 1_790_000_000_000, HEADERS) for value in values]
        asyncio.run(produce(records, connection(self.held)))

    @contextmanager
    def worker(self, name: Format) -> Iterator[None]:
        with LocalWorker(self.with_format(name)):
            yield

    def until(self, sql: str, expected: Any) -> None:
        until = time.monotonic() + DEADLINE_S
        while (found := self.client.query(sql).result_rows) != expected:
            assert time.monotonic() < until, found
            time.sleep(0.2)

    def run(self, *words: str) -> str:
        said = sluice(
            "dead-letters",
            *words,
            SLUICE_CLICKHOUSE_URL=self.held.clickhouse_url,
            SLUICE_KAFKA_BOOTSTRAP=self.held.kafka_bootstrap,
        )
        assert said.exit_code == 0, said.output
        assert all(line.isprintable() for line in said.output.splitlines()), said.output
        return said.stdout

    async def records(
        self, count: int
    ) -> list[tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]]:
        """The first records of the topic: key, value and headers."""
        consumer = AIOKafkaConsumer(TOPIC, **connection(self.held).options(), auto_offset_reset="earliest")
        async with consumer:
            found = [await consumer.getone() for _ in range(count)]
        return [(each.key, each.value, tuple(each.headers)) for each in found]

    def states(self) -> list[list[str]]:
        """The state and the number of letters, of each line that counts them."""
        return [line.split("  ")[2:] for line in _squeezed(self.run())[1:]]


def _squeezed(text: str) -> list[str]:
    return ["  ".join(part.strip() for part in line.split("  ") if part.strip()) for line in text.splitlines()]


@pytest.fixture(scope="module")
def post(clickhouse_url: str) -> Iterator[Post]:
    with EmbeddedBroker() as broker:
        yield Post(broker, clickhouse_url)


def answer(name: str) -> bytes:
    event = {"kind": "response", "event_id": f"{name}/r", "inference_id": name, "time_unix_nano": 1_790_000_000 * 10**9}
    return orjson.dumps(event | {"status": "ok"})


def test_a_mended_format_is_replayed_and_what_fails_again_stays(post: Post) -> None:
    post.bring(answer("a"), answer("b"), HOSTILE)
    with post.worker("native_requests"):  # which they are not
        post.until("SELECT count() FROM dead_letters", [(3,)])
    assert sorted(row[:2] for row in post.states()) == [["waiting", "1"], ["waiting", "2"]]
    listed = _squeezed(post.run("list", "--limit", "2"))
    assert [line.split("  ")[0] for line in listed[1:]] == [f"{TOPIC}/0/0/0", f"{TOPIC}/0/1/0"]

    shown = post.run("show", f"{TOPIC}/0/2")
    assert r"\x1b]0;owned\x07" in shown
    assert "header      tenant: " in shown
    assert "header      none: none" in shown

    with post.worker("native_responses"):
        assert post.run("replay") == f"3 records to {TOPIC}\n"
        post.until("SELECT uniqExact(inference_id) FROM inferences", [(2,)])
        post.until("SELECT count() FROM dead_letters", [(4,)])
    assert sorted(row[0] for row in post.states()) == ["failed again", "replayed", "replayed"]

    assert post.run("replay") == "There was nothing to send.\n"
    assert post.run("replay", "--again", "--reason", "no_such") == "There was nothing to send.\n"
    assert post.run("replay", "--again") == f"1 records to {TOPIC}\n"

    sent = [answer("a"), answer("b"), HOSTILE]
    assert asyncio.run(post.records(7)) == [
        *((b"\xfe", value, HEADERS) for value in sent),
        *((b"\xfe", value, (*HEADERS, (ORIGIN, b"gateway/0/%d/0" % n))) for n, value in enumerate(sent)),
        (b"\xfe", HOSTILE, (*HEADERS, (ORIGIN, b"gateway/0/5/0"))),
    ]


def test_a_filter_that_leaves_the_bytes_out_brings_them_along(clickhouse_url: str) -> None:
    with EmbeddedBroker() as broker:
        post = Post(broker, clickhouse_url)
        migrate(post.client)
        value = b"all of the record"
        kept = [
            DeadLetter(TOPIC, 0, offset, item, 1_790_000_000_000, reason, "why", None, held, ())
            for offset in (0, 1)
            for item, reason, held in (
                (0, "wrong_shape", b"one item"),
                (1, "time_ahead", value),
                (2, "no_time", None),
                (3, "no_time", None),
            )
        ]
        post.client.insert_arrow("dead_letters", dead_letter_rows(kept))
        assert post.run("replay", "--reason", "no_time") == (
            f"4 records to {TOPIC}\n4 letters went with an earlier one of their record.\n"
        )
        sent = asyncio.run(post.records(4))
        assert Counter(each[1] for each in sent) == {b"one item": 2, value: 2}
        assert {row[0] for row in post.states()} == {"replayed"}
        assert post.run("replay") == "There was nothing to send.\n"
