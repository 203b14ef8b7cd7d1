"""Rows lose their content when its time is over, and go when theirs is; what is told once is not told again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect, migrate
from sinks.retention import CONTENT, Retention, apply
from streams.cli import main
from tests.sinks.review.planting import feedback, finding, inference, plant, request, response

NOW = datetime.now(UTC)


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    client = connect(f"{clickhouse_url}/retained_{uuid4().hex}")
    migrate(client)
    yield client
    client.command(f"DROP DATABASE {client.database}")
    client.close()


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def materialize(client: Client, *tables: str) -> None:
    """Let ClickHouse do at once what it would come to within hours."""
    for table in tables:
        client.command(f"ALTER TABLE {table} MATERIALIZE TTL", settings={"mutations_sync": 2})
        client.command(f"OPTIMIZE TABLE {table} FINAL")


def test_content_goes_first_then_the_row(client: Client) -> None:
    for name, age in (("new", 1), ("old", 100), ("ancient", 500)):
        stored = days_ago(age).replace(microsecond=0)
        plant(client, [request(name, NOW, stored_at=stored)])
        plant(client, [response(name, NOW, stored_at=stored, output_tokens=7, error_message="said")])
        said = {"explanation": "why", "correction": '"so"', "score": 0.0}
        plant(client, [feedback(f"f {name}", name, NOW, stored_at=stored, **said)])
    apply(client, Retention())
    materialize(client, "inference_parts", "feedback_events")
    kept = (
        "SELECT inference_id, input_messages != '', output_messages != '', error_message, output_tokens FROM inferences"
    )
    assert client.query(f"{kept} ORDER BY inference_id").result_rows == [
        ("new", True, True, "said", 7),
        ("old", None, None, None, 7),
    ]
    told = "SELECT feedback_id, explanation, correction, score FROM feedback_events ORDER BY feedback_id"
    assert client.query(told).result_rows == [("f new", "why", '"so"', 0.0), ("f old", None, None, 0.0)]


def test_it_counts_from_when_something_was_stored_and_a_replay_of_the_past_is_kept(client: Client) -> None:
    for age in (1, 500):
        stored = days_ago(age).replace(microsecond=0)
        client.insert(
            "aliases", [[f"call:{age}", f"{age}", NOW, stored]], ["alias", "inference_id", "time", "stored_at"]
        )
        client.insert("finding_events", [[f"{age}", stored]], ["finding_id", "stored_at"])
        client.insert("prompt_vectors", [[f"{age}", stored]], ["inference_id", "stored_at"])
    long_ago = days_ago(900)
    plant(
        client, [*inference("replayed", long_ago), finding("of long ago", "x", long_ago), feedback("f", "x", long_ago)]
    )
    apply(client, Retention())
    materialize(client, "aliases", "finding_events", "prompt_vectors", "inference_parts", "feedback_events")
    assert client.query("SELECT inference_id, input_messages != '' FROM inferences").result_rows == [("replayed", True)]
    assert client.query("SELECT feedback_id FROM feedback_events").result_rows == [("f",)]
    names = "SELECT DISTINCT inference_id FROM {table:Identifier} ORDER BY 1"
    assert client.query(names, {"table": "aliases"}).result_rows == [("1",), ("replayed",)]
    assert client.query(names, {"table": "prompt_vectors"}).result_rows == [("1",), ("replayed",)]
    assert client.query("SELECT finding_id FROM finding_events ORDER BY 1").result_rows == [("1",), ("of long ago",)]


def test_a_late_half_does_not_bring_content_back(client: Client) -> None:
    """It merges into a row of the older time, whose content is over the next time that ClickHouse looks."""
    apply(client, Retention())
    for age, said in ((100, '"first"'), (1, '"late"')):
        stored = days_ago(age).replace(microsecond=0)
        plant(
            client, [request("old", NOW, stored_at=stored, input_messages=said), response("old", NOW, stored_at=stored)]
        )
    client.command("OPTIMIZE TABLE inference_parts FINAL")
    materialize(client, "inference_parts")
    for column in CONTENT["inference_parts"]:
        assert client.query(f"SELECT {column} FROM inference_parts").result_rows == [(None,)]  # noqa: S608  our own


def test_a_dead_letter_goes_when_its_time_is_over(client: Client) -> None:
    """As the schema has it and as a setting has it: each keeps what is younger."""
    named = ["topic", "offset", "set_aside_at"]
    for keeps, ages in ((Retention(), (29, 31)), (Retention(dead_letters=7), (6, 8))):
        client.insert("dead_letters", [[f"{age}", age, days_ago(age).replace(microsecond=0)] for age in ages], named)
        client.insert(
            "dead_letter_replays",
            [[f"{age}", age, days_ago(age).replace(microsecond=0)] for age in ages],
            ["topic", "offset", "replayed_at"],
        )
        apply(client, keeps)
        materialize(client, "dead_letters", "dead_letter_replays")
        for table in ("dead_letters", "dead_letter_replays"):
            assert client.query(f"SELECT offset FROM {table}").result_rows == [(min(ages),)]  # noqa: S608  our own


def test_the_owner_of_the_schema_leaves_nothing_to_a_worker_that_may_alter_nothing(
    client: Client, clickhouse_url: str
) -> None:
    url = f"{clickhouse_url}/{client.database}"
    said = CliRunner().invoke(
        main, ["migrate"], env={"SLUICE_CLICKHOUSE_URL": url, "SLUICE_KEEP_DEAD_LETTERS_DAYS": "7"}
    )
    assert (said.exit_code, "Retention: ALTER TABLE dead_letters" in said.output) == (0, True), said.output
    assert apply(client, Retention(dead_letters=7)) == []


def test_it_is_told_once_and_again_only_where_it_changes(client: Client) -> None:
    assert {statement.split()[2] for statement in apply(client, Retention())} == {
        "inference_parts",
        "aliases",
        "feedback_events",
        "finding_events",
        "finding_acks",
    }
    assert apply(client, Retention()) == []
    assert apply(client, Retention(dead_letters=7)) == [
        "ALTER TABLE dead_letter_replays MODIFY TTL replayed_at + INTERVAL 7 DAY",
        "ALTER TABLE dead_letters MODIFY TTL set_aside_at + INTERVAL 7 DAY",
    ]
    assert apply(client, Retention(dead_letters=7)) == []
    ever = Retention(content=0, rows=0, feedback=0, dead_letters=0, findings=0)
    assert len(apply(client, ever)) == 8
    assert apply(client, ever) == []
    made = "SELECT count() FROM system.tables WHERE database = {d:String} AND create_table_query LIKE '%TTL%'"
    assert client.query(made, {"d": client.database}).result_rows == [(2,)], "`accounts` and `awaited` are no records"
