"""Requests, responses and feedback in any order, twice or not at all: one row an inference, and null is not 0."""

import sys
from pathlib import Path
from typing import Any

import pytest

from streams.pseudonyms import Pseudonyms
from tests.whole.conftest import Running
from tests.whole.events import feedback, request, response
from tests.whole.harness import World


def rows(world: World, begin: str) -> dict[str, dict[str, Any]]:
    found = world.client.query(
        "SELECT * FROM inferences WHERE startsWith(inference_id, {begin:String})", {"begin": begin}
    )
    return {row["inference_id"]: row for row in found.named_results()}


def test_one_row_an_inference_whatever_the_order_of_its_parts(running: Running) -> None:
    world, _ = running
    asked: dict[str, Any] = {"service.name": "orders", "user.id": "u7", "gen_ai.request.model": "small"}
    answered: dict[str, Any] = {"service.name": "orders", "gen_ai.response.model": "small-2", "duration_s": 1.5}
    world.produce(
        [
            request("parts-in-order", **asked),
            response("parts-reversed", **answered),
            request("parts-twice", **asked),
            response("parts-twice", **answered),
            request("parts-unanswered", **asked),
            response("parts-unasked", **answered),
        ]
    )
    # The first halves are stored before the others are sent: no batch holds both.
    world.until_at_least(lambda: len(rows(world, "parts-")), 5, "rows")
    world.produce(
        [
            response("parts-in-order", **answered),
            request("parts-reversed", **asked),
            response("parts-twice", **answered),
            request("parts-twice", **asked),
        ]
    )
    world.settle()

    found = rows(world, "parts-")
    assert len(found) == 5
    for name in ("in-order", "reversed", "twice"):
        row = found[f"parts-{name}"]
        assert row["user_id"] == Pseudonyms(world.settings.pseudonyms).of_user("u7"), "of the request alone"
        assert (row["response_model"], row["duration_s"]) == ("small-2", 1.5), "of the response alone"
        assert row["request_time"] < row["response_time"]
        assert (row["time"], row["status"]) == (row["request_time"], "ok")
        assert row["segment"] == "orders|-|small-2|-", "the response does not repeat the requested model"
    unanswered, unasked = found["parts-unanswered"], found["parts-unasked"]
    assert (unanswered["response_time"], unanswered["status"], unanswered["duration_s"]) == (None, None, None)
    assert (unasked["request_time"], unasked["user_id"], unasked["request_record"]) == (None, None, None)


def test_null_is_not_zero_false_or_empty(running: Running) -> None:
    world, _ = running
    known: dict[str, Any] = {
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 0,
        "duration_s": 0,
        "cost_usd": 0.0,
        "cache_hit": False,
        "deployment.environment.name": "",
        "error.message": "",
        "gen_ai.output.messages": [],
    }
    said_null: dict[str, Any] = dict.fromkeys(known)
    world.produce(
        [
            response("null-known", **known),
            response("null-absent"),
            response("null-said", **said_null),
        ]
    )
    world.settle()
    columns = ("input_tokens", "output_tokens", "duration_s", "cost_usd", "cache_hit", "environment", "error_message")
    found = rows(world, "null-")
    assert [found["null-known"][name] for name in columns] == [0, 0, 0.0, 0.0, False, "", ""]
    assert (found["null-known"]["output_messages"], found["null-known"]["output_chars"]) == ("[]", 0)
    for name in ("null-absent", "null-said"):
        assert {found[name][column] for column in (*columns, "output_messages", "output_chars")} == {None}


def test_feedback_lands_before_its_inference_and_after_and_once(running: Running) -> None:
    world, _ = running
    late = 5 * 24 * 3600.0
    world.produce([feedback("rated-early"), feedback("rated-twice"), feedback("rated-twice")])
    world.until_at_least(lambda: len(world.rows("SELECT 1 FROM feedback WHERE inference_id LIKE 'rated-%'")), 2, "rows")
    names = ("rated-early", "rated-twice", "rated-late")
    world.produce([response(name) for name in names])
    corrected: dict[str, Any] = {"feedback_id": "thumb-1", "gen_ai.evaluation.score.value": 1.0, "event_id": "changed"}
    world.produce(
        [
            feedback("rated-late", at_s=late + 10, **corrected),
            # What came before the change, though it arrives after it, changes nothing.
            feedback("rated-late", at_s=late, feedback_id="thumb-1"),
        ]
    )
    world.settle()
    joined = world.rows(
        "SELECT inference_id, count(), any(score) FROM feedback JOIN inferences USING (inference_id) "
        "WHERE inference_id LIKE 'rated-%' GROUP BY inference_id ORDER BY inference_id"
    )
    assert joined == [("rated-early", 1, 0.0), ("rated-late", 1, 1.0), ("rated-twice", 1, 0.0)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="proc(5)")
def test_the_worker_that_did_it_has_loaded_no_large_package_that_it_does_not_use(running: Running) -> None:
    world, worker = running
    world.produce([response(f"loaded-{number}") for number in range(20)])
    world.settle()
    loaded = Path(f"/proc/{worker.pid}/maps").read_text(encoding="utf-8")
    assert "/pyarrow/" in loaded
    assert [name for name in ("pandas", "scipy/stats", "scipy/integrate") if f"/{name}/" in loaded] == []
