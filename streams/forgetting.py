"""What is to be forgotten goes to the detectors as digests, among the measurements of each segment that may hold it.

The message carries no name: a worker takes the digest of each name that it holds, and forgets those that are meant. It
may be delivered twice, for what is forgotten is not there the second time.
"""

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

import msgpack

from detectors.base import Gone
from streams.gateways.base import InvalidEvent
from streams.settings import Settings

VERSION = 1
DIGEST = 8  # bytes: a wrong name is forgotten once in 10^13 comparisons, and only as an example
DIGESTS = 20_000  # in one message
_MARK = msgpack.packb({"forget": None})[:-1]


@dataclass(frozen=True, slots=True)
class Forget:
    """Digests of inferences and of users, as `digest` makes them."""

    digests: frozenset[bytes]

    def gone(self, salt: str) -> Gone:
        """Return whether a name is meant."""
        return lambda name: digest(salt, name) in self.digests


def salt(settings: Settings) -> str:
    """Return the salt of everything that is erased: without the key of pseudonyms a digest says nothing."""
    return hmac.digest(settings.pseudonyms, b"sluice erasures", "sha256").hex()


def digest(salt: str, name: str) -> bytes:
    """Return the first bytes of the salted SHA-256, of which `erased` in ClickHouse keeps all."""
    return sha256(salt.encode() + name.encode("utf-8", "surrogatepass")).digest()[:DIGEST]


def packed(digests: Iterable[bytes]) -> Iterator[bytes]:
    """Give the messages that have these forgotten."""
    ordered = sorted(digests)
    for start in range(0, len(ordered), DIGESTS):
        said = {"version": VERSION, "digests": b"".join(ordered[start : start + DIGESTS])}
        yield bytes(msgpack.packb({"forget": said}))


def is_forget(value: bytes | None) -> bool:
    """Whether a message of the topic of measurements is one of these, by how it begins."""
    return value is not None and value.startswith(_MARK)


def unpack(value: bytes | None) -> Forget:
    """Read what `packed` wrote. Raises InvalidEvent."""
    try:
        read = msgpack.unpackb(value)["forget"]
        if type(read["version"]) is not int:
            raise TypeError("a version that is no number")
        if read["version"] != VERSION:
            newer = f"A wish to forget of version {read['version']}, this Sluice reads {VERSION}: upgrade all workers."
            raise InvalidEvent("unsupported_schema_version", newer)
        digests = read["digests"]
        if not isinstance(digests, bytes) or len(digests) % DIGEST:
            raise TypeError("digests of another length")
    except (ValueError, KeyError, TypeError, msgpack.UnpackException) as wrong:
        said = f"Not a wish to forget ({type(wrong).__name__}): who else writes here?"
        raise InvalidEvent("wrong_shape", said) from None
    return Forget(frozenset(digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)))
