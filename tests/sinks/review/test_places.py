"""Like questions get one topic and lie near one another on the map; the same rows give the same places."""

import numpy as np
from clickhouse_connect.driver.client import Client

from sinks.review.likeness import alike
from sinks.review.parents import Parents
from sinks.review.places import places
from sinks.review.snapshot import snapshot
from sinks.review.vectors import Hashed
from sinks.review.windows import Window
from tests.sinks.review.planting import hour, plant, request, text

W46 = Window.week("2026-W46")
ASKED = [
    *(f"Please send the refund for invoice and vat of {month}" for month in ("march", "april", "may", "june")),
    *(f"Which telescope shows saturn rings above {city}" for city in ("oslo", "paris", "lisbon", "berlin")),
    *(f"How do tomatoes survive frost beside {plant}" for plant in ("hedges", "apples", "lawns", "roses")),
]
NAMES = [f"i{number:02d}" for number in range(len(ASKED))]


def ask(client: Client) -> None:
    for name, said in zip(NAMES, ASKED, strict=True):
        plant(client, [request(name, hour(1), input_messages=text("user", said))])
    plant(client, [request("silent", hour(1), input_messages=None)])


def test_like_questions_have_one_topic_and_lie_together(client: Client) -> None:
    ask(client)
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        vectors = Hashed().of(shot, [*NAMES, "silent"])
    on_map = places(vectors)
    assert on_map[-1] == (None, None)
    known = np.array(on_map[:-1])
    assert np.abs(known).max(axis=0).tolist() == [1.0, 1.0]
    middles = known.reshape(3, 4, 2).mean(axis=1)
    to_own = np.linalg.norm(known - np.repeat(middles, 4, axis=0), axis=1)
    apart = [np.linalg.norm(middles[one] - middles[other]) for one, other in ((0, 1), (0, 2), (1, 2))]
    assert to_own.max() < min(apart)


def test_topics_are_named_by_their_words(client: Client) -> None:
    plant(client, [request(f"n{n}", hour(1), input_messages=text("user", f"single{chr(97 + n)}")) for n in range(8)])
    ask(client)
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        topics = alike(shot, [*NAMES, *(f"n{n}" for n in range(8))])
    assert sorted(topics) == NAMES
    assert len(set(topics.values())) == 3
    assert {topics[name] for name in NAMES[:4]} == {topics["i00"]}
    assert set(topics["i04"].split(" · ")) <= {"which", "telescope", "shows", "saturn", "rings", "above"}


def test_places_do_not_depend_on_the_sign_of_an_axis_and_need_three_questions() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(30, 64))
    assert places(rows) == places(rows.copy())
    assert places(rows[:2]) == [(None, None)] * 2
    assert places(np.ones((4, 64))) == [(0.0, 0.0)] * 4
    turned, _ = np.linalg.qr(chance.normal(size=(64, 64)))
    assert np.allclose(np.array(places(rows), float), np.array(places(rows @ turned), float), atol=0.0015)
