"""Usage by shard: who used what is where all of theirs is, once, whatever the segments; and it reaches a detector."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from detectors.usage import QUANTITIES, UsageBank
from streams.events import Event, Feedback, InferenceResponse, Received
from streams.measure import ROWS, pack, unpack
from streams.usage import NUMBERS, SHARDS, by_shard
from tests.streams.measure.made import response
from tests.streams.test_events import FEEDBACK

E = TypeVar("E", bound=Event)
NOBODY: Received[Feedback] = Received()


def received(events: Sequence[E], source: int = 0, first: int = 0) -> Received[E]:
    n = len(events)
    return Received(list(events), [""] * n, [0] * n, [source] * n, list(range(first, first + n)))


def feedback(**change: Any) -> Feedback:
    return Feedback.model_validate_json(json.dumps(FEEDBACK | {"deleted": False, "user.id": None} | change))


def answered(**change: Any) -> InferenceResponse:
    return response(**{"user.id": "u_1", "tags": {}} | change)


def told(responses: Sequence[InferenceResponse], said: Received[Feedback] = NOBODY) -> list[dict[str, Any]]:
    """Return what is known of each row of all shards."""
    rows = []
    for shard, piece in by_shard(received(responses), [True] * len(responses), said):
        ((kind, words),) = piece.words.items()
        for row, code in enumerate(words.codes.tolist()):
            numbers = {name: column[row] for name, column in piece.values.items() if not np.isnan(column[row])}
            rows.append({"shard": shard, kind: words.labels[code], "id": piece.inference_id[row], **numbers})
    return rows


def test_an_answer_tells_what_was_used() -> None:
    tokens = {"gen_ai.usage.input_tokens": 70, "gen_ai.usage.output_tokens": 30}
    (row,) = told([answered(cost_usd=0.25, status="ok", **tokens)])
    assert {name: row[name] for name in NUMBERS if name in row} == {"tokens": 100, "cost_usd": 0.25, "errors": 0}
    assert row["user"] == "u_1"


def test_what_is_not_known_is_not_nothing() -> None:
    (row,) = told(
        [
            answered(
                status="error",
                cost_usd=None,
                **{"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None},
            )
        ]
    )
    assert {name for name in NUMBERS if name in row} == {"errors"}
    assert row["errors"] == 1
    (row,) = told([answered(**{"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": None})])
    assert row["tokens"] == 5


def test_a_user_has_one_shard_whatever_the_segment_and_shards_are_filled_alike() -> None:
    rows = told([answered(**{"user.id": f"u_{n % 400}", "service.name": f"service {n}"}) for n in range(800)])
    shards: dict[str, set[str]] = {}
    for row in rows:
        shards.setdefault(row["user"], set()).add(row["shard"])
    assert all(len(names) == 1 for names in shards.values())
    each = [name for (name,) in shards.values()]
    assert set(each) == {f"users/{number}" for number in range(SHARDS)}
    assert max(each.count(name) for name in set(each)) < 50


def test_keys_and_tenants_are_told_apart() -> None:
    rows = told([answered(tags={"key_alias": "batch", "team": "search", "note": "x"})])
    assert [{"user", "key", "tenant"} & row.keys() for row in rows] == [{"user"}, {"key"}, {"tenant"}]
    assert [row["shard"].split("/")[0] for row in rows] == ["users", "keys", "tenants"]
    assert (rows[1]["key"], rows[2]["tenant"]) == ("batch", "search")
    assert told([answered(**{"user.id": None})]) == []


def test_feedback_counts_for_who_gave_it() -> None:
    given = [feedback(**{"user.id": "u_2"}), feedback(**{"feedback.rater_id": "u_3"})]
    rows = told([], received(given))
    assert [(row["user"], row["feedback"]) for row in rows] in ([("u_2", 1), ("u_3", 1)], [("u_3", 1), ("u_2", 1)])
    assert not {"tokens", "errors"} & rows[0].keys()
    left_out = [
        feedback(**{"user.id": "u_2", "feedback.source": "llm"}),
        feedback(**{"user.id": "u_2", "feedback.deleted": True}),
        feedback(**{"user.id": "u_2", "synthetic": True}),
    ]
    assert told([], received(left_out)) == []


def test_what_is_not_watched_is_left_out() -> None:
    events = [answered(), answered()]
    (piece,) = (piece for _, piece in by_shard(received(events), [False, True], NOBODY))
    assert piece.position.tolist() == [1]


def test_rows_are_in_order_of_source_and_position() -> None:
    events = received([answered() for _ in range(5)], first=10)
    events.positions[2:] = [22, 24, 26]
    said = received([feedback(**{"user.id": "u_1"}) for _ in range(3)])
    said.positions[:] = [11, 23, 25]
    said.positions[0] = 12
    ((_, piece),) = by_shard(events, [True] * 5, said)
    assert piece.position.tolist() == sorted([10, 11, 22, 24, 26, 12, 23, 25])


def test_pieces_fit_into_messages() -> None:
    events = received([answered() for _ in range(2 * ROWS + 1)])
    pieces = [piece for _, piece in by_shard(events, [True] * len(events.events), NOBODY)]
    assert [len(piece.inference_id) for piece in pieces] == [ROWS, ROWS, 1]


def test_what_was_used_goes_through_kafka_to_the_detector() -> None:
    assert set(NUMBERS) == {quantity.column for quantity in QUANTITIES}
    bank = UsageBank()
    events = [answered(cost_usd=0.1 + n) for n in range(50)]
    for _, piece in by_shard(received(events), [True] * 50, NOBODY):
        sent = unpack(pack(piece))
        np.testing.assert_array_equal(sent.values["tokens"], piece.values["tokens"])
        bank.take(sent)
    assert bank.release().inference_id == [event.inference_id for event in events]
    assert bank.events == 50
