"""Files become the records they were: in order, with key and time, and nothing dropped in silence."""

import gzip
import time
from pathlib import Path

import orjson
import pytest

from streams.produce import Record
from streams.replay import Replay, UnreadableFile, look
from streams.scenarios import Duplicates, Late, Poison
from streams.simulate import simulate, to_file
from streams.traffic.plan import WEEK, Plan, week_start

T = 1_790_000_000_000_000_000
PLAN = Plan(week_start("2026-W40"), WEEK, 300, scenarios=(Poison(share=0.2), Duplicates(share=0.1), Late(share=0.1)))


def line(kind: str, at: int, **more: object) -> bytes:
    return orjson.dumps({"kind": kind, "time_unix_nano": at} | more)


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    return path


@pytest.mark.parametrize("name", ["week.jsonl", "week.jsonl.gz"])
def test_a_simulation_in_a_file_comes_back_as_its_records(tmp_path: Path, name: str) -> None:
    truth, left_out = to_file(PLAN, tmp_path / name)
    assert left_out.total() == truth.poison["empty"] > 0
    replay = Replay([tmp_path / name], otherwise="inference.responses")
    sent = [record for record in simulate(PLAN)[0] if record.value]
    back = list(replay)
    assert [record.value for record in back] == [record.value for record in sent]
    assert not replay.unplaced
    assert replay.read == replay.size
    for original, record in zip(sent, back, strict=True):
        if original.key is not None and look(original.value).key is not None and b"poison-" not in original.value:
            assert (record.topic, record.key) == (original.topic, original.key)


def test_the_same_plan_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        to_file(PLAN, tmp_path / name)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_kind_chooses_the_topic_and_ids_the_key(tmp_path: Path) -> None:
    lines = [
        line("request", T, inference_id="i"),
        line("response", T + 5_000_000, inference_id="i"),
        line("feedback", T + 9_000_000, feedback_id="f"),
        line("feedback", T + 9_000_000, feedback_id="f", inference_id="i"),
        line("feedback", T + 9_000_000),
    ]
    ms = T // 1_000_000
    assert list(Replay([write(tmp_path / "x", *lines)])) == [
        Record("inference.requests", b"i", lines[0], ms),
        Record("inference.responses", b"i", lines[1], ms + 5),
        Record("inference.feedback", b"f", lines[2], ms + 9),
        Record("inference.feedback", b"i", lines[3], ms + 9),
        Record("inference.feedback", None, lines[4], ms + 9),
    ]


@pytest.mark.parametrize(
    "spoiled",
    [
        b'{"kind":"response","time_unix_nano":1790000000',
        b'{"kind": "response", "service.name": "\xff\xfe"}',
        b'[{"kind":"response"}]',
        line("response", T, inference_id=7),
        b'{"kind":"response","time_unix_nano":"yesterday"}',
    ],
    ids=["cut off", "not UTF-8", "a list", "an id that is none", "no time"],
)
def test_a_spoiled_line_that_names_its_kind_goes_where_it_failed_at_first(tmp_path: Path, spoiled: bytes) -> None:
    replay = Replay([write(tmp_path / "x", line("request", T, inference_id="i"), spoiled)])
    _, record = replay
    assert record == Record("inference.responses", None, spoiled, T // 1_000_000)
    assert not replay.unplaced


def test_a_line_without_kind_is_counted_and_named_or_goes_to_the_given_topic(tmp_path: Path) -> None:
    unknown = [b"not JSON", b'{"kind":"rumour"}', b"", b"{}", b"7", b"null", b"[]"]
    path = write(tmp_path / "odd", line("request", T), *unknown, line("request", T))
    replay = Replay([path])
    assert len(list(replay)) == 2
    assert [(each.path, each.lines, each.first) for each in replay.unplaced] == [(path, 7, [2, 3, 4, 5, 6])]
    assert str(replay.unplaced[0]).endswith(
        "odd: 7 lines name no kind and were not sent (line 2, 3, 4, 5, 6, …); --topic sends them"
    )
    with_topic = Replay([path], otherwise="inference.feedback")
    assert [record.value for record in with_topic if record.topic == "inference.feedback"] == unknown
    assert not with_topic.unplaced


def test_files_are_merged_by_event_time_and_each_keeps_its_order(tmp_path: Path) -> None:
    a = write(tmp_path / "a", line("request", T + 1), b'{"kind":"request"}', line("request", T + 5), line("request", T))
    b = write(tmp_path / "b", line("response", T), line("response", T + 3), line("response", T + 9))
    order = [(record.topic[10:], look(record.value).time_unix_nano) for record in Replay([a, b])]
    assert order == [
        ("responses", T),
        ("requests", T + 1),
        ("requests", None),
        ("responses", T + 3),
        ("requests", T + 5),
        ("requests", T),
        ("responses", T + 9),
    ]


def test_the_kafka_time_never_lies_ahead(tmp_path: Path) -> None:
    year_ns = 365 * 24 * 3_600_000_000_000
    before_ms = time.time_ns() // 1_000_000
    path = write(tmp_path / "x", line("request", time.time_ns() + year_ns), line("request", 1_790_000_000))
    times = [record.timestamp_ms for record in Replay([path])]
    assert all(before_ms <= ms <= time.time_ns() // 1_000_000 for ms in times)


def test_a_file_that_is_away_or_damaged_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"nowhere\.jsonl cannot be read: No such file"):
        Replay([tmp_path / "nowhere.jsonl"])
    whole = gzip.compress(line("request", T, note="x" * 10_000) * 50)
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFile, match=r"damaged\.gz cannot be read to its end: .*undamaged copy"):
        list(Replay([damaged]))
