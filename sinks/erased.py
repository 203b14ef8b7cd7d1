"""What was erased is read from ClickHouse as hashes, by which events of it are known when they come again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import xxhash
from clickhouse_connect.driver.client import Client

_AS_OF = "SELECT count(), toUnixTimestamp64Nano(max(before)) FROM erased"
_QUICK = "SELECT DISTINCT quick FROM erased WHERE kind != 'user' AND quick != 0"
_USERS = "SELECT hash, toUnixTimestamp64Nano(max(before)) FROM erased WHERE kind = 'user' GROUP BY hash"


def hashed(salt: str, name: str) -> str:
    """Return the salted SHA-256 of a name, in hex: in ClickHouse `lower(hex(SHA256(concat(salt, name))))`."""
    return sha256(salt.encode() + name.encode("utf-8", "surrogatepass")).hexdigest()


def seed(salt: str) -> int:
    """Return the seed of `quick`: the first 64 bits of the salt of erasures, in hex."""
    return int(salt[:16], 16)


def quick(names: Iterable[str], seed: int) -> list[int]:
    """Return 64 bits of each of some ids or aliases of inferences.

    Where a million were erased, one in 10^13 others is taken for one. It is no cryptographic hash: who has such a hash
    and an id learns whether that was erased, as its missing row tells anyway. So users are not hashed like this.
    """
    hash64 = xxhash.xxh3_64_intdigest
    return [hash64(name.encode(), seed) for name in names]


@dataclass(frozen=True)
class Hashes:
    """Of all that was erased: `quick` of inferences and aliases, about 80 bytes each; of users, the salted SHA-256 of
    their pseudonyms with the time, nanoseconds since 1970, before which what they did is erased. `as_of` says of which
    state of the table."""

    as_of: tuple[int, int] = (0, 0)
    quick: frozenset[int] = frozenset()
    users: Mapping[str, int] | None = None


def read(client: Client, known: Hashes) -> Hashes:
    """Return what was erased; `known` itself where nothing has been since."""
    ((count, before),) = client.query(_AS_OF).result_rows
    as_of = (int(count), int(before))
    if as_of == known.as_of:
        return known
    names = frozenset(int(name) for (name,) in client.query(_QUICK).result_rows)
    users = {str(user): int(until) for user, until in client.query(_USERS).result_rows}
    return Hashes(as_of, names, users)
