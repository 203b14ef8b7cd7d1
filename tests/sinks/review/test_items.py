"""An item says all that a person needs, the same in Parquet and in JSONL, and null where nothing is known."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.choose import Pick
from sinks.review.chunks import chunks
from sinks.review.cut import cut
from sinks.review.items import items
from sinks.review.parents import Parents
from sinks.review.policy import Budget, Caps, Policy, Quotas
from sinks.review.refusals import MovedMeanwhile
from sinks.review.schema import JSON, SCHEMA
from sinks.review.snapshot import snapshot
from sinks.review.windows import Window
from tests.sinks.review.planting import (
    NEXT_MONDAY,
    Row,
    feedback,
    finding,
    hour,
    inference,
    plant,
    request,
    response,
    score,
    thumb_down,
)

W46 = Window.week("2026-W46")
EVERYTHING = Policy(
    budget=Budget(items=100_000), quotas=Quotas(control=100_000), caps=Caps(per_user=100_000, per_topic=100_000)
)
CLOSING = inference("closing", NEXT_MONDAY + timedelta(days=2))


def batch(client: Client, out: Path, rows: list[Row]) -> tuple[dict[str, dict[str, Any]], pa.Table]:
    """Cut everything; return the JSONL's items by id, and the Parquet table."""
    plant(client, [*rows, *CLOSING])
    path = cut(client, W46, EVERYTHING, out, lateness=timedelta(days=1)).path
    lines = [orjson.loads(line) for line in (path / "items.jsonl").read_bytes().splitlines()]
    return {item["inference_id"]: item for item in lines}, pq.read_table(path / "items.parquet")


def test_an_item_is_whole(client: Client, tmp_path: Path) -> None:
    said = {"rater_id": "ann", "correction": '{"z":1,"a":[2]}', "explanation": "错了"}
    rows: list[Row] = [
        request("a", hour(1), request_model="small", tags={"b": "2", "a": "1"}, conversation_id="c1", stream=False),
        response("a", hour(1.001), input_tokens=0, duration_s=3.6, finish_reasons=["stop", "length"], cache_hit=True),
        score("a", hour(1.001), 0.25),
        thumb_down("f2", "a", hour(9), **said),
        feedback("f1", "a", hour(3), name="implicit.copy", score=1.0, rater_kind="implicit"),
        finding("d", "a", hour(1.001), metric="error"),
    ]
    found, _ = batch(client, tmp_path, rows)
    item = found["a"]
    assert item["time"] == item["request_time"] == "2026-11-09T01:00:00.000000000Z"
    assert item["response_time"] == "2026-11-09T01:00:03.600000000Z"
    assert item["input_messages"] == [{"role": "user", "parts": [{"type": "text", "content": "question a"}]}]
    assert item["output_messages"][0]["parts"][0]["content"] == "answer a"
    assert item["reasons"] == ["anomaly", "control", "correction", "finding", "negative_feedback"]
    assert item["inclusion_probabilities"] == [1.0] * 5
    assert item["control_weight"] == 1.0
    assert len(item["why"]) == 5
    assert item["findings"] == [{"finding_id": "d", "metric": "error", "position": 0}]
    assert item["tags"] == {"a": "1", "b": "2"}
    assert item["finish_reasons"] == ["stop", "length"]
    assert (item["status"], item["request_model"], item["anomaly_score"], item["duration_s"]) == (
        "ok",
        "small",
        0.25,
        3.6,
    )
    assert [each["feedback_id"] for each in item["feedback"]] == ["f1", "f2"]
    by_a_person = item["feedback"][1]
    assert by_a_person["correction"] == {"a": [2], "z": 1}
    assert (by_a_person["explanation"], by_a_person["rater_id"], by_a_person["score"]) == ("错了", "ann", 0.0)
    assert by_a_person["time"] == "2026-11-09T09:00:00.000000000Z"


def test_null_is_not_zero_or_empty(client: Client, tmp_path: Path) -> None:
    found, table = batch(client, tmp_path, [response("a", hour(1), input_tokens=0, cache_hit=False)])
    item = found["a"]
    assert (item["input_tokens"], item["cache_hit"]) == (0, False)
    unknown = ("output_tokens", "duration_s", "error_type", "anomaly_score", "stream", "request_time", "input_messages")
    assert {name: item[name] for name in unknown} == dict.fromkeys(unknown)
    row = table.to_pylist()[0]
    assert (row["input_tokens"], row["cache_hit"]) == (0, False)
    assert {name: row[name] for name in unknown} == dict.fromkeys(unknown)
    assert (item["feedback"], item["findings"]) == ([], [])


def test_nanoseconds_survive(client: Client, tmp_path: Path) -> None:
    client.command(
        "INSERT INTO inference_parts (inference_id, time, ingest_time, request_time) "
        "SELECT 'a', toDateTime64('2026-11-09 01:00:00.123456789', 9, 'UTC') AS t, t, t"
    )
    found, table = batch(client, tmp_path, [])
    assert found["a"]["time"] == "2026-11-09T01:00:00.123456789Z"
    assert table["time"].cast(pa.int64()).to_pylist() == [1794186000123456789]


