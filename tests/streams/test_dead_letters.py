"""What cannot be read is kept whole, and a flood of it stops the worker with a line that names the cure."""

import pytest
from aiokafka.structs import ConsumerRecord

from streams.dead_letters import PoisonFlood, PoisonWatch, dead_letter
from streams.events import DeadLetter
from streams.gateways.native import InvalidEvent


def _record(value: bytes | None) -> "ConsumerRecord[bytes, bytes]":
    headers = (("trace", b"\xff\x00"),)
    return ConsumerRecord("inference.requests", 3, 41, 1_700_000_000_000, 0, b"key", value, None, 3, 1, headers)


def _letter() -> DeadLetter:
    return dead_letter(_record(b"\xfe{"), InvalidEvent("not_json", "expected value"))


def test_a_dead_letter_keeps_bytes_place_and_reason() -> None:
    letter = _letter()
    assert (letter.topic, letter.partition, letter.offset) == ("inference.requests", 3, 41)
    assert (letter.key, letter.value, letter.headers) == (b"key", b"\xfe{", (("trace", b"\xff\x00"),))
    assert (letter.reason, letter.detail) == ("not_json", "expected value")
    assert dead_letter(_record(None), InvalidEvent("empty", "")).value is None


def test_a_few_bad_records_stop_nothing() -> None:
    watch = PoisonWatch(share=0.5)
    watch.note(999, [_letter()] * 999)
    watch.note(1_000_000, [_letter()] * 1_000)
    watch.note(10_000, [_letter()] * 5_000)


def test_a_flood_stops_the_worker_and_names_the_cure() -> None:
    watch = PoisonWatch(share=0.5)
    watch.note(10_000, [])
    watch.note(4_000, [_letter()] * 3_600)
    watch.note(4_000, [_letter()] * 3_600)
    with pytest.raises(PoisonFlood, match=r"10,800 of the last 12,000.*not_json.*SLUICE_POISON_SHARE=1"):
        watch.note(4_000, [_letter()] * 3_600)


def test_an_old_flood_is_forgotten() -> None:
    watch = PoisonWatch(share=0.5)
    watch.note(2_000, [_letter()] * 1_000)
    for _ in range(20):
        watch.note(1_000, [])
    assert watch.dead == 0
    assert watch.records == 10_000


def test_share_one_lets_everything_be_set_aside() -> None:
    watch = PoisonWatch(share=1.0)
    watch.note(10_000, [_letter()] * 10_000)
