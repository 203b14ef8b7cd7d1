"""A wish to forget names nobody, is read as it was sent, and reaches every name that a segment's detectors hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgpack import packb

from detectors.budget import Budget
from streams.commands import Command, is_command, pack
from streams.detect import Watch
from streams.forgetting import DIGESTS, Forget, digest, is_forget, packed, unpack
from streams.gateways.base import InvalidEvent
from streams.usage import is_usage
from tests.detectors.traffic import after, answers, measured, piece
from tests.detectors.used import block, calls, usual

SALT = "5a17"


def wish(*names: str) -> Forget:
    (message,) = packed(digest(SALT, name) for name in names)
    return unpack(message)


@given(st.sets(st.binary(min_size=8, max_size=8)))
def test_what_is_packed_is_read_again(digests: set[bytes]) -> None:
    messages = list(packed(digests))
    assert all(map(is_forget, messages))
    assert {each for message in messages for each in unpack(message).digests} == digests


def test_many_go_in_several_messages_and_none_names_anybody() -> None:
    names = [f"call-{n:06}" for n in range(2 * DIGESTS + 1)]
    messages = list(packed(digest(SALT, name) for name in names))
    assert len(messages) == 3
    assert max(map(len, messages)) < 200_000
    assert not any(b"call-" in message for message in messages)


@given(st.none() | st.binary() | st.dictionaries(st.text(), st.integers(0, 9), min_size=2).map(packb))
def test_what_is_no_wish_is_refused(value: bytes | None) -> None:
    assert not is_forget(value)
    with pytest.raises(InvalidEvent, match="wrong_shape: Not a wish to forget"):
        unpack(value)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"version": 1}, {"version": 1, "digests": "x" * 8}, {"version": 1, "digests": b"x"}],
)
def test_a_wish_that_nobody_could_have_sent_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidEvent, match="wrong_shape"):
        unpack(packb({"forget": wrong}))


def test_a_newer_wish_says_so_and_neither_is_the_others_message() -> None:
    with pytest.raises(InvalidEvent, match="upgrade all workers"):
        unpack(packb({"forget": {"version": 2}}))
    assert not is_command(packb({"forget": None}))
    assert not is_forget(pack(Command("pin", "error", "ann", "", 1_790_000_000_000_000_000)))


def test_a_worker_forgets_by_digest_and_keeps_it_so() -> None:
    sealed: dict[bytes, bytes] = {}
    watch = Watch(sealed, b"k" * 32, Budget(10, 10.0), lambda: None, SALT)
    whole = measured(after(answers(1000, seed=1), answers(300, seed=2, slower=3.0)))
    watch.take("chat|-|-|-", piece(whole, 0, 1300), 0, 0, now=0.0, block=0)
    at = 72 + np.sort(6 * np.random.default_rng(7).random(1500))
    flood = calls(np.random.default_rng(7), at, np.full(1500, 2999), 0.0)
    watch.take("users/3", block([*usual(3, days=3), flood]), 0, 0, now=0.0, block=0)
    findings = watch.release(now=1e9).findings
    chat = next(each for each in findings if not is_usage(each.segment))
    user = next(each for each in findings if is_usage(each.segment))
    for segment in ("chat|-|-|-", "users/3"):
        watch.drop(segment, wish(chat.inference_id, *chat.examples_before, user.subject, "nobody"), 0)
    sealed |= {segment.encode(): state for segment, state in watch.checkpoint()}
    kept = Watch(sealed, b"k" * 32, Budget(10, 10.0), lambda: None, SALT)
    for segment, name in (("chat|-|-|-", chat.inference_id), ("users/3", user.subject)):
        assert kept.segments.awake(segment, 0).forget(name.__eq__, lambda _: "") == 0
