"""What a plug is shown of an item: what was said, whatever shape it has."""

import orjson
import pytest

from sinks.review.prelabels.texts import LONGEST, text_of
from tests.sinks.review.planting import text


def test_a_dialogue_is_its_messages_and_an_answer_the_last_of_them() -> None:
    call = {"type": "tool_call", "name": "refund", "arguments": {"order": 7}}
    messages = orjson.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Done."}, call]}]).decode()
    item = {"input_messages": text("user", "Refund me."), "output_messages": messages}
    answer = 'assistant: Done.\n{"arguments":{"order":7},"name":"refund","type":"tool_call"}'
    assert text_of(item, "answer") == answer
    assert text_of(item, "dialogue") == f"user: Refund me.\n\n{answer}"


def test_a_table_is_shown_as_it_is_and_nothing_is_nothing() -> None:
    assert text_of({"input": '{"age":3}', "output": "0.5"}, "dialogue") == '{"age":3}\n\n0.5'
    assert text_of({"input_messages": None, "output": None}, "dialogue") == ""


@pytest.mark.parametrize(
    "value", ["1" * 5000, "[]", "[1]", '[{"role":"user"}]', '[{"role":"user","parts":{}}]', "null"]
)
def test_json_of_any_shape_is_text(value: str) -> None:
    assert isinstance(text_of({"input_messages": value}, "dialogue"), str)


def test_of_a_long_dialogue_the_end_is_shown() -> None:
    shown = text_of({"input_messages": text("user", "x" * 50_000), "output_messages": text("a", "end")}, "dialogue")
    assert len(shown) == LONGEST
    assert shown.endswith("a: end")
