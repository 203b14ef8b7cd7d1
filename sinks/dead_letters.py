"""Dead letters are read back: counted by reason, listed, one of them whole, and marked when they were sent again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from clickhouse_connect.driver.client import Client

ORIGIN = "sluice-replay-of"  # header of a record that was sent again: the place of its letter
PAGE = 100  # letters read at once; each may be as large as a record

State = Literal["waiting", "replayed", "failed again"]

_STATE = f"""multiIf(
    (letter.topic, letter.partition, letter.offset, letter.item) IN
        (SELECT topic, partition, offset, item FROM dead_letter_replays), 'replayed',
    arrayExists(header -> header.1 = '{ORIGIN}', letter.headers), 'failed again',
    'waiting')"""  # noqa: S608  # our own text, never a value
_WANTED = """
    ({reason:String} = '' OR reason = {reason:String}) AND ({topic:String} = '' OR topic = {topic:String})
    AND set_aside_at >= {since:DateTime} AND set_aside_at < {until:DateTime}
"""
_COUNTS = f"""
SELECT topic, reason, {_STATE} AS state, count(), min(set_aside_at), max(set_aside_at), argMax(detail, set_aside_at)
FROM dead_letters AS letter FINAL
WHERE {_WANTED}
GROUP BY topic, reason, state
ORDER BY topic, reason, state
"""  # noqa: S608  # our own text, never a value
# As hex: a letter's bytes need not be UTF-8, which the client takes strings for.
_LETTERS = f"""
SELECT topic, partition, offset, item, set_aside_at, reason, detail, {_STATE} AS state,
       isNull(key), hex(ifNull(key, '')), isNull(value), hex(ifNull(value, '')),
       arrayMap(header -> (header.1, isNull(header.2), hex(ifNull(header.2, ''))), headers)
FROM dead_letters AS letter FINAL
WHERE {{where}}
ORDER BY topic, partition, offset, item
LIMIT {{limit:UInt32}}
"""  # noqa: S608  # our own text, never a value
_PAGE = f"""{_WANTED} AND state IN {{states:Array(String)}}
    AND (topic::String, partition, offset, item) > {{after:Tuple(String, Int32, Int64, UInt32)}}"""
_OF_RECORD = "topic = {topic:String} AND partition = {partition:Int32} AND offset = {offset:Int64}"
_ONE = f"{_OF_RECORD} AND item >= {{item:UInt32}}"
_BEFORE = f"{_OF_RECORD} AND item < {{item:UInt32}} AND value IS NOT NULL"


class NoSuchLetter(Exception):
    """No dead letter lies at this place; the message names the cure."""


class Place(NamedTuple):
    """Where a letter's record lay, and which item of it this was."""

    topic: str
    partition: int
    offset: int
    item: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}/{self.item}"

    @classmethod
    def of(cls, text: str) -> "Place":
        """Read TOPIC/PARTITION/OFFSET[/ITEM]. Raises NoSuchLetter."""
        topic, *numbers = text.split("/")
        try:
            partition, offset, item = [*map(int, numbers), 0][:3] if len(numbers) < 4 else []
        except ValueError:
            raise NoSuchLetter(f"{text!r:.120} names no place: give TOPIC/PARTITION/OFFSET[/ITEM].") from None
        return cls(topic, partition, offset, item)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant: by reason, full name of the topic, and time of setting aside; empty means any."""

    reason: str = ""
    topic: str = ""
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    until: datetime = datetime(2106, 1, 1, tzinfo=UTC)

    def parameters(self) -> dict[str, Any]:
        return {"reason": self.reason, "topic": self.topic, "since": self.since, "until": self.until}


@dataclass(frozen=True, slots=True)
class Count:
    """How many letters of a topic have a reason and a state, when they were set aside, and what the last one said."""

    topic: str
    reason: str
    state: State
    letters: int
    first: datetime
    last: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with its bytes; `value` is None where another item of the record has them."""

    place: Place
    set_aside_at: datetime
    reason: str
    detail: str
    state: State
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def counts(client: Client, wanted: Wanted) -> list[Count]:
    """Count what is meant, by topic, reason and state."""
    return [Count(*row) for row in client.query(_COUNTS, wanted.parameters()).result_rows]


def letters(client: Client, wanted: Wanted, states: Sequence[State]) -> Iterator[Letter]:
    """Give what is meant in order of place, read a page at a time."""
    last = Place("", -1, -1, 0)
    while page := _read(client, _PAGE, PAGE, wanted.parameters() | {"states": list(states), "after": tuple(last)}):
        yield from page
        last = page[-1].place


def one(client: Client, place: Place) -> Letter:
    """Return the letter at a place, or the record's first one after it. Raises NoSuchLetter."""
    found = _read(client, _ONE, 1, place._asdict())
    if not found:
        said = f"{str(place)!r:.120}"
        raise NoSuchLetter(f"No dead letter lies at {said}; `sluice dead-letters list` names those that there are.")
    return found[0]


def before(client: Client, place: Place) -> list[Letter]:
    """Return the letters with bytes before one of their record, the first 200, among which are the record's own."""
    return _read(client, _BEFORE, 2 * PAGE, place._asdict())


def mark(client: Client, places: Sequence[Place]) -> None:
    """Write down that letters were sent again."""
    client.insert("dead_letter_replays", [list(place) for place in places], column_names=list(Place._fields))


def _read(client: Client, where: str, limit: int, parameters: dict[str, Any]) -> list[Letter]:
    rows = client.query(_LETTERS.replace("{where}", where), parameters | {"limit": limit}).result_rows
    return [_letter(row) for row in rows]


def _letter(row: Sequence[Any]) -> Letter:
    place, (set_aside_at, reason, detail, state) = Place(*row[:4]), row[4:8]
    no_key, key, no_value, value, headers = row[8:]
    return Letter(
        place,
        set_aside_at,
        reason,
        detail,
        state,
        None if no_key else bytes.fromhex(key),
        None if no_value else bytes.fromhex(value),
        tuple((name, None if none else bytes.fromhex(held)) for name, none, held in headers),
    )
