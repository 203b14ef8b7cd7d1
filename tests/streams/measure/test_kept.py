"""What must not be stored is not told by a measurement either: words of content keep to their source's policy."""

import pytest

from streams.measure import Questions, Segments, read, told
from streams.measure.kept import kept
from streams.sources import Content
from tests.streams.measure.made import request, response, said

PRIVATE = ("alice@example.com", "+4915112345678", "4111111111111111", "192.168.17.4", "sk-proj-abcdefghijklmnop1234")


@pytest.mark.parametrize("word", PRIVATE)
def test_what_redaction_takes_out_names_no_class(word: str) -> None:
    assert kept(word, "redacted") is None
    answers = [said(word), response(output=[word], **{"gen_ai.operation.name": "predict"})]
    assert [told(read(answer, None), "redacted").predicted_class for answer in answers] == [None, None]


@pytest.mark.parametrize(
    ("content", "expected"), [("full", "spam"), ("redacted", "spam"), ("hashed", None), ("none", None)]
)
def test_a_class_is_told_where_content_may_be_kept(content: Content, expected: str | None) -> None:
    assert told(read(said("spam"), None), content).predicted_class == expected
    assert told(read(said("spam"), None), content).chars == 4, "numbers are watched whatever may be kept"


def test_features_that_are_words_keep_to_the_policy_and_numbers_are_told() -> None:
    given = [{"age": 41, "colour": "red", "mail": PRIVATE[0]}]
    asked = request(
        input=given,
        **{"gen_ai.operation.name": "predict", "gen_ai.request.model": "flowers", "gen_ai.input.messages": None},
    )
    rows = {content: Questions(Segments(10), 0.0).read(asked, 7, 9, content) for content in ("redacted", "none")}
    told_of = {content: row.said for content, row in rows.items() if row}
    assert told_of == {"redacted": {"feature.age": 41.0, "feature.colour": "red"}, "none": {"feature.age": 41.0}}
