"""What an answer's content tells: whether it refuses, is empty, cut, no JSON, calls tools wrongly, repeats itself."""

# ruff: noqa: RUF001  # Chinese text has Chinese punctuation

from typing import Any

import pytest

from streams.measure import output_chars, predicted, predicted_by, read
from tests.streams.measure.made import request, response, said

TEXT = "gen_ai.output.messages"
REASONS = "gen_ai.response.finish_reasons"


def call(name: object = "search", arguments: object = None) -> dict[str, object]:
    return {"type": "tool_call", "name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("messages", "chars"),
    [
        (None, None),  # not captured
        ([], 0),
        ([{"role": "assistant"}], 0),
        ([{"role": "assistant", "parts": [{"type": "text", "content": "海有多深"}]}], 4),
        ([{"parts": [{"content": "ab"}, {"content": "👩‍🚀"}]}, {"parts": [{"content": "c"}]}], 6),
        ([{"parts": [{"type": "tool_call", "arguments": {"q": "long"}}, {"type": "text", "content": "ab"}]}], 2),
        ([{"parts": [{"content": ["not", "text"]}, {"content": None}, {"content": 12}]}], 0),
        ([{"parts": [{"type": "reasoning", "content": "Let me think."}, {"type": "text", "content": "ab"}]}], 2),
    ],
)
def test_characters_of_text_parts_are_counted(messages: list[dict[str, Any]] | None, chars: int | None) -> None:
    assert output_chars(response(**{TEXT: messages})) == chars
    assert read(response(**{TEXT: messages}), None).chars == chars


@pytest.mark.parametrize(
    ("parts", "change", "refusal"),
    [
        (["I can't help with that."], {}, 1),
        (["Here you are."], {}, 0),
        (["Here you are."], {REASONS: ["content_filter"]}, 1),
        ([{"type": "refusal", "content": "No."}], {}, 1),
        ([], {}, 0),
    ],
)
def test_refusals_are_told_by_words_by_parts_and_by_why_they_ended(
    parts: list[Any], change: dict[str, Any], refusal: float
) -> None:
    assert read(said(*parts, **change), None).refusal == refusal


def test_without_content_a_refusal_is_known_by_why_it_ended_alone() -> None:
    assert read(response(), None).refusal is None
    assert read(response(**{REASONS: ["stop"]}), None).refusal == 0
    assert read(response(**{REASONS: ["content_filter"]}), None).refusal == 1


@pytest.mark.parametrize(
    ("answer", "empty"),
    [
        (said(), 1),
        (said(""), 1),
        (said(" \n"), 1),
        (said({"type": "reasoning", "content": "What could it be?"}), 1),
        (response(**{TEXT: []}), 1),
        (said("No."), 0),
        (said("", "No."), 0),
        (said(call()), 0),
        (said({"type": "image", "uri": "i"}), 0),
        (response(output=[]), 1),
        (response(output=[1]), 0),
        (response(), None),
        (said("", status="error"), None),
    ],
)
def test_an_answer_is_empty_without_text_call_or_other_content(answer: Any, empty: float | None) -> None:
    assert read(answer, None).empty == empty


@pytest.mark.parametrize(
    ("change", "truncated"),
    [
        ({}, 0),
        ({REASONS: ["stop"]}, 0),
        ({REASONS: ["length"]}, 1),
        ({REASONS: ["stop", "max_tokens"]}, 1),
        ({"status": "partial"}, 1),
        ({"status": "error", REASONS: ["length"]}, None),
        ({"status": "timeout_no_response"}, None),
    ],
)
def test_an_answer_is_truncated_at_the_limit_or_where_it_broke_off(change: Any, truncated: float | None) -> None:
    assert read(response(**change), None).truncated == truncated


@pytest.mark.parametrize(
    ("parts", "no_json"),
    [
        (['{"a": 1}'], 0),
        (["\n [1, 2]"], 0),
        (['{"a": 1'], 1),
        (['```json\n{"a": 1}\n```'], 1),
        (["Here it is: {}"], 1),
        (["42"], 1),
        ([""], 1),
        ([call()], None),
    ],
)
def test_json_is_an_object_or_an_array_and_nothing_else(parts: list[Any], no_json: float | None) -> None:
    assert read(said(*parts), None).no_json == no_json


