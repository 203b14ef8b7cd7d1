"""State comes back only when it was sealed with this key for this segment; a forged pickle never runs."""

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sealed import VERSION, StateRefused, seal, unseal

KEY = bytes(range(32))


@given(payload=st.binary(max_size=200), context=st.text(max_size=40))
def test_what_was_sealed_comes_back(payload: bytes, context: str) -> None:
    assert unseal(seal(payload, KEY, context), KEY, context) == payload


@given(where=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused(where: int, flip: int) -> None:
    sealed = bytearray(seal(b"some state", KEY, "chat"))
    sealed[where % len(sealed)] ^= flip
    with pytest.raises(StateRefused):
        unseal(bytes(sealed), KEY, "chat")


@given(length=st.integers(0, 42))
def test_truncated_state_is_refused(length: int) -> None:
    with pytest.raises(StateRefused):
        unseal(seal(b"some state", KEY, "chat")[:length], KEY, "chat")


def test_a_wrong_key_is_refused_and_the_cure_is_named() -> None:
    with pytest.raises(StateRefused, match="same state key"):
        unseal(seal(b"some state", KEY, "chat"), KEY[::-1], "chat")


def test_state_of_another_segment_is_refused() -> None:
    with pytest.raises(StateRefused, match="'search'"):
        unseal(seal(b"some state", KEY, "chat"), KEY, "search")


def test_context_and_payload_cannot_trade_bytes() -> None:
    sealed = seal(b"b" + b"state", KEY, "a")
    with pytest.raises(StateRefused):
        unseal(sealed[:33] + b"state", KEY, "ab")


def test_another_version_is_refused_and_the_cure_is_named() -> None:
    sealed = bytes([VERSION + 1]) + seal(b"some state", KEY, "chat")[1:]
    with pytest.raises(StateRefused, match="one version on all workers"):
        unseal(sealed, KEY, "chat")


@pytest.mark.parametrize("key", [b"", b"short", KEY[:31]])
def test_a_short_key_signs_nothing(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 or more"):
        seal(b"some state", key, "chat")


class Forged:
    """A pickle that makes a directory when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_a_forged_pickle_never_runs(tmp_path: Path) -> None:
    forged = pickle.dumps(Forged(tmp_path / "ran"))
    for sealed in (forged, seal(forged, KEY[::-1], "chat"), bytes([VERSION]) + bytes(32) + forged):
        with pytest.raises(StateRefused):
            pickle.loads(unseal(sealed, KEY, "chat"))  # noqa: S301  # that it is not reached is the test
    assert not (tmp_path / "ran").exists()
    pickle.loads(forged)  # noqa: S301  # it would have run
    assert (tmp_path / "ran").exists()
