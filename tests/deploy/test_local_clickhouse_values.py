"""Values of every type that Sluice stores go to the local ClickHouse and come back as they went."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, UTC)
TYPES: dict[str, list[Any]] = {
    "Int64": [-(2**63), 0, 2**63 - 1],
    "UInt32": [0, 2**32 - 1],
    "Float64": [0.1, -1e300, float("inf")],
    "Bool": [True, False],
    "String": ["", "数据\t'\\\n", "x" * 3_000_000],
    "Nullable(String)": [None, "", "\\N", "NULL"],
    "Nullable(Int64)": [None, 0],
    "Nullable(Float64)": [None, 0.0],
    "LowCardinality(String)": ["a", "b", "a"],
    "LowCardinality(Nullable(String))": [None, "a", ""],
    "Enum8('error' = 1, 'ok' = 2)": ["error", "ok"],
    "Nullable(Enum8('error' = 1, 'ok' = 2))": ["error", None],
    "Date": [date(1970, 1, 1), date(2026, 11, 21)],
    "DateTime64(3, 'UTC')": [NOON.replace(microsecond=123000)],
    "DateTime64(9, 'UTC')": [NOON, datetime(1970, 1, 1, tzinfo=UTC)],
    "Nullable(DateTime64(9, 'UTC'))": [None, NOON],
    "Array(String)": [[], ["a", ""]],
    "Array(Tuple(String, String))": [[], [("k", "v")]],
    "Map(String, String)": [{}, {"k": "v", "键": ""}],
    "UUID": [uuid4()],
}


@pytest.mark.parametrize("of", TYPES)
def test_types_come_back_as_they_went(client: Client, of: str) -> None:
    values = TYPES[of]
    client.command(f"CREATE TABLE t (i UInt32, v {of}) ENGINE = MergeTree ORDER BY i")
    client.insert("t", [list(range(len(values))), values], column_names=["i", "v"], column_oriented=True)
    assert [row[0] for row in client.query("SELECT v FROM t ORDER BY i").result_rows] == values


def test_nanoseconds_are_kept(client: Client) -> None:
    client.command("CREATE TABLE t (v DateTime64(9, 'UTC')) ENGINE = MergeTree ORDER BY v")
    client.insert("t", [[1_795_262_400_123_456_789]], column_names=["v"], column_oriented=True)
    assert client.command("SELECT toUnixTimestamp64Nano(v) FROM t") == 1_795_262_400_123_456_789


def test_bytes_that_are_not_utf8(client: Client) -> None:
    every_byte = bytes(range(256))
    client.command("CREATE TABLE t (v String, n Nullable(String)) ENGINE = MergeTree ORDER BY v")
    client.insert("t", [[every_byte, b"\x00"], [None, every_byte]], column_names=["v", "n"], column_oriented=True)
    read = client.query("SELECT v, n FROM t ORDER BY v", query_formats={"String": "bytes"}).result_rows
    assert read == [(b"\x00", every_byte), (every_byte, None)]


@pytest.mark.parametrize(
    ("of", "value"),
    [
        ("String", "it's a \\ tab\t line\n and {braces} 'quoted' 数"),
        ("Int64", -(2**63)),
        ("Nullable(String)", None),
        ("Array(String)", ["a", "it's", "\\"]),
        ("DateTime64(6, 'UTC')", NOON),
        ("Date", date(2026, 11, 21)),
        ("Identifier", "one"),
    ],
)
def test_parameters_are_bound_by_the_server(client: Client, of: str, value: Any) -> None:
    statement = "SELECT {v:TYPE} AS v FROM (SELECT 1 AS one)".replace("TYPE", of)
    read = client.query(statement, parameters={"v": value}).result_rows
    assert read == [(1,)] if of == "Identifier" else [(value,)]


def test_parameters_too_long_for_an_url(client: Client) -> None:
    value = "'\\\t数" * 50_000
    assert client.query("SELECT {v:String}", parameters={"v": value}).result_rows == [(value,)]


def test_arrow_both_ways(client: Client) -> None:
    client.command("CREATE TABLE t (i Int64, s Nullable(String), m Map(String, String)) ENGINE = MergeTree ORDER BY i")
    columns = {"i": [1, 2], "s": ["数", None], "m": [[("k", "v")], []]}
    sent = pa.table(
        columns, schema=pa.schema({"i": pa.int64(), "s": pa.string(), "m": pa.map_(pa.string(), pa.string())})
    )
    client.insert_arrow("t", sent)
    read = client.query_arrow("SELECT i, s, m FROM t ORDER BY i", use_strings=True)
    assert read.to_pylist() == sent.to_pylist()


def test_rows_of_one_key_merge_in_aggregating_tables(client: Client) -> None:
    client.command("""
        CREATE TABLE t (
            id String,
            time SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
            aliases SimpleAggregateFunction(groupUniqArrayArray, Array(String)),
            tags SimpleAggregateFunction(maxMap, Map(String, String)),
            model SimpleAggregateFunction(max, LowCardinality(Nullable(String))),
            status SimpleAggregateFunction(max, Nullable(Enum8('error' = 1, 'ok' = 2))),
            tokens SimpleAggregateFunction(max, Nullable(Int64))
        ) ENGINE = AggregatingMergeTree ORDER BY id
    """)
    names = ["id", "time", "aliases", "tags", "model", "status", "tokens"]
    later = NOON.replace(hour=13)
    request: list[Any] = [["a"], [NOON], [["x"]], [{"k": "v"}], ["m"], [None], [None]]
    response: list[Any] = [["a"], [later], [["y"]], [{}], [None], ["ok"], [0]]
    for part in (response, request, response):
        client.insert("t", part, column_names=names, column_oriented=True)
    ask = "SELECT id, time, arraySort(aliases), tags, model, status, tokens FROM t FINAL"
    merged = ("a", NOON, ["x", "y"], {"k": "v"}, "m", "ok", 0)
    assert client.query(ask).result_rows == [merged]
    client.command("OPTIMIZE TABLE t FINAL")
    assert client.query(ask.removesuffix(" FINAL")).result_rows == [merged]
