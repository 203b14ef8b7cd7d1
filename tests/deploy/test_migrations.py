"""The tables as they are shipped: applied in order and once, told in comments, and just what the code writes into."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from sinks import columns
from sinks.clickhouse import connect, migrate, pending, statements
from sinks.lost_tables import lost, make_anew
from sinks.review.snapshot import PRUNING
from streams.events import ReferenceRow
from tests.sinks.test_prometheus import FINDING
from tests.streams.test_ingest import TOPICS, batch, event, read

SCRIPTS = sorted(each.name for each in files("deploy.clickhouse").iterdir() if each.name.endswith(".sql"))


WEEK = (0.0,) * 168

# Columns that ClickHouse makes of others, the one that a join fills, and those that a worker with a key of content does
# (tests/streams/test_sealing.py).
MADE = {
    "inference_parts": {"week", "shadowed_by", "prompt_hash", "stored_at", "sealed_request", "sealed_response"},
    "feedback_events": {"version", "stored_at", "sealed_explanation", "sealed_correction"},
    "dead_letters": {"set_aside_at"},
    "finding_events": {"version", "stored_at"},
}


def _script(name: str) -> str:
    return files("deploy.clickhouse").joinpath(name).read_text(encoding="utf-8")


@pytest.fixture
def empty(clickhouse_url: str) -> Iterator[Client]:
    """A client of a database that is not there yet."""
    client = connect(f"{clickhouse_url}/migrated_{uuid4().hex}")
    yield client
    client.command(f"DROP DATABASE IF EXISTS {client.database}")
    client.close()


def test_files_are_numbered_without_a_hole() -> None:
    assert [name[:4] for name in SCRIPTS] == [f"{n:03}_" for n in range(1, len(SCRIPTS) + 1)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_table_opens_with_what_it_is_for(name: str) -> None:
    assert _script(name).startswith("-- ")
    for statement in statements(_script(name)):
        # A view that only hides FINAL, or fills the table, stands below the table whose comment it shares.
        assert statement.startswith(("-- ", "CREATE VIEW", "CREATE MATERIALIZED VIEW"))


def test_the_view_says_how_a_week_is_read_without_reading_all() -> None:
    assert PRUNING in _script("001_inferences.sql")


def test_they_are_applied_in_order_and_once(empty: Client) -> None:
    assert pending(empty) == SCRIPTS
    assert migrate(empty) == SCRIPTS
    assert pending(empty) == []
    assert migrate(empty) == []
    assert empty.database is not None
    assert empty.query("SELECT name FROM migrations ORDER BY name").result_rows == [(name,) for name in SCRIPTS]


def test_workers_that_start_at_once_do_not_stand_in_each_others_way(empty: Client, clickhouse_url: str) -> None:
    def start(_: int) -> None:
        with connect(f"{clickhouse_url}/{empty.database}") as client:
            migrate(client)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(start, range(4)))
    assert pending(empty) == []


def test_a_file_that_broke_off_is_applied_again(empty: Client) -> None:
    migrate(empty)
    empty.command("DROP VIEW findings")
    empty.command("TRUNCATE TABLE migrations")
    assert migrate(empty) == SCRIPTS
    assert empty.query("SELECT count() FROM findings").result_rows == [(0,)]


def test_a_database_of_an_older_version_gets_what_is_new(empty: Client) -> None:
    migrate(empty)
    last = SCRIPTS[-1]
    made = re.findall(r"^CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS (\w+)", _script(last), re.MULTILINE)
    for table in made:
        empty.command(f"DROP TABLE {table}")
    empty.command("TRUNCATE TABLE migrations")
    empty.insert("migrations", [[name] for name in SCRIPTS[:-1]], column_names=["name"])
    assert migrate(empty) == [last]
    for table in made:
        assert empty.query(f"SELECT count() FROM {table}").result_rows == [(0,)]  # noqa: S608  # a name from the file


def _written() -> dict[str, set[str]]:
    """Return the columns that the code writes, by table: of things of which everything is known."""
    known = {
        "inference.requests": {
            "source.version": "1", "trace_id": "", "span_id": "", "gen_ai.conversation.id": "c", "user.id": "u",
            "service.name": "s", "deployment.environment.name": "e", "http.route": "r", "tags": {"a": "b"},
            "gen_ai.provider.name": "p", "gen_ai.request.model": "m", "gen_ai.request.stream": True,
            "gen_ai.request.seed": 1, "gen_ai.system_instructions": [], "gen_ai.tool.definitions": [], "input": 1,
            "content_state": "captured", "content_ref": "x",
        },
        "inference.responses": {
            "gen_ai.response.id": "i", "gen_ai.response.model": "m", "gen_ai.output.messages": [], "output": 1,
            "gen_ai.usage.input_tokens": 1, "gen_ai.usage.cache_read.input_tokens": 1,
            "gen_ai.usage.reasoning.output_tokens": 1, "gen_ai.response.time_to_first_chunk": 1, "error.type": "t",
            "error.message": "m", "http.response.status_code": 200, "cost_usd": 1, "cache_hit": True,
        },
        "inference.feedback": {
            "gen_ai.evaluation.score.label": "l", "gen_ai.evaluation.explanation": "e", "feedback.data_type": "text",
            "feedback.rater_id": "r", "feedback.correction": 1, "feedback.choice": 1, "error.type": "t",
        },
    }  # fmt: skip
    known = {topic: known["inference.requests"] | more for topic, more in known.items()}
    block = read(
        *(batch(topic, 0, 0, [event(topic, **known[topic])]) for topic in TOPICS), batch(TOPICS[0], 1, 0, [b"x"])
    )
    assert len(block.letters) == 1
    tables = [
        *block.tables(),
        ("inference_parts", columns.score_parts(["i"], [0], [0.5], 0)),
        ("finding_events", columns.finding_rows([FINDING])),
        ("references", columns.reference_rows([ReferenceRow("s", "m", 0, "pinned", 1, "s", WEEK, WEEK, WEEK, 1)])),
        ("ledger", columns.ledger_rows(block.ledger, 0)),
    ]
    found: dict[str, set[str]] = {}
    for table, rows in tables:
        found[table] = found.get(table, set()) | set(rows.column_names)
    return found


def test_the_code_writes_every_column_of_every_table_and_no_other(empty: Client) -> None:
    migrate(empty)
    query = "SELECT name, table FROM system.columns WHERE database = {database:String}"
    written = _written()
    shipped: dict[str, set[str]] = {}
    for name, table in empty.query(query, {"database": empty.database}).result_rows:
        shipped.setdefault(table, set()).add(name)
    views = ("inferences", "feedback", "feedback_targets", "findings", "findings_of_incidents", "incidents")
    filled_by_views = ("accounts", "aliases", "awaited", "segments", "prompt_vectors")
    not_the_walks = ("migrations", "timeouts_found", "finding_acks", "dead_letter_replays", "reference_log")
    of_others = (*not_the_walks, "erased", "erasing", "content_keys", "sealed_questions", "prompt_vectors_of_sealed")
    for table in (*views, *filled_by_views, *(f"{name}_of_parts" for name in filled_by_views), *of_others):
        del shipped[table]
    for table, made in MADE.items():
        shipped[table] -= made
    assert written == shipped


def test_what_is_lost_is_found_and_made_anew_as_it_was(empty: Client) -> None:
    migrate(empty)
    empty.insert("segments", [["kept"]], column_names=["segment"])
    made, gone = _columns(empty), ["aliases_of_parts", "feedback", "inference_parts", "ledger"]
    assert lost(empty) == []
    for name in gone:
        empty.command(f"DROP TABLE {name}")
    assert lost(empty) == gone
    assert make_anew(empty) == gone
    assert _columns(empty) == made
    assert make_anew(empty) == lost(empty) == []
    assert empty.query("SELECT segment FROM segments").result_rows == [("kept",)], "the others are as they were"


def test_what_is_still_to_be_made_is_not_lost(empty: Client) -> None:
    assert lost(empty) == []
    migrate(empty)
    empty.command("DROP TABLE dead_letter_replays")
    empty.command("ALTER TABLE migrations DELETE WHERE name LIKE '012%' SETTINGS mutations_sync = 2")
    assert lost(empty) == []


def _columns(client: Client) -> list[tuple[str, ...]]:
    columns = client.query(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY ALL"
    )
    return [tuple(row) for row in columns.result_rows]
