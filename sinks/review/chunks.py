"""Ids go in; out come lists of them that fit into the address of a request each, in order."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote_plus

CHARACTERS = 4000  # of an address: proxies limit it, many to 8 KB


def chunks(names: Sequence[str], most: int) -> Iterator[list[str]]:
    """Split names, in order, into lists of at most `most` that fit into an address; one name always does."""
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
