"""What was erased is known among events: by an id, an alias or a user, and nobody else's is taken for it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from sinks.clickhouse import ClickHouse, migrate
from sinks.review.erasure.subject import Subject
from sinks.review.erasure.work import Work
from streams.erased import AGAIN_S, Erased
from streams.pseudonyms import Pseudonyms
from tests.streams.test_events import NOON
from tests.streams.test_ingest import TOPICS, batch, event, reader

REQUESTS, RESPONSES, FEEDBACK = TOPICS
ANN = Pseudonyms(b"p" * 32).of_user("ann")  # as `reader` names her
SALT = "5a17" * 16
AT = datetime.fromtimestamp(NOON / 1e9, UTC)
BEFORE, AFTER = ({"time_unix_nano": NOON + seconds * 1_000_000_000} for seconds in (-1, 1))
BATCHES = [
    batch(REQUESTS, 0, 0, [event(REQUESTS, inference_id=name) for name in ("gone", "stays", "gone too")]),
    batch(RESPONSES, 0, 7, [event(RESPONSES, inference_id=name) for name in ("stays", "gone")]),
    batch(REQUESTS, 1, 0, [event(REQUESTS, inference_id="hers", **at, **{"user.id": "ann"}) for at in (BEFORE, AFTER)]),
    batch(
        FEEDBACK,
        0,
        3,
        [
            event(FEEDBACK, event_id="about it", inference_id="gone"),
            event(FEEDBACK, event_id="about its answer", inference_id=None, aliases=["resp:a", "resp:gone"]),
            event(FEEDBACK, event_id="by her", **BEFORE, **{"feedback.rater_id": "ann"}),
            event(FEEDBACK, event_id="by her later", **AFTER, **{"feedback.rater_id": "ann"}),
            event(FEEDBACK, event_id="by another", **BEFORE, aliases=["resp:b"], **{"feedback.rater_id": "bob"}),
        ],
    ),
]


@pytest.fixture
def store(clickhouse_url: str) -> Iterator[ClickHouse]:
    store = ClickHouse(f"{clickhouse_url}/erased_{uuid4().hex}")
    migrate(store.client)
    yield store
    store.client.command(f"DROP DATABASE {store.client.database}")
    store.close()


def test_what_was_erased_is_known_when_it_comes_again(store: ClickHouse) -> None:
    seconds = [0.0]
    erased, read = Erased(store, SALT, lambda: seconds[0]), reader()
    block = read.read(BATCHES)
    assert (block.letters, block.events) == ([], 12)
    assert erased.due
    erased.look()
    assert erased.among(block) == frozenset()

    work = Work(store.client, Subject((ANN,), ("ann",), ("gone", "gone too"), AT, SALT, "dana"))
    work.add([("inference", "gone"), ("inference", "gone too"), ("alias", "resp:gone"), ("user", ANN)])
    work.remember()
    assert not erased.due
    seconds[0] += AGAIN_S
    assert erased.due
    erased.look()
    left = read.read(BATCHES, erased.among(block))
    assert [each.inference_id for each in left.requests.events] == ["stays", "hers"]
    assert left.requests.events[1].time_unix_nano == AFTER["time_unix_nano"], "what she does later is hers to do"
    assert [each.inference_id for each in left.responses.events] == ["stays"]
    assert (len(left.segments), len(left.watched), len(left.answers)) == (1, 1, 1)
    assert [each.event_id for each in left.feedback.events] == ["by her later", "by another"]
    assert [(row.records, row.written, row.dead) for row in left.ledger] == [(3, 3, 0), (2, 2, 0), (2, 2, 0), (5, 5, 0)]
    assert [row.events for row in left.ledger] == [1, 1, 1, 2]
    assert erased.among(left) == frozenset()


def test_a_record_that_holds_nothing_else_is_no_dead_letter(store: ClickHouse) -> None:
    erased, read = Erased(store, SALT), reader()
    work = Work(store.client, Subject((), (), ("gone",), AT, SALT, "dana"))
    work.add([("inference", "gone")])
    work.remember()
    erased.look()
    only = [batch(REQUESTS, 0, 0, [event(REQUESTS, inference_id="gone")])]
    left = read.read(only, erased.among(read.read(only)))
    assert (left.events, left.letters, list(left.tables())) == (0, [], [])
    assert (left.ledger[0].written, left.ledger[0].dead) == (1, 0)