def test_parquet_and_jsonl_hold_the_same_items_in_the_same_order(client: Client, tmp_path: Path) -> None:
    rows = [row for n in range(150) for row in inference(f"i{n:03d}", hour(n), anomaly=n / 150)]
    rows += [thumb_down(f"f{n}", f"i{n:03d}", hour(100), correction='{"b":1,"a":2}') for n in range(5)]
    found, table = batch(client, tmp_path, [*rows, finding("d", "i070", hour(70))])
    assert table.schema.equals(SCHEMA)
    assert table.schema.metadata is None
    assert [row["inference_id"] for row in table.select(["inference_id"]).to_pylist()] == list(found)
    times = {name for name in SCHEMA.names if pa.types.is_timestamp(SCHEMA.field(name).type)}
    for row in table.drop_columns(list(times | {"feedback"})).to_pylist():
        item = found[row["inference_id"]]
        parsed = {name: orjson.loads(v) if name in JSON and v is not None else v for name, v in row.items()}
        assert parsed == {name: item[name] for name in row}
    corrections = [each["correction"] for row in table["feedback"].to_pylist() for each in row]
    assert corrections == ['{"a":2,"b":1}'] * 5


def test_row_groups_are_of_one_size(client: Client, tmp_path: Path) -> None:
    batch(client, tmp_path, [row for n in range(150) for row in inference(f"i{n:03d}", hour(n))])
    file = pq.ParquetFile(tmp_path / "2026-W46" / "items.parquet")
    sizes = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
    assert sizes == [64, 64, 22]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_ids_of_the_greatest_length_are_fetched(client: Client, tmp_path: Path) -> None:
    names = [f"{n:03d} 'ü%/" + "语" * 248 for n in range(70)]
    found, _ = batch(client, tmp_path, [row for name in names for row in inference(name, hour(1))])
    assert found.keys() == set(names)
    assert found[names[3]]["output_messages"][0]["parts"][0]["content"] == f"answer {names[3]}"


def test_the_ids_of_a_chunk_fit_into_a_field_of_a_form(client: Client) -> None:
    names = [f"{n:03d}" + "语" * (n % 254) for n in range(500)]
    split = list(chunks(names, 1000))
    assert [name for chunk in split for name in chunk] == names
    assert 1 < len(split) < 10
    assert max(len(str(chunk).encode()) for chunk in split) < 128 << 10
    assert max(map(len, chunks([str(n) for n in range(500)], 64))) == 64
    sent = "SELECT length({ids:Array(String)})"
    assert client.query(sent, {"ids": split[0]}).result_rows == [(len(split[0]),)]


def test_later_and_withdrawn_and_synthetic_feedback_is_not_shown(client: Client, tmp_path: Path) -> None:
    rows: list[Row] = [
        *inference("a", hour(1)),
        thumb_down("kept", "a", hour(2)),
        thumb_down("withdrawn", "a", hour(2), deleted=True),
        thumb_down("test", "a", hour(2), synthetic=True),
        thumb_down("too late", "a", NEXT_MONDAY + timedelta(days=1)),
    ]
    found, _ = batch(client, tmp_path, rows)
    assert [each["feedback_id"] for each in found["a"]["feedback"]] == ["kept"]


def test_an_inference_that_is_gone_stops_the_cut(client: Client) -> None:
    plant(client, inference("a", hour(1)))
    with snapshot(client, W46, W46.end, Parents(), "test") as shot:
        assert [[item["inference_id"] for item in chunk] for chunk in items(shot, [Pick("a")])] == [["a"]]
        with pytest.raises(MovedMeanwhile, match="Inference erased was erased during the cut: cut again"):
            list(items(shot, [Pick("a"), Pick("erased")]))


def test_the_dialogue_may_be_anything_that_is_json(client: Client, tmp_path: Path) -> None:
    odd = {"input": '{"b":[1.0,null,"\\u0000"],"a":1e-7}', "system_instructions": "[]", "input_messages": None}
    found, table = batch(client, tmp_path, [request("a", hour(1), **odd)])
    assert found["a"]["input"] == {"a": 1e-7, "b": [1.0, None, "\0"]}
    assert found["a"]["input_messages"] is None
    assert table["input"].to_pylist() == ['{"a":1e-7,"b":[1.0,null,"\\u0000"]}']


def test_an_integer_of_hundreds_of_digits_stays_itself(client: Client, tmp_path: Path) -> None:
    digits = "7" * 400
    plant(client, [request("long", hour(1), input=f'{{"b":"错","a":{digits}}}'), *CLOSING])
    path = cut(client, W46, EVERYTHING, tmp_path, lateness=timedelta(days=1)).path
    assert f'{{"a":{digits},"b":"错"}}'.encode() in (path / "items.jsonl").read_bytes()
    inputs = pq.read_table(path / "items.parquet")["input"].to_pylist()
    assert [text for text in inputs if text] == [f'{{"a":{digits},"b":"错"}}']
