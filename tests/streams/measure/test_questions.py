"""Requests give rows of their own: features of what models of tables are given, and what people ask."""

import pytest

from streams.measure import Questions, Segments
from streams.measure.questions import question
from tests.streams.measure.made import request

TABULAR = {"gen_ai.operation.name": "predict", "gen_ai.request.model": "flowers", "gen_ai.input.messages": None}
ASKED = {"gen_ai.request.model": "small"}


def questions(share: float = 1.0) -> Questions:
    return Questions(Segments(10), share)


def test_features_are_a_row_at_the_place_and_time_of_the_request() -> None:
    row = questions(share=0.0).read(request(input=[[5.1, "red"]], **TABULAR), 7, 9, "redacted")
    assert row is not None
    assert (row.segment, row.source, row.position, row.inference_id) == ("-|-|flowers|-", 7, 9, "i1")
    assert row.said == {"feature.0": 5.1, "feature.1": "red"}
    assert row.text is None


def test_a_questions_text_is_one_of_the_sample_or_there_is_no_row() -> None:
    row = questions().read(request(**ASKED), 7, 9, "redacted")
    assert row is not None
    assert (row.text, row.said) == ("How deep is the sea?", {})
    assert questions(share=0.0).read(request(**ASKED), 7, 9, "redacted") is None


@pytest.mark.parametrize(
    "change",
    [
        ASKED | {"gen_ai.input.messages": None},
        ASKED | {"gen_ai.input.messages": []},
        ASKED | {"gen_ai.input.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]}]},
        ASKED | {"gen_ai.operation.name": "embeddings", "input": ["a", "b"], "gen_ai.input.messages": None},
        TABULAR | {"input": [[[0, 1], [1, 0]]]},
        TABULAR | {"input": [[1.0]], "gen_ai.request.model": None},
    ],
)
def test_where_nothing_is_watched_there_is_no_row(change: dict[str, object]) -> None:
    assert questions().read(request(**change), 7, 9, "redacted") is None


def test_what_is_asked_is_the_text_of_the_last_message_of_a_user() -> None:
    said = [("user", "First?"), ("assistant", "Yes."), ("user", "And then?"), ("assistant", "Well")]
    messages = [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said]
    asked = request(**{"gen_ai.input.messages": messages})
    assert question(asked.input_messages or []) == "And then?"
