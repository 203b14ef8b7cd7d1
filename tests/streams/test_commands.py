"""A person's word comes out of Kafka as it went in, under the segment's key, in order; junk is refused, not obeyed."""

from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

import msgpack
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.broker import KafkaServer
from streams import topics
from streams.commands import EVERY, WORDS, Command, is_command, pack, send, unpack
from streams.events import EARLIEST_NS, LATEST_NS
from streams.gateways.base import InvalidEvent
from streams.settings import Settings
from streams.topics import KafkaUnreachable
from tests.sinks.found import NOON, SEGMENT

RESET = Command("reset", "error", "ann", "a new model", NOON)

commands = st.builds(
    Command,
    action=st.sampled_from(["accept", "pin", "unpin", "reset"]),
    metric=st.text(min_size=1, max_size=256),
    by=st.text(min_size=1, max_size=256),
    note=st.text(max_size=4096),
    time_unix_nano=st.integers(EARLIEST_NS, LATEST_NS - 1),
)


@given(commands)
def test_what_is_packed_is_read_again(command: Command) -> None:
    packed = pack(command)
    assert is_command(packed)
    assert unpack(packed) == command
    assert unpack(packed).command_id == command.command_id


@given(st.none() | st.binary() | st.dictionaries(st.text(), st.integers(0, 9), min_size=2).map(msgpack.packb))
def test_what_is_not_a_command_is_refused_and_nothing_else_happens(value: bytes | None) -> None:
    assert not is_command(value)
    with pytest.raises(InvalidEvent, match="wrong_shape: Not a command"):
        unpack(value)


WRONG: list[dict[str, Any]] = [
    {"action": "drop"},
    {"action": None},
    {"action": ["pin"]},
    {"metric": ""},
    {"metric": "m" * 257},
    {"metric": ["error"]},
    {"by": ""},
    {"by": 7},
    {"note": "n" * 4097},
    {"note": b"n"},
    {"time_unix_nano": NOON // 10**9},
    {"time_unix_nano": LATEST_NS},
    {"time_unix_nano": float(NOON)},
    {"time_unix_nano": True},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_command_that_nobody_could_have_sent_is_refused(wrong: dict[str, Any]) -> None:
    packed = msgpack.packb({"command": {"version": 1, **asdict(RESET), **wrong}})
    assert is_command(packed)
    with pytest.raises(InvalidEvent, match="wrong_shape: Not a command"):
        unpack(packed)


@pytest.mark.parametrize("missing", [*asdict(RESET), "version"])
def test_a_command_that_lacks_a_part_is_refused(missing: str) -> None:
    whole = {"version": 1, **asdict(RESET)}
    del whole[missing]
    with pytest.raises(InvalidEvent, match="wrong_shape"):
        unpack(msgpack.packb({"command": whole}))


def test_a_command_of_a_newer_sluice_says_so() -> None:
    with pytest.raises(InvalidEvent, match=r"unsupported_schema_version: A command of version 2.*upgrade all workers"):
        unpack(msgpack.packb({"command": {"version": 2, **asdict(RESET)}}))


@pytest.mark.parametrize("name", WORDS)
def test_words_that_are_too_long_are_not_even_made(name: str) -> None:
    longest = "x" * WORDS[name]
    known = asdict(RESET)
    assert asdict(Command(**known | {name: longest}))[name] == longest
    with pytest.raises(ValueError, match=f"{name} takes {WORDS[name]} characters at most"):
        Command(**known | {name: f"{longest}x"})


def test_commands_that_differ_have_different_ids() -> None:
    others = [replace(RESET, metric=EVERY), replace(RESET, time_unix_nano=NOON + 1), replace(RESET, by="bob")]
    assert len({each.command_id for each in (RESET, *others)}) == 4


async def test_commands_go_in_order_where_the_segments_measurements_go(broker: KafkaServer) -> None:
    held = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=f"commands-{uuid4().hex}.", partitions=8)
    await topics.ensure(held)
    topic = held.topic_prefix + topics.MEASUREMENTS.name
    segments = [SEGMENT, "other", "小|-|-|-"]
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    for segment in segments:
        await producer.send_and_wait(topic, b"measurements", key=segment.encode())
        await send(held, segment, RESET, replace(RESET, action="pin"))
    await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    seen: dict[bytes, list[tuple[int, bytes]]] = {}
    while sum(map(len, seen.values())) < 3 * len(segments):
        record = await consumer.getone()
        seen.setdefault(record.key, []).append((record.partition, record.value))
    await consumer.stop()
    for segment in segments:
        where, what = zip(*seen[segment.encode()], strict=True)
        assert len(set(where)) == 1
        assert what == (b"measurements", pack(RESET), pack(replace(RESET, action="pin")))


async def test_a_broker_that_is_away_is_said() -> None:
    with pytest.raises(KafkaUnreachable, match=r"127\.0\.0\.1:1 .*set SLUICE_KAFKA_BOOTSTRAP"):
        await send(Settings(kafka_bootstrap="127.0.0.1:1"), SEGMENT, RESET)
