"""Composed dialogues are JSON as a worker stores it, and a number that is asked about twice says the same."""

import numpy as np
import orjson

from bench.review.dialogues import Dialogues

TOPICS = ("billing", "astronomy")


def test_a_number_asks_and_is_answered_the_same_wherever_it_stands() -> None:
    numbers = np.array([7, 8, 7])
    of = np.array([0, 1, 0])
    chinese, tokens = np.array([False, True, False]), np.array([100, 100, 100])
    rows = Dialogues(TOPICS, 1).composed(numbers, of, chinese, tokens).to_pylist()
    assert rows[0] == rows[2]
    assert rows[0] != rows[1]
    other = Dialogues(TOPICS, 2).composed(numbers, of, chinese, tokens).to_pylist()
    assert other[0] != rows[0]


def test_messages_are_json_and_their_characters_are_counted() -> None:
    n = 200
    numbers, of = np.arange(n), np.arange(n) % 2
    tokens = np.where(numbers % 5 == 0, 0, 120)
    for row in Dialogues(TOPICS, 3).composed(numbers, of, numbers % 3 == 0, tokens).to_pylist():
        ((asked,), (answered,)) = (
            orjson.loads(row[name])[0]["parts"] for name in ("input_messages", "output_messages")
        )
        assert asked["content"]
        assert (len(asked["content"]), len(answered["content"])) == (row["input_chars"], row["output_chars"])


def test_what_has_no_tokens_has_an_empty_answer() -> None:
    nothing, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    (row,) = Dialogues(TOPICS, 3).composed(one, nothing, nothing > 0, nothing).to_pylist()
    assert orjson.loads(row["output_messages"])[0] == {"role": "assistant", "parts": [{"type": "text", "content": ""}]}
