"""A block is split by segment: answers, questions and feedback in order, with columns of what is known."""

import random
from typing import Any

import numpy as np
import pytest

from detectors.metrics import METRICS, SLICES
from streams.measure import ROWS, Row
from streams.measure.columns import LABELS, NUMBERS, OTHER_LABEL, WORDS
from streams.measure.texts import sampled
from tests.streams.measure.made import measured, one, response, said

TOKENS = "gen_ai.usage.output_tokens"


def labels(piece: Any, name: str) -> list[str | None]:
    words = piece.words[name]
    return [None if code < 0 else words.labels[code] for code in words.codes.tolist()]


def test_every_column_is_a_metric_or_a_slice() -> None:
    assert set(NUMBERS) <= set(METRICS)
    assert set(WORDS) <= {*METRICS, *SLICES}


def test_a_block_is_split_by_segment_in_order_without_what_is_not_watched() -> None:
    events = [
        response(inference_id="a", status="error", **{TOKENS: None}),
        response(inference_id="b"),
        response(inference_id="probe", synthetic=True),
        said(inference_id="c", status="partial", duration_s=None),
    ]
    pieces = dict(measured(events, ["x", "y", None, "x"]))
    assert list(pieces) == ["x", "y"]
    x = pieces["x"]
    assert (x.inference_id, x.position.tolist(), x.source.tolist()) == (["a", "c"], [0, 3], [0, 0])
    assert x.values["error"].tolist() == [1.0, 0.0], "an answer that broke off is not an error"
    np.testing.assert_array_equal(x.values["truncated"], [np.nan, 1.0])
    np.testing.assert_array_equal(x.values["output_chars"], [np.nan, 0.0])
    np.testing.assert_array_equal(x.values["output_tokens"], [np.nan, 12.0])
    np.testing.assert_array_equal(x.values["duration_s"], [2.0, np.nan])
    assert pieces["y"].values["tokens_per_s"].tolist() == [6.0]
    assert "tokens_per_s" not in x.values, "what is known of no row has no column"
    assert "cost_usd" not in x.values
    assert x.words == {}


def test_where_nothing_is_watched_nothing_is_measured() -> None:
    assert measured([response()], [None]) == []
    assert measured([], []) == []


def test_a_request_that_got_no_response_is_an_error() -> None:
    piece = one(response(status="timeout_no_response"))
    assert piece.values["error"].tolist() == [1.0]
    assert set(piece.values) == {"error", "duration_s", "output_tokens", "tokens_per_s"}


@pytest.mark.parametrize(
    ("change", "invalid"),
    [({"gen_ai.output.type": "json"}, [0, 1]), ({"gen_ai.output.type": "text"}, None), ({}, None)],
)
def test_json_is_checked_where_it_was_asked_for(change: dict[str, Any], invalid: list[float] | None) -> None:
    piece = one(said("{}", **change), said("Here it is: {}", **change))
    assert (piece.values["invalid_json"].tolist() if invalid else piece.values.get("invalid_json")) == invalid


def test_words_are_told_with_their_versions() -> None:
    tags = {"model_version": "7", "prompt_version": "greeting:3"}
    model = {"gen_ai.response.model": "small-2025", "gen_ai.provider.name": "p"}
    piece = one(
        said("The bill is on the way.", tags=tags, **model, **{"gen_ai.response.finish_reasons": ["stop", "length"]}),
        said({"type": "tool_call", "name": "search"}, **{"gen_ai.response.time_to_first_chunk": 0.1}),
        response(status="error"),
    )
    assert {name: labels(piece, name) for name in piece.words} == {
        "response_model": ["small-2025", None, None],
        "provider": ["p", None, None],
        "model_version": ["7", None, None],
        "prompt_version": ["greeting:3", None, None],
        "finish_reason": ["stop", None, None],
        "language": ["en", None, None],
        "tool": [None, "search", None],
        "stream": [None, "yes", None],
    }


