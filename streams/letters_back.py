"""Dead letters become records again: each goes once to the topic it came from, with a header that says what it is."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice

from clickhouse_connect.driver.client import Client

from sinks.dead_letters import ORIGIN, PAGE, Letter, before, mark
from streams.kafka import Connection
from streams.produce import Record, produce


class LettersRefused(Exception):
    """Kafka takes some of the records no longer; the message names the cure."""


@dataclass(slots=True)
class Sent:
    """How many letters went back, by topic, and how many have no bytes of their own: an earlier one has them."""

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
    sent, walk = Sent(), _borne(client, letters)
    while page := list(islice(walk, PAGE)):
        going = [each for _, needed in page for each in needed]
        without = [letter for letter, _ in page if letter.value is None]
        records = list(_records(going))
        produced = asyncio.run(produce(records, kafka))
        if produced.refused:
            raise LettersRefused(
                f"Kafka takes {produced.refused.total()} of these records no longer, first of {min(produced.refused)}: "
                "raise its max.message.bytes, then replay again. What was taken may come twice, and counts once."
            )
        mark(client, [each.place for each in (*going, *without)])
        sent.records += produced.confirmed
        sent.without_bytes += len(without)
        told(sent.records.total() + sent.without_bytes)
    return sent


def _borne(client: Client, letters: Iterable[Letter]) -> Iterator[tuple[Letter, list[Letter]]]:
    """Give each letter with those that must go for it: itself, or, for the first of a record that has no bytes, those
    before it of which one has the record's, also where they are not meant."""
    for _, of_record in groupby(letters, key=lambda letter: letter.place[:3]):
        gone, whole = set[int](), False
        for letter in of_record:
            if letter.value is not None:
                needed = [letter]
            else:
                earlier = [] if whole else before(client, letter.place)
                needed, whole = [each for each in earlier if each.place.item not in gone], True
            yield letter, needed
            gone.update(each.place.item for each in needed)


def _records(letters: Iterable[Letter]) -> Iterator[Record]:
    now_ms = time.time_ns() // 1_000_000
    for letter in letters:
        if letter.value is not None:
            own = tuple((name, value) for name, value in letter.headers if name != ORIGIN)
            headers = (*own, (ORIGIN, str(letter.place).encode()))
            yield Record(letter.place.topic, letter.key, letter.value, now_ms, headers)
