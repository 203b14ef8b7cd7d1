"""Whom or what an erasure is about, and the salted hashes by which it stays known when its names are gone."""

from dataclasses import dataclass
from datetime import datetime

from sinks.erased import hashed


@dataclass(frozen=True)
class Subject:
    """What a person asks to be erased; of nothing, only what came late of what was erased before.

    Args:
        users: pseudonyms, as rows have them.
        raw_users: the same people's own ids, as they may stand in dead letters; never stored.
        inferences: ids of inferences.
        at: when it is asked; of users, what happened before. Aware.
        by: whose word it is; "" where it is only looked.
        salt: from the key of pseudonyms, so that a hash says nothing to whoever has not got it.
    """

    users: tuple[str, ...]
    raw_users: tuple[str, ...]
    inferences: tuple[str, ...]
    at: datetime
    salt: str
    by: str = ""

    def hash(self, name: str) -> str:
        """Return the salted SHA-256 of a name, in hex: in ClickHouse `lower(hex(SHA256(concat(salt, name))))`."""
        return hashed(self.salt, name)
