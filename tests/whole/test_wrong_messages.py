"""What is no event is set aside whole, with the reason and the cure, and its neighbours are stored all the same."""

import os
import re

import orjson

from tests.whole.conftest import Running
from tests.whole.events import feedback, request, response
from tests.whole.harness import FEEDBACK, REQUESTS, RESPONSES, Message, World, ended, logged
from tests.whole.side_by_side import side_by_side


def spoiled(inference_id: str, **more: object) -> bytes:
    value = response(inference_id).value
    assert value is not None
    return orjson.dumps(orjson.loads(value) | more)


AHEAD_NS = 4_000_000_000 * 10**9  # the year 2096

# name → topic, value, reason, words of the detail that say what to do
WRONG: dict[str, tuple[str, bytes | None, str, str]] = {
    "not JSON": (RESPONSES, b"status=ok id=7", "not_json", r"one JSON object.*UTF-8"),
    "cut off": (REQUESTS, b'{"kind": "request", "event_id": "e', "not_json", r"one JSON object"),
    "not UTF-8": (FEEDBACK, b'{"kind": "feedback", "event_id": "\xff\xfe"}', "not_json", r"UTF-8"),
    "a wrong type": (RESPONSES, spoiled("w", duration_s="fast"), "wrong_shape", r"duration_s: .*sluice schema"),
    "not an object": (RESPONSES, b"[1, 2, 3]", "wrong_shape", r"sluice schema"),
    "an id left out": (REQUESTS, b'{"kind": "request"}', "wrong_shape", r"sluice schema"),
    "another topic's": (REQUESTS, spoiled("w"), "wrong_shape", r"kind: .*'request'.*sluice schema"),
    "2 MB": (
        RESPONSES,
        spoiled("w", padding=os.urandom(1_000_000).hex()),
        "too_large",
        r"2,000,\d\d\d bytes, over the limit of 1,000,000: .*external_ref.*SLUICE_EVENT_BYTES",
    ),
    "empty": (RESPONSES, b"", "empty", r"send the event in it"),
    "a tombstone": (FEEDBACK, None, "empty", r"send the event in it"),
    "a future version": (RESPONSES, spoiled("w", schema_version=2), "unsupported_schema_version", r"upgrade Sluice"),
    "a time ahead": (RESPONSES, spoiled("w", time_unix_nano=AHEAD_NS), "time_ahead", r"gateway's clock"),
    "milliseconds": (RESPONSES, spoiled("w", time_unix_nano=1_750_000_000_000), "wrong_shape", r"time_unix_nano"),
}

LETTERS = """
SELECT topic, partition, offset, reason, detail, hex(key), hex(value), value IS NULL, length(headers), hex(headers[1].2)
FROM dead_letters FINAL
"""


def test_each_wrong_message_is_one_dead_letter_between_neighbours_that_are_stored(running: Running) -> None:
    world, worker = running
    before = {letter[:3] for letter in world.rows(LETTERS)}
    messages, kinds = [], {REQUESTS: request, RESPONSES: response, FEEDBACK: feedback}
    for number, (topic, value, _, _) in enumerate(WRONG.values()):
        left, right = (kinds[topic](f"beside-{number:02d}-{side}") for side in ("left", "right"))
        headers = [("traceparent", b"\x00\xff")]
        messages += [
            left._replace(partition=1),
            Message(topic, value, b"\xfe key", 1, headers),
            right._replace(partition=1),
        ]
    places = world.produce(messages)
    world.settle()

    letters = {letter[:3]: letter[3:] for letter in world.rows(LETTERS)}
    letters = {place: letter for place, letter in letters.items() if place not in before}
    assert len(letters) == len(WRONG)
    prefix = world.settings.topic_prefix
    for (name, (topic, value, reason, cure)), place in zip(WRONG.items(), places[1::3], strict=True):
        said, detail, key, bytes_, is_null, headers_, header = letters[(prefix + topic, place.partition, place.offset)]
        assert said == reason, name
        assert re.search(cure, detail), f"{name}: {detail}"
        assert "\n" not in detail
        assert bytes.fromhex(key) == b"\xfe key"
        assert (bytes.fromhex(bytes_ or ""), bool(is_null)) == (value or b"", value is None), name
        assert (headers_, bytes.fromhex(header)) == (1, b"\x00\xff")
        assert worker.metric("sluice_dead_letters_total", topic=prefix + topic, reason=reason) >= 1
    ((stored,),) = world.rows("SELECT uniqExact(inference_id) FROM inferences WHERE inference_id LIKE 'beside-%'")
    ((rated,),) = world.rows("SELECT uniqExact(inference_id) FROM feedback WHERE inference_id LIKE 'beside-%'")
    of_feedback = sum(topic == FEEDBACK for topic, *_ in WRONG.values())
    assert (stored, rated) == (2 * (len(WRONG) - of_feedback), 2 * of_feedback)


def test_what_is_no_measurement_is_set_aside_by_stage_2(running: Running) -> None:
    world, worker = running
    world.produce([Message("sluice.measurements", b"no msgpack", b"a segment")])
    world.settle()
    assert worker.exit_code is None
    ((reason, detail, value),) = world.rows(
        "SELECT reason, detail, value FROM dead_letters FINAL WHERE topic LIKE '%sluice.measurements'"
    )
    assert (reason, value) == ("wrong_shape", "no msgpack")
    assert "who else writes here?" in detail


@side_by_side
def test_a_flood_of_poison_stops_the_worker_until_a_person_says_that_it_is_poison(world: World) -> None:
    good = [response(f"good-{number}") for number in range(300)]
    flood = [Message(RESPONSES, b"<xml number='%d'/>" % number) for number in range(4_000)]
    world.produce(good)
    worker = world.start()
    world.until_at_least(lambda: world.count("inferences"), 300, "rows")
    world.produce(flood)
    assert ended(worker) == 1
    (line,) = [line.message for line in logged(worker) if "cannot be read" in line.message]
    assert re.search(r"of the last [\d,]+ records cannot be read, .*not_json: .*SLUICE_POISON_SHARE=1", line)

    # Nothing of the block that broke was acknowledged: all of it is read again.
    world.start(poison_share=1.0)
    world.settle()
    assert world.count("inferences") == 300
    ((letters, values),) = world.rows("SELECT count(), uniqExact(value) FROM dead_letters FINAL")
    assert (letters, values) == (4_000, 4_000)
