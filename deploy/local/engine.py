"""ClickHouse's engine, chDB, behind the local ClickHouse: a statement goes in, its answer or its error comes out."""

import fcntl
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.statements import Insert, Statement

_ERROR = re.compile(r"Code: (\d+)\. .*", re.DOTALL)
_SETTING_NAME = re.compile(r"\w+")

# ClickHouse's src/Common/ErrorCodes.cpp
CANNOT_READ_ALL_DATA, BAD_ARGUMENTS, NOT_IMPLEMENTED, UNKNOWN_SETTING, STD_EXCEPTION = 33, 36, 48, 115, 1001


class EngineFailed(Exception):
    """The engine did not open its directory; the message names the cure."""


class StatementFailed(Exception):
    """A statement was refused: ClickHouse's error `code`, and its line "Code: NN. DB::Exception: ..." as `str()`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message if message.startswith("Code: ") else f"Code: {code}. DB::Exception: {message}")
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What a statement answered: bytes in its format, and the rows and bytes that it read or, inserting, wrote."""

    body: bytes
    rows: int
    bytes: int
    wrote: bool


class Engine:
    """The owner of one directory of tables. Thread-safe: each statement gets a connection of its own.

    A connection costs 0.2 ms and takes what a statement sets (database, settings) with it when it closes, which is what
    ClickHouse does for a request without a session.

    Raises:
        EngineFailed: another process owns `path` (chDB allows one), or the directory is unusable.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = str(path.resolve())
        _refuse_second_owner(path)
        try:
            self._owner = _connect(self._path)
        except RuntimeError as error:
            raise EngineFailed(f"chDB cannot open {path}: {error}") from None
        about = self._owner.query("SELECT version(), timezone()", "TabSeparated").bytes().decode()
        self.version, self.timezone = about.rstrip("\n").split("\t")

    def run(self, statement: Statement) -> Answer:
        """Run a statement to its end. Raises StatementFailed."""
        insert = statement.insert
        with self._session(statement) as session:
            if insert:
                result = _insert(session, insert, statement.parameters)
            else:
                result = session.query(statement.text, statement.default_format, params=dict(statement.parameters))
            wrote = not statement.answers_with_rows
            return Answer(result.bytes() or b"", result.rows_read(), result.bytes_read(), wrote)

    def stream(self, statement: Statement) -> Iterator[bytes]:
        """Run a statement and yield its answer block by block. Raises StatementFailed at any step."""
        with self._session(statement) as session:
            blocks = session.send_query(statement.text, statement.default_format, params=dict(statement.parameters))
            try:
                for block in blocks:
                    yield block.bytes()
            finally:
                blocks.close()

    def close(self) -> None:
        self._owner.close()

    @contextmanager
    def _session(self, statement: Statement) -> Iterator[Any]:
        if statement.needs_a_session:
            cure = "send settings and the database with each statement"
            raise StatementFailed(NOT_IMPLEMENTED, f"the local ClickHouse keeps no sessions: {cure}. (NOT_IMPLEMENTED)")
        session = _connect(self._path)
        try:
            session.query(f"USE {_quoted(statement.database, '`')}")
            if statement.settings:
                session.query("SET " + ", ".join(map(_assignment, statement.settings.items())))
            if statement.read_only:
                session.query("SET readonly = 2")
            yield session
        except RuntimeError as error:  # the one class chDB raises
            raise _failed(str(error)) from None
        finally:
            session.close()


def _connect(path: str) -> Any:
    import chdb  # here, for it brings the whole engine into the process

    return chdb.connect(path)


def _refuse_second_owner(path: Path) -> None:
    """chDB would find its lock taken too, but says so in its own words on the process's stderr."""
    status = path / "status"
    if not status.exists():
        return
    with status.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = lock.readline().strip() or "its pid is not known"  # "PID: 1234"
            cure = "stop that one or choose another --path"
            raise EngineFailed(f"{path} belongs to another local ClickHouse ({owner}): {cure}") from None


def _insert(session: Any, insert: Insert, parameters: Mapping[str, str]) -> Any:
    """Hand data to the engine through a nameless file: data that follow a statement it would parse as SQL."""
    with tempfile.TemporaryFile() as data:
        data.write(insert.data)
        data.seek(0)  # which also flushes
        return session.query(insert.from_file(f"/dev/fd/{data.fileno()}"), "TabSeparated", params=dict(parameters))


def _assignment(setting: tuple[str, str]) -> str:
    name, value = setting
    if not _SETTING_NAME.fullmatch(name):
        raise StatementFailed(UNKNOWN_SETTING, f"Unknown setting {name!r}. (UNKNOWN_SETTING)")
    return f"{name} = {_quoted(value, chr(39))}"


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _failed(message: str) -> StatementFailed:
    found = _ERROR.search(message)
    return StatementFailed(int(found[1]), found[0]) if found else StatementFailed(STD_EXCEPTION, message)
