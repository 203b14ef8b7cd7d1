"""Dialogues of nothing but texts are gathered by a shorter way, which finds what the long one does."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.redaction.structures import _FORM, gather, gather_plain

WORDS = st.sampled_from(["text", "user", "assistant", "stop", "password", "it is 5 o'clock", ""])
PART = st.one_of(
    st.fixed_dictionaries({"type": WORDS, "content": st.one_of(WORDS, st.none(), st.lists(WORDS, max_size=1))}),
    st.fixed_dictionaries({"type": st.just("text"), "content": WORDS}),
    st.fixed_dictionaries({"type": st.just("text"), "content": WORDS, "token": WORDS}),
    st.fixed_dictionaries({"content": WORDS, "type": st.just("text")}),
    WORDS,
)
PARTS = st.one_of(st.lists(PART, max_size=3), WORDS)
MESSAGE = st.one_of(
    st.fixed_dictionaries({"role": st.one_of(WORDS, st.lists(WORDS, max_size=1)), "parts": PARTS}),
    st.fixed_dictionaries({"role": WORDS, "parts": PARTS, "finish_reason": st.one_of(WORDS, st.none())}),
    st.fixed_dictionaries({"role": WORDS, "parts": PARTS, "password": WORDS}),
    WORDS,
)
CONTENT = st.one_of(st.lists(MESSAGE, max_size=3), MESSAGE, WORDS)
HELD = st.dictionaries(st.sampled_from(["input_messages", "output", "error_message"]), CONTENT, max_size=2)


@given(HELD)
def test_what_is_gathered_the_short_way_is_what_the_long_one_gathers(held: dict[str, Any]) -> None:
    short, long = ["before"], ["before"]
    if gather_plain(held, short):
        assert gather(held, long), "no key there names a credential"
        # The words of every dialogue, which hold nothing, may be among what somebody said.
        assert sorted(text for text in short if text not in _FORM) == sorted(long)
    else:
        assert short == ["before"], "the long way begins where it was"


def test_the_usual_dialogue_takes_the_short_way() -> None:
    parts = [{"type": "text", "content": "Write to ann@example.com"}]
    texts: list[str] = []
    asked = [{"role": "system", "parts": []}, {"role": "user", "parts": parts}]
    assert gather_plain({"input_messages": asked}, texts)
    assert gather_plain({"output_messages": [{"role": "assistant", "parts": parts, "finish_reason": "stop"}]}, texts)
    assert texts == ["Write to ann@example.com"] * 2
