"""Dead letters become records again: each goes once to the topic it came from, with a header that says what it is."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from clickhouse_connect.driver.client import Client

from sinks.dead_letters import ORIGIN, PAGE, Letter, mark
from streams.kafka import Connection
from streams.produce import Record, produce


class LettersRefused(Exception):
    """Kafka takes some of the records no longer; the message names the cure."""


@dataclass(slots=True)
class Sent:
    """How many letters went back, by topic, and how many have no bytes of their own: their record's first has them."""

    records: Counter[str] = field(default_factory=Counter)
    without_bytes: int = 0


def send_again(client: Client, kafka: Connection, letters: Iterable[Letter], told: Callable[[int], None]) -> Sent:
    """Send letters again, a page at a time, and mark a page when Kafka has confirmed it.

    A page that is interrupted is sent again whole by the next call: events that come twice count once.

    Args:
        client: where letters are marked.
        kafka: the way back.
        letters: read as they are sent.
        told: called with the number of letters so far.

    Raises:
        KafkaUnreachable: it does not answer.
        LettersRefused: it refuses a record.
    """
    sent, walk = Sent(), iter(letters)
    while page := list(islice(walk, PAGE)):
        records = list(_records(page))
        produced = asyncio.run(produce(records, kafka))
        if produced.refused:
            raise LettersRefused(
                f"Kafka takes {produced.refused.total()} of these records no longer, first of {min(produced.refused)}: "
                "raise its max.message.bytes, then replay again. What was taken may come twice, and counts once."
            )
        mark(client, [letter.place for letter in page])
        sent.records += produced.confirmed
        sent.without_bytes += len(page) - len(records)
        told(sent.records.total() + sent.without_bytes)
    return sent


def _records(letters: Iterable[Letter]) -> Iterator[Record]:
    now_ms = time.time_ns() // 1_000_000
    for letter in letters:
        if letter.value is not None:
            own = tuple((name, value) for name, value in letter.headers if name != ORIGIN)
            headers = (*own, (ORIGIN, str(letter.place).encode()))
            yield Record(letter.place.topic, letter.key, letter.value, now_ms, headers)
