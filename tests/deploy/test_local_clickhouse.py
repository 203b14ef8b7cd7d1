"""What ClickHouse's own Python client may ask of the local ClickHouse over HTTP, and what it gets."""

import gzip
import http.client
import json
import threading
import time
import urllib.parse
from typing import Any

import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]  # publishes no types
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from deploy.local.clickhouse_http import STATEMENTS_AT_ONCE


def _ask(url: str, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """A bare HTTP request, for what the Python client never sends: status, headers, body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    read = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return read


def test_statements_of_several_lines_with_comments(client: Client) -> None:
    statement = """
        -- a comment; with a semicolon
        SELECT number AS n,  /* and 'a quote' */
               'FORMAT Native' AS s
        FROM numbers(3)
        WHERE n > 0
    """
    assert client.query(statement).result_rows == [(1, "FORMAT Native"), (2, "FORMAT Native")]


def test_columns_of_an_empty_answer(client: Client) -> None:
    assert client.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")
    assert client.query("SELECT 1 AS a WHERE 0").result_rows == []
    assert client.command("SELECT 1 WHERE 0") == ""


def test_settings_and_database_hold_for_one_statement(client: Client) -> None:
    ask = "SELECT getSetting('max_threads') AS threads, currentDatabase() AS database"
    here = client.database
    assert client.query(ask, settings={"max_threads": 3}).first_row == (3, here)
    assert client.query(ask, settings={"max_threads": 2}).first_row == (2, here)
    client.database = "system"
    assert client.query("SELECT currentDatabase()").result_rows == [("system",)]
    client.database = here
    assert client.query("SELECT currentDatabase()").result_rows == [(here,)]


def test_an_insert_says_how_many_rows_it_wrote(client: Client) -> None:
    client.command("CREATE TABLE t (i Int64) ENGINE = MergeTree ORDER BY i")
    assert client.insert("t", [[1, 2, 3]], column_names=["i"], column_oriented=True).written_rows == 3
    assert client.insert("t", [], column_names=["i"]).written_rows == 0
    client.command("INSERT INTO t SELECT number FROM numbers(4)")
    client.command("INSERT INTO t (i) VALUES", data="(5), (6)")
    client.raw_insert("t", ["i"], '{"i": 7}\n{"i": 8}\n', fmt="JSONEachRow")
    client.raw_insert("t", ["i"], b"", fmt="Native")
    client.raw_insert("t", ["i"], "", fmt="JSONEachRow")
    assert client.command("SELECT count() FROM t") == 11


def test_inserts_with_settings_of_their_own(client: Client) -> None:
    client.command(
        "CREATE TABLE t (i Int64) ENGINE = MergeTree ORDER BY i SETTINGS non_replicated_deduplication_window = 10"
    )
    for _ in range(2):
        token = {"insert_deduplication_token": "it's block 1"}
        client.insert("t", [[1, 2]], column_names=["i"], column_oriented=True, settings=token)
    assert client.command("SELECT count() FROM t") == 2


@pytest.mark.parametrize(
    ("statement", "code", "name"),
    [
        ("SELECT nope", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT 1 FROM nope", 60, "UNKNOWN_TABLE"),
        ("SELECT 1 FROM nope.t", 81, "UNKNOWN_DATABASE"),
        ("SELECT FROM WHERE", 62, "SYNTAX_ERROR"),
        ("SELECT toInt8('x')", 6, "CANNOT_PARSE_TEXT"),
        ("SELECT {v:String}", 456, "UNKNOWN_QUERY_PARAMETER"),
        ("SET max_threads = 1", 48, "NOT_IMPLEMENTED"),
    ],
)
def test_errors_carry_the_code_of_the_server(client: Client, statement: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError, match=rf"Code: {code}\. DB::Exception: ") as raised:
        client.command(statement)
    assert (raised.value.code, raised.value.name) == (code, name)


def test_an_insert_that_is_refused_leaves_no_row(client: Client) -> None:
    client.command("CREATE TABLE t (i Int64, CONSTRAINT small CHECK i < 10) ENGINE = MergeTree ORDER BY i")
    with pytest.raises(DatabaseError) as raised:
        client.insert("t", [[1, 100]], column_names=["i"], column_oriented=True)
    assert raised.value.code == 469
    with pytest.raises(DatabaseError):
        client.insert("t", [[1]], column_names=["nope"], column_oriented=True, column_type_names=["Int64"])
    assert client.command("SELECT count() FROM t") == 0


def test_a_wrong_setting_is_refused(client: Client) -> None:
    for name in ("no_such_setting", "max_threads = 1, readonly"):
        status, headers, body = _ask_with(client, {"query": "SELECT 1", name: "1"})
        assert (status, headers["X-ClickHouse-Exception-Code"]) == (404, "115"), body


def _ask_with(client: Client, parameters: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    return _ask(client.uri, "POST", f"/?{urllib.parse.urlencode(parameters)}")


def test_large_answers_stream(client: Client) -> None:
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(1000000)") as blocks:
        assert sum(len(block) for block in blocks) == 1_000_000


def test_a_stream_whose_reader_leaves_is_ended(clickhouse_url: str, client: Client) -> None:
    for _ in range(STATEMENTS_AT_ONCE + 1):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(clickhouse_url).netloc, timeout=60)
        connection.request("POST", "/", b"SELECT number FROM system.numbers")
        answer = connection.getresponse()
        assert answer.read(4) == b"0\n1\n"
        answer.close()
        connection.close()
    running = "SELECT count() FROM system.processes WHERE query LIKE '%system.numbers'"
    deadline = time.monotonic() + 60
    while client.command(running) != 0:
        assert time.monotonic() < deadline, "endless statements run on"
        time.sleep(0.05)


def test_an_error_in_the_middle_of_a_stream_is_an_error(client: Client) -> None:
    statement = "SELECT number, throwIf(number = 500000) FROM numbers(1000000)"
    sizes: list[int] = []
    with client.query_row_block_stream(statement, settings={"max_threads": 1}) as blocks:  # noqa: SIM117 - one raises
        with pytest.raises(StreamFailureError) as raised:
            sizes.extend(len(block) for block in blocks)
    assert raised.value.code == 395
    assert 0 < sum(sizes) < 500_000


@pytest.mark.parametrize("packing", [False, "lz4", "gzip"])
def test_packed_both_ways(clickhouse_url: str, client: Client, packing: str | bool) -> None:
    client.command("CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY s")
    with clickhouse_connect.get_client(dsn=f"{clickhouse_url}/{client.database}", compress=packing) as packed:
        rows = [f"{i}" * 20 for i in range(1000)]
        packed.insert("t", [rows], column_names=["s"], column_oriented=True)
        assert sorted(packed.query("SELECT s FROM t").result_columns[0]) == sorted(rows)
        with packed.query_row_block_stream("SELECT s FROM t") as blocks:
            assert sum(len(block) for block in blocks) == 1000


def test_the_statement_may_be_in_the_url_or_in_the_body(clickhouse_url: str, client: Client) -> None:
    client.command("CREATE TABLE t (i Int64, s String) ENGINE = MergeTree ORDER BY i")
    lines = b'{"i": 1, "s": "FORMAT Native\\n"}\n'
    insert = f"INSERT INTO {client.database}.t (i, `s`) SETTINGS max_threads = 1 FORMAT JSONEachRow"
    in_url = f"/?{urllib.parse.urlencode({'query': insert})}"
    for target, body, encoding in (
        (in_url, lines, ""),
        (in_url, lz4.frame.compress(lines), "lz4"),
        ("/", insert.encode() + b"\n" + lines, ""),
        ("/", gzip.compress(insert.encode() + b"\n" + lines), "gzip"),
    ):
        status, headers, answer = _ask(clickhouse_url, "POST", target, body, Content_Encoding=encoding)
        assert (status, answer) == (200, b"")
        assert json.loads(headers["X-ClickHouse-Summary"])["written_rows"] == "1"
    assert client.query("SELECT i, s FROM t").result_rows == [(1, "FORMAT Native\n")] * 4


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [(b"not lz4", "lz4", 33), (lz4.frame.compress(b"SELECT 1" * 99)[:40], "lz4", 33), (b"SELECT 1", "br", 36)],
)
def test_a_body_that_does_not_unpack_is_refused(clickhouse_url: str, body: bytes, encoding: str, code: int) -> None:
    status, headers, answer = _ask(clickhouse_url, "POST", "/", body, Content_Encoding=encoding)
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (400, str(code))
    assert answer.startswith(f"Code: {code}. DB::Exception: ".encode())


def test_ping_and_get(clickhouse_url: str) -> None:
    assert _ask(clickhouse_url, "GET", "/ping")[::2] == (200, b"Ok.\n")
    assert _ask(clickhouse_url, "GET", "/")[::2] == (200, b"Ok.\n")
    assert _ask(clickhouse_url, "GET", "/?query=SELECT%201")[::2] == (200, b"1\n")
    status, headers, answer = _ask(clickhouse_url, "GET", "/?query=SELECT%201%20AS%20a&default_format=JSONEachRow")
    assert (status, headers["X-ClickHouse-Format"], answer) == (200, "JSONEachRow", b'{"a":1}\n')
    status, headers, _ = _ask(clickhouse_url, "GET", "/?query=CREATE%20DATABASE%20by_get")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "164"), "GET may only read"


def test_pages_in_a_browser_are_refused(clickhouse_url: str) -> None:
    assert _ask(clickhouse_url, "POST", "/", b"SELECT 1", Origin="http://elsewhere.example")[0] == 403
    assert _ask(clickhouse_url, "POST", "/", b"SELECT 1", Host="elsewhere.example")[0] == 403


def test_inserts_and_reads_at_once(clickhouse_url: str, client: Client) -> None:
    client.command("CREATE TABLE t (i Int64, w Int64) ENGINE = MergeTree ORDER BY i")
    failures: list[Exception] = []

    def write(worker: int) -> None:
        try:
            with clickhouse_connect.get_client(dsn=f"{clickhouse_url}/{client.database}") as own:
                columns: list[Any] = [list(range(1000)), [worker] * 1000]
                for _ in range(10):
                    own.insert("t", columns, column_names=["i", "w"], column_oriented=True)
        except Exception as error:  # any failure of a thread is a failure of the test
            failures.append(error)

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for writer in writers:
        writer.start()
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        seen.append(client.command("SELECT count() FROM t"))  # type: ignore[arg-type]  # a number
        assert seen[-1] % 1000 == 0, "a block is seen whole or not at all"
    assert (failures, seen) == ([], sorted(seen))
    assert client.command("SELECT count() FROM t") == 40_000


def test_a_slow_statement_does_not_stop_the_others(clickhouse_url: str, client: Client) -> None:
    slow = http.client.HTTPConnection(urllib.parse.urlsplit(clickhouse_url).netloc, timeout=60)
    slow.request("POST", "/", b"SELECT sleepEachRow(1) FROM numbers(600) SETTINGS max_block_size = 1")
    running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleepEachRow%'"
    deadline = time.monotonic() + 60
    while client.command(running) != 1:
        assert time.monotonic() < deadline, "it does not begin"
    for _ in range(5):
        assert _ask(clickhouse_url, "GET", "/ping")[0] == 200
        assert _ask(clickhouse_url, "GET", "/?query=SELECT%202")[2] == b"2\n"
    assert client.command(running) == 1
    slow.close()
