"""Features of any text come out, the same in every process, and say of a text what a reader would."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.text_features import STYLE, features
from detectors.text_scan import scan
from detectors.text_words import GRAMS


def level(text: str, name: str) -> float:
    return float(features([text])[0][0, STYLE.index(name)])


@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=5))
@settings(max_examples=200, deadline=None)
def test_any_text_has_features_that_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    style, grams = features(texts)
    assert style.shape == (len(texts), len(STYLE))
    assert grams.shape == (len(texts), GRAMS)
    assert ((style >= 0) & (style <= 255) & (style == np.rint(style))).all()
    alone = [features([text]) for text in texts]
    assert all((each[0] == style[at]).all() and (each[1] == grams[at]).all() for at, each in enumerate(alone))


@pytest.mark.parametrize("text", ["", "\ud800\udc00\udfff", "\x00" * 50, "a" * 1_000_000, "\n" * 5_000, "。" * 9_000])
def test_hostile_texts_do_no_harm(text: str) -> None:
    style, grams = features(["before", text, "after"])
    assert (style[[0, 2]] == features(["before", "after"])[0]).all()
    assert grams[[0, 2]].sum() == 2


def test_words_and_lines_are_found_where_they_are() -> None:
    found = scan(["Ab, don't\n\n  x1", "你好 ok"])
    words = [
        (int(text), int(end - start))
        for text, start, end in zip(found.word_text, found.word_start, found.word_end, strict=True)
    ]
    assert words == [(0, 2), (0, 3), (0, 1), (0, 2), (1, 1), (1, 1), (1, 2)]
    assert (found.line_end - found.line_first).tolist() == [9, 0, 2, 5]
    assert found.line_text.tolist() == [0, 0, 0, 1]


def test_a_word_has_one_hash_wherever_it_stands() -> None:
    found = scan(["Stream, stream", "of the STREAM", "maerts"])
    streams = found.word_hash[[0, 1, 4]]
    assert len(set(streams.tolist())) == 1
    assert found.word_hash[5] != streams[0]


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("length", "word " * 50, "word " * 10),
        ("bullets", "- one\n- two", "one\ntwo"),
        ("numbered items", "1. one\n2. two", "one two"),
        ("headings", "# One\ntext", "One\ntext"),
        ("code blocks", "```\nx\n```", "x"),
        ("question marks", "Why? How\uff1f", "Why."),
        ("contractions", "I don't and can\u2019t", "I do not and can not"),
        ("Chinese and Japanese", "今天天气很好", "fine weather today"),
        ("ends in a question", "Is it\uff1f \n", "It is."),
        ("begins with a small letter", "why", "Why"),
        ("words: first person", "I think my dog likes me", "A dog likes bones"),
        ("words: first person", "我想去", "天气好"),
        ("words in -ing", "running jumping", "run jump"),
        ("distinct words", "all of them differ", "same same same same"),
    ],
)
def test_a_feature_says_what_its_name_says(name: str, more: str, less: str) -> None:
    assert level(more, name) > level(less, name)


def test_a_long_text_is_judged_by_its_beginning_and_end() -> None:
    middle = features(["b" * 3_000 + " secret " * 500 + "e" * 1_000, "b" * 3_000 + " hidden " * 500 + "e" * 1_000])
    assert (middle[0][0] == middle[0][1]).all()
    assert (middle[1][0] == middle[1][1]).all()


def test_another_process_finds_the_same() -> None:
    text = "Here's a *list*:\n- naïve 世界\n- Straße?"
    code = "from detectors.text_features import features as f; s, g = f([%r]); print(s.sum(), g.nonzero()[1].tolist())"
    style, grams = features([text])
    told = subprocess.run(
        [sys.executable, "-c", code % text], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert told == f"{style.sum()} {grams.nonzero()[1].tolist()}"
    assert grams.nonzero()[1].tolist() == [
        40,
        57,
        893,
        954,
    ]  # the numbers themselves may never change while VERSION stays