def test_the_rarest_of_many_labels_are_one() -> None:
    calls = [said({"type": "tool_call", "name": f"tool-{n % 100}"}) for n in range(150)]
    tools = labels(one(*calls), "tool")
    assert len(set(tools)) == LABELS + 1
    assert tools.count("tool-7") == 2
    assert tools.count(OTHER_LABEL) == 150 - 50 * 2 - (LABELS - 50)


def test_rows_of_questions_and_feedback_stand_among_the_answers_in_their_places() -> None:
    events = [response(inference_id=f"r{n}") for n in range(3)]
    others = [
        Row("x", 0, 100, 7, "late", {"thumbs_down": 1.0, "feature.age": 40.0}),
        Row("y", 1, 5, 7, "elsewhere", {"incorrect": 0.0}),
        Row("x", -4, 9, 7, "first", {"feature.age": 50.0, "feature.plan": "yearly"}),
        Row("x", 0, 0, 7, "tie", {}),
    ]
    pieces = dict(measured(events, ["x"] * 3, others))
    x = pieces["x"]
    assert x.inference_id == ["first", "r0", "tie", "r1", "r2", "late"]
    assert (x.source.tolist(), x.position.tolist()) == ([-4, 0, 0, 0, 0, 0], [9, 0, 0, 1, 2, 100])
    nan = np.nan
    np.testing.assert_array_equal(x.values["error"], [nan, 0, nan, 0, 0, nan], "only answers have it")
    np.testing.assert_array_equal(x.values["thumbs_down"], [nan, nan, nan, nan, nan, 1])
    np.testing.assert_array_equal(x.values["feature.age"], [50, nan, nan, nan, nan, 40])
    assert labels(x, "feature.plan") == ["yearly", None, None, None, None, None]
    assert pieces["y"].values.keys() == {"incorrect"}


def test_texts_are_a_sample_that_does_not_depend_on_who_draws_it() -> None:
    events = [said(f"Answer {'n' * n}", inference_id=f"i{n}") for n in range(200)]
    drawn = [n for n in range(200) if sampled(f"i{n}", 0.25)]
    assert 30 < len(drawn) < 70
    piece = one(*events, share=0.25)
    assert piece.texts["output_text"].rows.tolist() == drawn
    assert one(*events, share=0.0).texts == {}
    assert one(*events, share=1.0).texts["output_text"].rows.tolist() == list(range(200))
    question = Row("x", 0, 500, 7, "q", text="How deep is the sea?")
    ((_, asked),) = measured(events[:3], ["x"] * 3, [question])
    assert asked.texts.keys() == {"input_text"}
    assert asked.texts["input_text"].rows.tolist() == [3]


def test_pieces_have_a_most_of_rows() -> None:
    n = 2 * ROWS + 1
    pieces = measured([response()] * n, ["x"] * n)
    assert [len(piece.inference_id) for _, piece in pieces] == [ROWS, ROWS, 1]
    assert np.concatenate([piece.position for _, piece in pieces]).tolist() == list(range(n))


def test_what_a_row_says_does_not_depend_on_what_stands_beside_it() -> None:
    random.seed(4)
    texts = ["The bill is on the way.", "I can't help with that.", "", "So it goes on. " * 20, "账单在路上。"]
    events = [said(random.choice(texts), inference_id=f"i{n}", **{TOKENS: n}) for n in range(60)]  # noqa: S311
    whole = one(*events, share=0.5)
    for n, event in enumerate(events):
        alone = one(event, share=0.5)
        for name in NUMBERS:
            known = whole.values.get(name, np.full(60, np.nan))[n]
            np.testing.assert_array_equal(alone.values.get(name, np.array([np.nan])), [known])
        for name in alone.words:
            assert labels(alone, name) == [labels(whole, name)[n]]
        assert (n in whole.texts["output_text"].rows) == ("output_text" in alone.texts)


def test_what_cannot_be_is_not_known() -> None:
    piece = one(response(duration_s=1e300, cost_usd=0.0), response(duration_s=0.0))
    np.testing.assert_array_equal(piece.values["duration_s"], [np.nan, 0.0])
    assert "tokens_per_s" not in piece.values