def test_every_choice_has_to_be_json() -> None:
    choices = [{"role": "assistant", "parts": [{"type": "text", "content": text}]} for text in ("{}", "none")]
    assert read(response(**{TEXT: choices}), None).no_json == 1


def test_what_was_asked_for_is_said_by_the_answer_or_by_the_request_of_its_record() -> None:
    asked = request(**{"gen_ai.output.type": "json", "gen_ai.request.stream": True})
    assert read(response(), None)[-3:-1] == (None, None)
    assert read(response(), asked)[-3:-1] == ("json", "yes")
    assert read(response(**{"gen_ai.output.type": "text"}), asked).output_type == "text"
    assert read(response(**{"gen_ai.response.time_to_first_chunk": 0.1}), None).stream == "yes"


@pytest.mark.parametrize(
    ("parts", "failure", "tool"),
    [
        (["No tool."], None, None),
        ([call("search", {"q": "sea"})], 0, "search"),
        ([call("search", '{"q": "sea"}')], 0, "search"),
        ([call("search", "")], 0, "search"),
        ([call("search")], 0, "search"),
        ([call("search", "{q: sea}")], 1, "search"),
        ([call("search", [1])], 1, "search"),
        ([call("search", {}), call("lookup", "[1]")], 1, "search"),
        ([call("fly", {})], 1, "fly"),
        ([call(None, {})], 1, None),
        ([call("search", {}), {"type": "tool_call_response", "result": {"error": "down"}}], 1, "search"),
        ([{"type": "tool_call_response", "result": {"error": "down"}}], 1, None),
        ([{"type": "tool_call_response", "result": "42"}], 0, None),
    ],
)
def test_calls_of_tools(parts: list[Any], failure: float | None, tool: str | None) -> None:
    tools = [{"type": "function", "function": {"name": "search"}}, {"name": "lookup"}]
    answer = read(said(*parts), request(**{"gen_ai.tool.definitions": tools}))
    assert (answer.tool_failure, answer.tool) == (failure, tool)


def test_where_it_is_not_known_what_was_offered_any_name_will_do() -> None:
    assert read(said(call("fly", {})), None).tool_failure == 0
    assert read(said(call("fly", {})), request(**{"gen_ai.tool.definitions": [{"type": "web"}]})).tool_failure == 0


def test_an_answer_that_goes_round_in_circles_repeats_itself() -> None:
    words = " ".join(f"word{number}" for number in range(200))
    assert read(said(words), None).repetition == 0
    assert read(said("So it goes on and on. " * 30), None).repetition == 1
    assert read(said(words + " and again and again" * 60), None).repetition == 1, "it is in the circle at the end"
    assert 0.2 < (read(said(words[:500] + words[:300]), None).repetition or 0) < 0.6
    assert read(said("Too short to tell."), None).repetition is None
    assert read(said("海水很深，" * 30), None).repetition == 1


def test_a_call_that_failed_tells_nothing_of_an_answer() -> None:
    answer = read(said("I can't help with that.", status="error", **{REASONS: ["length"]}), None)
    assert answer._replace(chars=None, finish_reason=None) == read(response(status="timeout_no_response"), None)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("billing", "billing"),
        ("账单", "账单"),
        ("账单正在路上，明天就到。", None),
        ("Not sure.", None),
        ("x" * 25, None),
        ("", None),
    ],
)
def test_an_answer_that_is_but_a_word_names_a_class(text: str, named: str | None) -> None:
    assert read(said(text), None).predicted_class == named


def test_what_is_predicted_is_a_class_a_word_or_a_number() -> None:
    tabular = {"gen_ai.operation.name": "predict"}
    assert predicted(read(response(output=["spam"], **tabular), None)) == "spam"
    assert predicted(read(response(output=[0.25], **tabular), None)) == 0.25
    assert predicted(read(said("billing"), None)) == "billing"
    assert predicted(read(said("A sentence. " * 20), None)) is None
    assert read(response(output=[[0.1] * 8], **{"gen_ai.operation.name": "embeddings"}), None).predicted_class is None
    assert predicted_by(["spam"], None) == "spam"
    assert predicted_by(None, [{"role": "assistant", "parts": [{"type": "text", "content": "billing"}]}]) == "billing"
    assert predicted_by(None, None) is None
