"""What was asked in nearly the same words is found, nearest first, and shown harmlessly."""

import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.similar import NothingAsked, similar
from tests.sinks.review.planting import hour, plant, request, text
from tests.streams.test_cli import sluice

ASKED = {
    "it": "How do I get a refund for the invoice of March?",
    "near": "How do I get a refund for the invoice of May?",
    "far": "Please get me a refund, the parcel never came",
    "other": "Which telescope shows the rings of Saturn?",
    "chinese": "发票的退款怎么申请",
}


def ask(client: Client, **asked: str) -> None:
    for name, said in asked.items():
        plant(client, [request(name, hour(len(name)), input_messages=text("user", said))])


def test_the_nearest_question_comes_first(client: Client) -> None:
    ask(client, **ASKED)
    found = similar(client, "it", 3)
    assert [each.inference_id for each in found] == ["near", "far", "other"]
    assert found[0].question == ASKED["near"]
    assert found[0].alike > 2 * found[1].alike > 0
    assert [each.inference_id for each in similar(client, "it", 1)] == ["near"]


def test_a_question_stored_twice_is_shown_once(client: Client) -> None:
    ask(client, it=ASKED["it"], near=ASKED["near"])
    ask(client, near=ASKED["near"])
    assert [each.inference_id for each in similar(client, "it", 10)] == ["near"]


def test_of_what_was_not_kept_nothing_is_similar(client: Client) -> None:
    ask(client, it=ASKED["it"])
    with pytest.raises(NothingAsked, match=r"No question of x'; -- is stored"):
        similar(client, "x'; --", 10)
    assert similar(client, "it", 10) == []


def test_the_command_shows_strangers_words_harmlessly(client: Client, clickhouse_url: str) -> None:
    ask(client, it=ASKED["it"], near=ASKED["near"] + "\x1b]0;owned\x07\u202e [red]")
    url = f"{clickhouse_url}/{client.database}"
    said = sluice("similar", "it", "--limit", "5", SLUICE_CLICKHOUSE_URL=url)
    assert said.exit_code == 0, said.output
    assert all(each.isprintable() for each in said.output.splitlines())
    assert "near" in said.output
    assert r"\x1b]0;owned\x07\u202e [red]" in said.output
    missing = sluice("similar", "nobody", SLUICE_CLICKHOUSE_URL=url)
    assert missing.exit_code == 2
    assert "No question of nobody is stored" in missing.output
