"""Measurements of one block say so in a header: from another block on, all of it has been sent."""

from collections.abc import Sequence

HEADER = "block"


def of_block(number: int) -> dict[str, bytes]:
    """Return the headers of measurements of a block; its number is greater than that of any before."""
    return {HEADER: b"%d" % number}


def block_of(headers: Sequence[tuple[str, bytes]], sent_ms: int) -> int:
    """Return the number of the block; where a record has none, it is one by itself, by the time when it was sent."""
    number = dict(headers).get(HEADER, b"")
    return int(number) if number.isdigit() else sent_ms * 1_000_000
