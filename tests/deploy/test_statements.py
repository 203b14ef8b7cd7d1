"""Where an INSERT ends and its data begin, and which statements answer with rows or need a session."""

import time

import pytest

from deploy.local.statements import Insert, Statement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02\n", Insert(b"INSERT INTO t", b"", b"Native", b"\x01\x02\n")),
        (b"insert into t format CSV\n1", Insert(b"insert into t", b"", b"CSV", b"1")),
        (b"INSERT INTO t FORMAT Native\n\t\x01", Insert(b"INSERT INTO t", b"", b"Native", b"\t\x01")),
        (b"INSERT INTO t FORMAT Native", Insert(b"INSERT INTO t", b"", b"Native", b"")),
        (b'INSERT INTO t FORMAT JSONEachRow {"a":1}', Insert(b"INSERT INTO t", b"", b"JSONEachRow", b'{"a":1}')),
        (
            b"-- why\n/* FORMAT x */ INSERT INTO TABLE `d b`.t (a, `b)`)\n FORMAT Native\n\xff",
            Insert(b"INSERT INTO TABLE `d b`.t (a, `b)`)", b"", b"Native", b"\xff"),
        ),
        (
            b"INSERT INTO t SETTINGS a = 1, b='it\\'s FORMAT y' FORMAT Native\n\x00",
            Insert(b"INSERT INTO t", b"SETTINGS a = 1, b='it\\'s FORMAT y'", b"Native", b"\x00"),
        ),
    ],
)
def test_inserts_with_data(text: bytes, expected: Insert) -> None:
    insert = Statement(text).insert
    assert insert is not None
    parts = (insert.into.rstrip(), insert.settings, insert.format, insert.data)
    assert parts == (expected.into, expected.settings, expected.format, expected.data)


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO t VALUES (1, 'FORMAT Native')",
        b"INSERT INTO t SELECT format FROM x FORMAT Native",
        b"SELECT 'INSERT INTO t FORMAT Native'",
        b"",
    ],
)
def test_other_statements_have_no_data(text: bytes) -> None:
    assert Statement(text).insert is None


@pytest.mark.parametrize(
    ("text", "rows", "format_"),
    [
        (b"SELECT 1 FORMAT Native", True, b"Native"),
        (b" (select 1) format JSON ;\n", True, b"JSON"),
        (b"/* a */ -- b\nWITH x AS (SELECT 1) SELECT * FROM x", True, b"TabSeparated"),
        (b"SHOW TABLES", True, b"TabSeparated"),
        (b"CREATE TABLE selected (i Int64)", False, b"TabSeparated"),
        (b"SELECTED", False, b"TabSeparated"),
    ],
)
def test_what_answers_with_rows_and_in_which_format(text: bytes, rows: bool, format_: bytes) -> None:
    assert (Statement(text).answers_with_rows, Statement(text).format) == (rows, format_)


def test_only_blockwise_formats_stream() -> None:
    assert Statement(b"SELECT 1 FORMAT Native").may_stream
    assert not Statement(b"SELECT 1 FORMAT Arrow").may_stream
    assert not Statement(b"INSERT INTO t FORMAT Native").may_stream


@pytest.mark.parametrize("text", [b"SET a = 1", b"-- x\nuse d", b"CREATE TEMPORARY TABLE t (i Int8)"])
def test_what_needs_a_session(text: bytes) -> None:
    assert Statement(text).needs_a_session
    assert not Statement(b"SELECT 1; " + text).needs_a_session


def test_a_page_of_comments_is_read_in_no_time() -> None:
    statement = Statement(b"/* a */ -- b\n" * 2000 + b"ALTER TABLE t DELETE WHERE 1")
    begun = time.perf_counter()
    assert (statement.insert, statement.answers_with_rows, statement.needs_a_session) == (None, False, False)
    assert time.perf_counter() - begun < 1
