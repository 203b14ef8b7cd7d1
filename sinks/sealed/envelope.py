"""Content is sealed under a data key with AES-256-GCM, and data keys are wrapped under one key of the settings.

A value is: a byte of version, 16 of the data key's id, 12 of nonce, then ciphertext and tag (NIST SP 800-38D). It is
bound to its place (column and row), so that a value which is moved does not open. The nonce is an HMAC of place and
content under a key of its own, in the manner of SIV (RFC 5297): the same content at the same place is the same bytes
however often it is delivered, and two contents share a nonce no more often than if it were drawn.
"""

import hmac
import threading
from dataclasses import dataclass
from functools import cached_property
from secrets import token_bytes

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
ID, NONCE, KEY = 16, 12, 32  # bytes
_HEAD = len(VERSION) + ID


class _Zstd(threading.local):
    """A compressor and its opposite for each thread: to make them takes ten times what they take."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=1).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


_zstd = _Zstd()


class Tampered(Exception):
    """A sealed value is not what was sealed, or not at its place."""


@dataclass(frozen=True)
class DataKey:
    """The key of one user, or of all who have no name on one day."""

    key_id: bytes
    secret: bytes

    @classmethod
    def fresh(cls) -> "DataKey":
        return cls(token_bytes(ID), token_bytes(KEY))

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(_derived(self.secret, b"seal"))

    @cached_property
    def _nonces(self) -> bytes:
        return _derived(self.secret, b"nonce")

    def seal(self, content: bytes, place: str) -> bytes:
        """Return content as a value for a place, and nowhere else."""
        head = VERSION + self.key_id
        bound = _bound(head, place)
        packed = _zstd.pack(content)
        nonce = hmac.digest(self._nonces, bound + packed, "sha256")[:NONCE]
        return head + nonce + self._cipher.encrypt(nonce, packed, bound)

    def open(self, value: bytes, place: str) -> bytes:
        """Return what was sealed. Raises Tampered."""
        nonce, sealed = value[_HEAD : _HEAD + NONCE], value[_HEAD + NONCE :]
        try:
            packed = self._cipher.decrypt(nonce, sealed, _bound(value[:_HEAD], place))
            return _zstd.unpack(packed)
        except (InvalidTag, ValueError, zstandard.ZstdError):
            raise Tampered(f"{place}: a sealed value is not what was sealed, or was moved there.") from None


class Kek:
    """The key-encryption key, made of a secret of the settings: it wraps data keys, and never seals content."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._cipher = AESGCM(_derived(self._secret, b"wrap"))
        self.name = _derived(self._secret, b"name")[:4].hex()
        self._prompts = _derived(self._secret, b"prompts")

    def wrap(self, key: DataKey, owner: str) -> bytes:
        """Return a data key for the table of keys, bound to its owner."""
        nonce = token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, key.secret, _bound(key.key_id, owner))

    def unwrap(self, key_id: bytes, wrapped: bytes, owner: str) -> DataKey:
        """Return a data key. Raises Tampered."""
        try:
            secret = self._cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], _bound(key_id, owner))
        except (InvalidTag, ValueError):
            raise Tampered(f"content_keys: the key of {owner} is not what was wrapped.") from None
        return DataKey(key_id, secret)

    def prompt_hash(self, prompt: bytes) -> int:
        """Return 64 bits that are the same for equal prompts, and by which nobody without the key can guess one."""
        return int.from_bytes(hmac.digest(self._prompts, prompt, "sha256")[:8])


def key_id(value: bytes) -> bytes:
    """Return the id of the data key that opens a value. Raises Tampered where it is no sealed value."""
    if value[:1] != VERSION or len(value) < _HEAD + NONCE:
        raise Tampered("A sealed value is of another version, or cut: upgrade this Sluice, or restore the table.")
    return value[1:_HEAD]


def _bound(head: bytes, place: str) -> bytes:
    return head + place.encode("utf-8", "surrogatepass")


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY, salt=None, info=b"sluice content " + purpose).derive(secret)
