"""A new topic is found and named, one that returns too, and a week like those before gives nothing."""

from datetime import timedelta

from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Candidate, Reason
from sinks.review.parents import Parents
from sinks.review.policy import Policy
from sinks.review.reasons.topical import topical
from sinks.review.snapshot import snapshot
from sinks.review.windows import WEEK, Window
from sinks.review.words import words
from streams.traffic.text import Texts
from tests.sinks.review.planting import Row, hour, plant, request, response, text

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
    plant(client, rows[::-1], block=97)
    assert named(client) == first
    assert first[Reason.DISCOVERY]


def test_words_have_no_numbers_and_signs_go_in_pairs() -> None:
    assert words("Order 4711-B: the ÜBER invoice") == {"order", "the", "über", "invoice"}
    assert words("发票金额") == {"发票", "票金", "金额"}
    assert words("") == frozenset()
