"""Topics, offsets and items become numbers that say where an event came from and what came before it."""

import hashlib

ITEMS = 2**20  # events that a record can hold and still be told apart


def source_of(topic: str, partition: int) -> int:
    """Number a partition of a topic, the same in every worker and for ever."""
    digest = hashlib.blake2b(topic.encode(), digest_size=6).digest()
    return (int.from_bytes(digest) >> 1) << 16 | partition


def position_of(offset: int, item: int) -> int:
    """Place an event within its partition: by its record, then within that; what is beyond ITEMS is lumped together."""
    return offset * ITEMS + (item if item < ITEMS else ITEMS - 1)
