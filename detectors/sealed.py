"""Detector state goes out signed, and comes back only when the signature is ours: it is a pickle, which can run code.

Layout: version (1 byte) · HMAC-SHA256 (32 bytes) over version, context and payload (RFC 2104) · payload.
"""

import hmac
import pickle

VERSION = 1
_MAC = 32
_KEY = 32


class StateRefused(Exception):
    """State that must not be loaded; the message says why, and what to do."""


# What reading a state raises that has other parts than this Sluice's: damaged before it was signed, of another build.
NO_STATE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    pickle.UnpicklingError,
)


def is_panic(error: BaseException) -> bool:
    """Return whether Rust code panicked, as River's does over a state that is cut short: PyO3 raises what is no
    Exception, of a class that cannot be imported."""
    return type(error).__module__ == "pyo3_runtime"


def seal(payload: bytes, key: bytes, context: str) -> bytes:
    """Sign `payload` as the state of `context` (a segment's name): elsewhere it will be refused.

    Raises ValueError for a key shorter than 32 bytes.

    >>> unseal(seal(b"state", b"k" * 32, context="chat"), b"k" * 32, context="chat")
    b'state'
    """
    return bytes([VERSION]) + _mac(payload, key, context) + payload


def unseal(sealed: bytes, key: bytes, context: str) -> bytes:
    """Return what was sealed. Raises StateRefused unless it was sealed whole, with this key, for this context."""
    if len(sealed) < 1 + _MAC:
        raise StateRefused(f"State of {len(sealed)} bytes is truncated: nothing to repair, the segment learns anew.")
    if sealed[0] != VERSION:
        raise StateRefused(
            f"State is sealed in version {sealed[0]}, this Sluice reads {VERSION}: run one version on all workers."
        )
    payload = sealed[1 + _MAC :]
    if not hmac.compare_digest(sealed[1 : 1 + _MAC], _mac(payload, key, context)):
        raise StateRefused(
            f"The signature of the state of {context!r} is wrong: give all workers of the group the same state key; "
            "if they have it, the state was damaged, moved or forged."
        )
    return payload


def _mac(payload: bytes, key: bytes, context: str) -> bytes:
    if len(key) < _KEY:
        raise ValueError(f"The state key has {len(key)} bytes, it takes {_KEY} or more, random ones.")
    name = context.encode()
    # The length keeps context and payload apart: no other pair gives the same message.
    return hmac.digest(key, bytes([VERSION]) + len(name).to_bytes(8, "big") + name + payload, "sha256")
