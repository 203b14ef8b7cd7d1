"""Dead letters that mention what is to be erased, anywhere in their bytes, are found by its names and deleted whole."""

import json
from collections.abc import Iterator, Sequence

import re2
from clickhouse_connect.driver.client import Client

from sinks.review.erasure.tables import WAIT

# Patterns and keys travel in the address of a request, whose length proxies limit, many to 8 KB.
CHARACTERS = 3000
KEYS = 100

_MENTION = """
SELECT DISTINCT topic, partition, offset, item FROM dead_letters
WHERE match(concat(ifNull(key, ''), '\\n', ifNull(value, ''), '\\n', toString(headers)), {pattern:String})
"""
_DELETE = """
ALTER TABLE dead_letters DELETE
WHERE (topic::String, partition, offset, item) IN {keys:Array(Tuple(String, Int32, Int64, UInt32))}
"""
Key = tuple[str, int, int, int]


class DeadLetters:
    """The dead letters, which hold records as they came: with people's own ids, and whatever else.

    A letter goes when one of the names stands in it apart, that is, not inside a longer word: a user called 42 takes
    with them what says 42, and not what says 1427.

    Args:
        client: a connection.
        names: what to look for, of people and inferences.
    """

    name = "dead_letters (rows)"

    def __init__(self, client: Client, names: Sequence[str]) -> None:
        self._client, self._names = client, names

    def count(self) -> int:
        return len(self._keys())

    def erase(self) -> None:
        # By place, not by name: finished mutations keep their text, and a raw id is not to stay there.
        keys = self._keys()
        for start in range(0, len(keys), KEYS):
            self._client.command(_DELETE, {"keys": keys[start : start + KEYS]}, settings=WAIT)

    def _keys(self) -> list[Key]:
        found: set[Key] = set()
        for pattern in patterns(self._names):
            found |= {tuple(row) for row in self._client.query(_MENTION, {"pattern": pattern}).result_rows}
        return sorted(found)


def patterns(names: Sequence[str]) -> Iterator[str]:
    """Give regular expressions that find any of some names, as they are or as JSON, or CSV, writes them."""
    written = dict.fromkeys(form for name in names for form in _written(name) if form)
    chunk: list[str] = []
    for escaped in map(re2.escape, written):
        if chunk and sum(map(len, chunk)) + len(escaped) > CHARACTERS:
            yield _any(chunk)
            chunk = []
        chunk.append(escaped)
    if chunk:
        yield _any(chunk)


def _written(name: str) -> tuple[str, ...]:
    as_json = (json.dumps(name, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False))
    return (name, *as_json, name.replace('"', '""'))


def _any(escaped: Sequence[str]) -> str:
    return rf"(?:^|[^0-9A-Za-z_])(?:{'|'.join(escaped)})(?:[^0-9A-Za-z_]|$)"
