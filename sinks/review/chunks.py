"""Ids go in; out come lists of them that fit into a parameter of a request each, in order."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote_plus

# Of a parameter. What is too long for an address clickhouse-connect sends as a form; ClickHouse takes 128 KiB a field
# (http_max_field_value_size).
CHARACTERS = 100_000


def chunks(names: Sequence[str], most: int) -> Iterator[list[str]]:
    """Split names, in order, into lists of at most `most` that fit into a parameter; one name always does."""
    chunk: list[str] = []
    characters = 0
    for name in names:
        size = len(quote_plus(f"'{name}',"))
        if chunk and (len(chunk) == most or characters + size > CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(name)
        characters += size
    if chunk:
        yield chunk
