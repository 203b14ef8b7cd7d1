"""What cannot be read is kept whole, and a flood of it stops the worker with a line that names the cure."""

import pytest
from aiokafka.structs import ConsumerRecord

from streams.dead_letters import PoisonFlood, PoisonWatch, dead_letter
from streams.events import DeadLetter, LedgerRow
from streams.gateways.base import InvalidEvent


def _record(value: bytes | None) -> "ConsumerRecord[bytes, bytes]":
    headers = (("trace", b"\xff\x00"),)
    return ConsumerRecord("inference.requests", 3, 41, 1_700_000_000_000, 0, b"key", value, None, 3, 1, headers)


def _letter() -> DeadLetter:
    return dead_letter(_record(b"\xfe{"), InvalidEvent("not_json", "expected value"))


def _note(watch: PoisonWatch, records: int, dead: int) -> None:
    row = LedgerRow("inference.requests", 3, 0, records - 1, records, records - dead, dead, records - dead, dead)
    watch.note([row], [_letter()] * dead)


def test_a_dead_letter_keeps_bytes_place_and_reason() -> None:
    letter = _letter()
    assert (letter.topic, letter.partition, letter.offset) == ("inference.requests", 3, 41)
    assert (letter.key, letter.value, letter.headers) == (b"key", b"\xfe{", (("trace", b"\xff\x00"),))
    assert (letter.reason, letter.detail) == ("not_json", "expected value")
    assert dead_letter(_record(None), InvalidEvent("empty", "")).value is None


def test_an_item_stands_for_itself_and_the_record_for_the_first_that_brings_no_bytes() -> None:
    alone = dead_letter(_record(b"all"), InvalidEvent("wrong_shape", "", b"one"), 3)
    assert (alone.item, alone.value) == (3, b"one")
    assert dead_letter(_record(b"all"), InvalidEvent("time_ahead", ""), 4, whole=False).value is None


def test_a_few_bad_records_stop_nothing() -> None:
    watch = PoisonWatch(share=0.5)
    _note(watch, 999, 999)
    _note(watch, 1_000_000, 1_000)
    _note(watch, 10_000, 5_000)


def test_a_flood_stops_the_worker_and_names_the_cure() -> None:
    watch = PoisonWatch(share=0.5)
    _note(watch, 10_000, 0)
    _note(watch, 4_000, 3_600)
    _note(watch, 4_000, 3_600)
    with pytest.raises(PoisonFlood, match=r"10,800 of the last 12,000.*not_json.*SLUICE_POISON_SHARE=1"):
        _note(watch, 4_000, 3_600)


def test_bad_items_of_records_that_gave_events_are_no_flood() -> None:
    row = LedgerRow("spans", 3, 0, 1_999, 2_000, 2_000, 0, 9_000, 9_000)
    PoisonWatch(share=0.5).note([row], [_letter()] * 9_000)


def test_a_replay_that_fails_again_is_no_flood() -> None:
    watch = PoisonWatch(share=0.5)
    row = LedgerRow("inference.requests", 3, 0, 3_999, 4_000, 1_000, 3_000, 1_000, 3_000)
    for _ in range(5):
        watch.note([row], [_letter()] * 3_000, failed_again=3_000)
    with pytest.raises(PoisonFlood, match=r"3,000 of the last"):
        PoisonWatch(share=0.5).note([row], [_letter()] * 3_000)


def test_an_old_flood_is_forgotten() -> None:
    watch = PoisonWatch(share=0.5)
    _note(watch, 2_000, 1_000)
    for _ in range(20):
        _note(watch, 1_000, 0)
    assert watch.dead == 0
    assert watch.records == 10_000


def test_share_one_lets_everything_be_set_aside() -> None:
    watch = PoisonWatch(share=1.0)
    _note(watch, 10_000, 10_000)
