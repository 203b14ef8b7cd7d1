"""What ClickHouse says, or fails to say, is judged right: waited for where that helps, else a line with a cure."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.processes import free_port
from sinks import columns
from sinks.base import SinkBroken, SinkBusy, SinkError
from sinks.clickhouse import PASSING, ClickHouse, connect, judged, migrate
from streams.events import LedgerRow
from tests.sinks.half_server import HalfServer

SECRET = "pass%2Fw%40rd"  # noqa: S105  # of nobody
URL = f"http://alice:{SECRET}@ch.example:8123/sluice"


def ledger(first: int) -> pa.Table:
    return columns.ledger_rows([LedgerRow("t", 0, first, first, 1, 1, 0, 1, 0)], 0)


def firsts(sink: ClickHouse) -> list[int]:
    rows = sink.client.query("SELECT first_offset FROM ledger WHERE topic = 't' ORDER BY first_offset").result_rows
    return [first for (first,) in rows]


def _is_one_plain_line(error: SinkError) -> bool:
    said = str(error)
    return "\n" not in said and len(said) < 500 and not any(word in said for word in ("alice", SECRET, "pass/w@rd"))


@pytest.fixture(scope="module")
def served(clickhouse_url: str) -> Iterator[tuple[HalfServer, ClickHouse]]:
    with HalfServer(clickhouse_url) as server:
        sink = ClickHouse(server.url.replace("//", f"//alice:{SECRET}@") + f"/half_{uuid4().hex}")
        migrate(sink.client)
        yield server, sink
        server.answer = None
        sink.client.command(f"DROP DATABASE {sink.client.database}")
        sink.close()


@pytest.fixture
def server(served: tuple[HalfServer, ClickHouse]) -> HalfServer:
    """A server that does as it is told."""
    served[0].answer = None
    return served[0]


@pytest.fixture
def half(server: HalfServer, served: tuple[HalfServer, ClickHouse]) -> ClickHouse:  # noqa: ARG001  # it answers again
    """A sink on that server; its ledger is empty."""
    served[1].client.command("TRUNCATE TABLE ledger")
    return served[1]


def test_rows_are_there_when_insert_returns_from_several_threads_at_once(sink: ClickHouse) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: sink.insert("ledger", ledger(n)), range(12)))
    assert firsts(sink) == list(range(12))
    sink.insert("nothing here", ledger(0).slice(0, 0))  # no rows, no insert


def test_one_insert_may_make_the_parts_of_many_weeks(sink: ClickHouse) -> None:
    week = 7 * 86_400 * 10**9
    times = [1_420_070_400_000_000_000 + n * week for n in range(150)]
    sink.insert("inference_parts", columns.score_parts([f"w{n}" for n in range(150)], times, [0.5] * 150, 0))
    query = "SELECT uniqExact(week) FROM inference_parts WHERE startsWith(inference_id, 'w')"
    assert sink.client.query(query).result_rows == [(150,)]


def test_a_port_at_which_nobody_listens_is_busy() -> None:
    port = free_port()
    with pytest.raises(SinkBusy, match=rf"ClickHouse at http://127\.0\.0\.1:{port} does not answer") as busy:
        ClickHouse(f"http://alice:{SECRET}@127.0.0.1:{port}/sluice")
    assert _is_one_plain_line(busy.value)


OK = b"HTTP/1.1 200 OK\r\n"
NOT_THERE = b"Code: 60. DB::Exception: Table x.ledger does not exist. (UNKNOWN_TABLE) (version 26.5.1.1)\n"


def refusal(status: str, code: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nX-ClickHouse-Exception-Code: {code}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "does not answer"),
        (OK, "does not answer"),
        (OK + b'X-ClickHouse-Progress: {"read_rows":"1"}\r\n', "does not answer"),
        (OK + b"Content-Length: 100\r\n\r\nbut", "does not answer"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "does not answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nnope", "HTTP status 503"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nproxy", "HTTP status 403"),
        (refusal("500 Internal Server Error", 252, b"Code: 252. DB::Exception: Too many parts."), "too many parts"),
        # The status is sent before the rows are written; what goes wrong then is said in a later header.
        (refusal("200 OK", 241, b"Code: 241. DB::Exception: Memory limit."), "memory limit"),
    ],
    ids=["closed", "status alone", "headers cut", "body cut", "chunk cut", "not HTTP", "503", "403", "252", "200, 241"],
)
def test_a_server_that_is_in_trouble_is_waited_for_and_takes_the_rows_later(
    server: HalfServer, half: ClickHouse, answer: bytes, said: str
) -> None:
    server.answer = answer
    with pytest.raises(SinkBusy, match=said) as busy:
        half.insert("ledger", ledger(1))
    assert _is_one_plain_line(busy.value)
    assert busy.value.retry_after > 0
    server.answer = None
    half.insert("ledger", ledger(1))
    assert firsts(half) == [1]


def test_a_table_or_column_or_database_that_is_not_there_is_broken_in_one_line(clickhouse_url: str) -> None:
    gone = ClickHouse(f"{clickhouse_url}/gone_{uuid4().hex}")
    with pytest.raises(
        SinkBroken, match=r"\(code 81\): Database gone_\w+ does not exist.*makes the database"
    ) as broken:
        gone.insert("ledger", ledger(1))
    assert _is_one_plain_line(broken.value)
    migrate(gone.client)
    with pytest.raises(SinkBroken, match=r"\(code 60\): Table gone_\w+\.unheard does not exist") as broken:
        gone.insert("unheard", ledger(1))
    assert _is_one_plain_line(broken.value)
    with pytest.raises(SinkBroken, match=r"\(code 16\): No such column colour") as broken:
        gone.insert("ledger", pa.table({"colour": ["red"]}))
    assert _is_one_plain_line(broken.value)
    gone.client.command(f"DROP DATABASE {gone.client.database}")
    gone.close()


def test_who_is_not_let_in_is_told_so_without_a_name(server: HalfServer, half: ClickHouse) -> None:
    words = b"Code: 516. DB::Exception: alice: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)"
    server.answer = refusal("403 Forbidden", 516, words)
    with pytest.raises(SinkBroken, match=r"does not let us in \(code 516\): mend user and password") as broken:
        half.insert("ledger", ledger(1))
    assert _is_one_plain_line(broken.value)
    with pytest.raises(SinkBroken) as broken:
        ClickHouse(half.url)
    assert _is_one_plain_line(broken.value)


@pytest.mark.parametrize("code", PASSING)
def test_codes_that_pass_are_waited_for(code: int) -> None:
    error = judged(DatabaseError(f"Received ClickHouse exception, code: {code}", code=code), URL)
    assert isinstance(error, SinkBusy)
    assert str(error) == f"ClickHouse at http://ch.example:8123 is busy: {PASSING[code]} (code {code})"


def test_a_code_that_nobody_knows_is_broken_with_the_servers_own_words() -> None:
    words = (
        "Received ClickHouse exception, code: 9001, server response: Code: 9001. DB::Exception: No. (version 1)\nmore"
    )
    error = judged(DatabaseError(words, code=9001), URL)
    assert isinstance(error, SinkBroken)
    assert str(error) == "ClickHouse at http://ch.example:8123 refuses (code 9001): No."
    secure = judged(DatabaseError("", code=9001), "https://ch.example/sluice")
    assert "https://ch.example:8443 refuses" in str(secure)


def test_the_url_names_the_user_the_password_and_the_database(server: HalfServer, half: ClickHouse) -> None:
    assert half.client.headers["Authorization"] == "Basic YWxpY2U6cGFzcy93QHJk"  # type: ignore[attr-defined]  # of its HTTP client
    with connect(server.url) as client:
        assert client.database == "sluice"
