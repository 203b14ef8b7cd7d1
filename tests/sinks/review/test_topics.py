"""A new topic is found and named, one that returns too, and a week like those before gives nothing."""

from datetime import timedelta

import orjson
from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Candidate, Reason
from sinks.review.parents import Parents
from sinks.review.policy import Policy
from sinks.review.reasons.topical import topical
from sinks.review.snapshot import snapshot
from sinks.review.windows import WEEK, Window
from streams.traffic.text import Texts
from tests.sinks.review import asking
from tests.sinks.review.planting import Row, hour, plant, request, response, text

VECTORS = "SELECT inference_id, terms, vector FROM prompt_vectors"
W46 = Window.week("2026-W46")
NEW, RARE = "astronomy", "gardening"
COMMON = ("billing", "parcels", "python", "fitness")


def asked(texts: Texts, week: int, number: int, topic: str, language: str) -> list[Row]:
    at = hour(number / 20) + week * WEEK
    name = f"w{week}-{number}-{topic}"
    said = texts.question(language, topic, follow_up=False, context_tokens=0)
    said = f"{said} {texts.sentence(language, topic)} {texts.sentence(language, topic)}"
    return [request(name, at, input_messages=text("user", said)), response(name, at + timedelta(seconds=1))]


def week(texts: Texts, week: int, count: int, **more: int) -> list[Row]:
    """Return a week's calls about what is common, and so many about further topics; one in four is Chinese."""
    topics = [COMMON[n % len(COMMON)] for n in range(count)] + [name for name, n in more.items() for _ in range(n)]
    return [
        row
        for number, topic in enumerate(topics)
        for row in asked(texts, week, number, topic, "zh" if number % 4 == 3 else "en")
    ]


def named(client: Client, more: int = 4) -> dict[Reason, list[Candidate]]:
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        return topical(shot, Policy(), more)


def test_a_topic_that_no_week_knew_is_discovered_and_one_that_returns_is_told(client: Client) -> None:
    texts = Texts(5, "topics")
    for back in (-3, -2, -1):
        plant(client, week(texts, back, 900, **{RARE: 8}))
    plant(client, week(texts, 0, 2400, **{NEW: 120, RARE: 12}))
    found = named(client)
    discovered = found[Reason.DISCOVERY]
    assert len(discovered) >= 60
    assert all(each.inference_id.endswith(NEW) for each in discovered)
    assert "hardly in the 4 weeks before" in discovered[0].why
    returned = found[Reason.RECURRING_TOPIC]
    assert sum(each.inference_id.endswith(RARE) for each in returned) >= 6


def test_a_week_like_those_before_has_no_discoveries(client: Client) -> None:
    texts = Texts(6, "topics")
    for back in (-2, -1, 0):
        plant(client, week(texts, back, 1500))
    assert named(client)[Reason.DISCOVERY] == []


def test_without_weeks_before_nothing_is_called_new(client: Client) -> None:
    plant(client, week(Texts(7, "topics"), 0, 300, **{NEW: 30}))
    assert named(client)[Reason.DISCOVERY] == []


def test_the_same_rows_give_the_same_candidates_in_whatever_order_they_came(client: Client) -> None:
    texts = Texts(8, "topics")
    rows = week(texts, -1, 400) + week(texts, 0, 400, **{NEW: 60})
    plant(client, rows)
    first = named(client)
    client.command("TRUNCATE TABLE inference_parts")
    client.command("TRUNCATE TABLE prompt_vectors")
    plant(client, rows[::-1], block=397)
    assert named(client) == first
    assert first[Reason.DISCOVERY]


def test_two_in_a_thousand_of_twenty_thousand_are_found_and_nothing_else(client: Client) -> None:
    for number in (-2, -1):
        asking.week(client, number, 20_000, rare=2)
    asking.week(client, 0, 20_000, new=2, rare=2)
    found = named(client, more=1)
    new = {each.inference_id for each in found[Reason.DISCOVERY]}
    assert new == {f"w0-{number}" for number in range(20_000) if number % 1000 < 2}
    assert {each.topic for each in found[Reason.DISCOVERY]} == {"brewing · clear · descaling"}
    rare = {each.inference_id for each in found[Reason.RECURRING_TOPIC]}
    assert rare
    assert rare <= {f"w0-{number}" for number in range(20_000) if number % 1000 >= 998}


def test_terms_are_words_of_any_language_and_pairs_of_signs(client: Client) -> None:
    said = {
        "plain": ("Order 4711-B: the invoice, the INVOICE", {"order", "4711", "the", "invoice"}),
        "folded": ("“Größe” — ÜBER naïve… Ещё", {"größe", "über", "naïve", "ещё"}),
        "chinese": ("发票金额 VAT?", {"发票", "票金", "金额", "vat"}),
        "nothing": ("?!", None),
    }
    plant(client, [request(name, hour(1), input_messages=text("user", asked)) for name, (asked, _) in said.items()])
    stored = dict(map(tuple, client.query("SELECT inference_id, terms FROM prompt_vectors").result_rows))
    assert {name: set(terms) for name, terms in stored.items()} == {
        name: terms for name, (_, terms) in said.items() if terms
    }


def test_the_last_message_of_a_user_counts_and_a_vector_has_a_coin_of_each_term(client: Client) -> None:
    dialogue = [("system", "weather harbour"), ("user", "lantern"), ("assistant", "gravel"), ("user", "copper saddle")]
    messages = [{"role": role, "parts": [{"type": "text", "content": said}]} for role, said in dialogue]
    plant(client, [request("dialogue", hour(1), input_messages=orjson.dumps(messages).decode())])
    plant(client, [request(name, hour(1), input_messages=text("user", name)) for name in ("copper", "saddle")])
    stored = {name: (terms, vector) for name, terms, vector in client.query(VECTORS).result_rows}
    terms, vector = stored["dialogue"]
    assert terms == ["copper", "saddle"]
    assert vector == [one + other for one, other in zip(stored["copper"][1], stored["saddle"][1], strict=True)]
    assert set(stored["copper"][1]) == {-1, 1}


def test_a_question_told_twice_differently_is_one_whatever_came_first(client: Client) -> None:
    told = [request("a", hour(1), input_messages=text("user", said)) for said in ("harbour lantern", "copper saddle")]
    kept = []
    for order in (told, told[::-1]):
        client.command("TRUNCATE TABLE prompt_vectors")
        for each in order:
            plant(client, [each])
        kept.append(client.query("SELECT terms FROM prompt_vectors FINAL").result_rows)
    assert kept[0] == kept[1]
    assert len(kept[0]) == 1
