"""The door to ClickHouse: Arrow tables go in, and its errors come out as "busy" or "broken"."""

import re
from collections.abc import Callable
from importlib.resources import files
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, StreamFailureError
from urllib3.exceptions import HTTPError

from sinks.base import SinkBroken, SinkBusy, SinkError

T = TypeVar("T")

# Server codes that pass with time. A code that is not here stops the worker: it would be refused for ever.
PASSING = {
    3: "unexpected end of file", 23: "cannot read", 74: "disk", 75: "disk", 159: "timeout", 198: "name lookup",
    202: "too many queries", 203: "no free connection", 209: "socket timeout", 210: "network", 216: "duplicate query",
    225: "no keeper", 236: "shutting down", 241: "memory limit", 242: "read-only replica", 243: "disk full",
    252: "too many parts", 279: "no replica answers", 285: "too few live replicas", 286: "quorum not reached",
    319: "unknown status of insert", 394: "query cancelled", 425: "system error", 439: "no threads", 999: "keeper",
}  # fmt: skip

NOT_LET_IN = {192, 193, 194, 516}  # the server's words about these name the user
CURES = dict.fromkeys((16, 60), " Restore it as deploy/clickhouse has it, then start the worker: nothing is lost.")
CURES[497] = " Give it its role of deploy/clickhouse/access/roles.sql; `sluice migrate` is for the schema's owner."
CURES[81] = " Start the worker anew: it makes the database."

INSERT = {
    "async_insert": 0,  # an answer has to mean that the rows are in the table, whatever the user's profile says
    # A backfill makes many weekly parts in one insert; that is not the mistake that ClickHouse guards against.
    "max_partitions_per_insert_block": 0,
}

AWAY = (HTTPError, OSError, StreamFailureError)
ANSWERS_WITHIN_S = 120  # after which a call has failed


class ClickHouse:
    """A connection that inserts Arrow tables; blocking, and safe to use from several threads.

    Each `insert` returns once the server has confirmed the rows. Raises SinkBusy when the same insert may succeed
    later and SinkBroken when it cannot.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.client = connect(url)
        except (ClickHouseError, *AWAY) as error:
            raise judged(error, url) from error

    def insert(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        try:
            self.client.insert_arrow(table, rows, settings=INSERT)
        except (ClickHouseError, *AWAY) as error:
            raise judged(error, self.url) from error

    def ask(self, ask: Callable[[Client], T]) -> T:
        """Return what a function asks of the connection, its failures told apart as an insert's are."""
        try:
            return ask(self.client)
        except (ClickHouseError, *AWAY) as error:
            raise judged(error, self.url) from error

    def close(self) -> None:
        self.client.close()


def connect(url: str, answers_within_s: int = ANSWERS_WITHIN_S) -> Client:
    """Connect to `http[s]://[user:password@]host:port/database[?ca=FILE]`; the database need not exist for this.

    `ca` names a PEM file of whom to trust besides those that everyone trusts.
    """
    parts = urlsplit(url)
    client = clickhouse_connect.get_client(
        host=parts.hostname or "127.0.0.1",
        port=_port(parts),
        secure=parts.scheme == "https",
        ca_cert=dict(parse_qsl(parts.query)).get("ca"),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else "",
        # One client serves many threads: without a session, queries do not wait for one another.
        autogenerate_session_id=False,
        connect_timeout=10,
        send_receive_timeout=answers_within_s,
    )
    client.database = parts.path.strip("/") or "sluice"
    return client


def migrate(client: Client) -> list[str]:
    """Create the database, apply the files of deploy/clickhouse that it has not seen, in order; return their names.

    Where there are none nothing is changed, so that a user who may not change the schema can call it.
    """
    fresh = pending(client)
    if not fresh:
        return []
    database = client.database
    client.database = None  # or the server refuses the request: the database is not there yet
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.database = database
    client.command("CREATE TABLE IF NOT EXISTS migrations (name String) ENGINE = ReplacingMergeTree ORDER BY name")
    for name in fresh:
        for statement in statements(files("deploy.clickhouse").joinpath(name).read_text(encoding="utf-8")):
            client.command(statement)
        client.insert("migrations", [[name]], column_names=["name"])
    return fresh


def pending(client: Client) -> list[str]:
    """Name the files of deploy/clickhouse that the database has not seen, in order."""
    shipped = {script.name for script in files("deploy.clickhouse").iterdir() if script.name.endswith(".sql")}
    seen = client.query(
        "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'migrations'",
        parameters={"database": client.database},
        settings={"database": "default"},
    )
    if seen.result_rows == [(0,)]:
        return sorted(shipped)
    return sorted(shipped - {name for (name,) in client.query("SELECT DISTINCT name FROM migrations").result_rows})


def statements(script: str) -> list[str]:
    """Split a file of SQL at the semicolons that end its lines; comments go with the statement below them."""
    return [part for part in (part.strip() for part in re.split(r";\s*$", script, flags=re.MULTILINE)) if part]


def judged(error: BaseException, url: str) -> SinkError:
    """Say of an error whether waiting helps. Only the server's own words count as a lasting refusal.

    The line names the server's address, and neither user nor password.
    """
    parts, code = urlsplit(url), getattr(error, "code", None)
    where = f"ClickHouse at {parts.scheme}://{parts.hostname}:{_port(parts)}"
    if code is None:
        status = re.search(r"HTTP status \d+", str(error))  # of a proxy, say: ClickHouse names a code
        return SinkBusy(f"{where} does not answer ({status[0] if status else type(error).__name__})")
    if code in PASSING:
        return SinkBusy(f"{where} is busy: {PASSING[code]} (code {code})", retry_after=2.0)
    if code in NOT_LET_IN:
        return SinkBroken(f"{where} does not let us in (code {code}): mend user and password in its URL")
    said = str(error).partition("\n")[0].rpartition("DB::Exception: ")[2].partition(" (version ")[0][:300]
    return SinkBroken(f"{where} refuses (code {code}): {said}{CURES.get(code, '')}")


def _port(parts: SplitResult) -> int:
    return parts.port or (8443 if parts.scheme == "https" else 8123)
