"""Rows lose their content when its time is over, and go when theirs is; what is told once is not told again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import connect, migrate
from sinks.retention import CONTENT, Retention, apply
from tests.sinks.review.planting import feedback, finding, inference, plant, request

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
        plant(client, inference(name, days_ago(age), output_tokens=7, error_message="said"))
        plant(client, [feedback(f"f {name}", name, days_ago(age), explanation="why", correction='"so"', score=0.0)])
    apply(client, Retention())
    materialize(client, "inference_parts", "feedback_events")
    kept = (
        "SELECT inference_id, input_messages != '', output_messages != '', error_message, output_tokens FROM inferences"
    )
    assert client.query(f"{kept} ORDER BY inference_id").result_rows == [
        ("new", True, True, "said", 7),
        ("old", None, None, None, 7),
    ]
    said = "SELECT feedback_id, explanation, correction, score FROM feedback_events ORDER BY feedback_id"
    assert client.query(said).result_rows == [("f new", "why", '"so"', 0.0), ("f old", None, None, 0.0)]


def test_what_has_no_time_of_coming_counts_from_when_it_was_stored(client: Client) -> None:
    for age in (1, 500):
        stored = days_ago(age).replace(microsecond=0)
        client.insert(
            "aliases", [[f"call:{age}", f"{age}", NOW, stored]], ["alias", "inference_id", "time", "stored_at"]
        )
        client.insert("finding_events", [[f"{age}", stored]], ["finding_id", "stored_at"])
        client.insert("prompt_vectors", [[f"{age}", stored]], ["inference_id", "stored_at"])
    plant(client, [*inference("replayed", days_ago(900), ingest_time=NOW), finding("of long ago", "x", days_ago(900))])
    apply(client, Retention())
    materialize(client, "aliases", "finding_events", "prompt_vectors")
    names = "SELECT DISTINCT inference_id FROM {table:Identifier} ORDER BY 1"
    assert client.query(names, {"table": "aliases"}).result_rows == [("1",), ("replayed",)]
    assert client.query(names, {"table": "prompt_vectors"}).result_rows == [("1",), ("replayed",)]
    assert client.query("SELECT finding_id FROM finding_events ORDER BY 1").result_rows == [("1",), ("of long ago",)]


def test_a_late_half_does_not_bring_content_back(client: Client) -> None:
    """It merges into a row of the older time, whose content is over the next time that ClickHouse looks."""
    apply(client, Retention())
    plant(client, inference("old", days_ago(100)))
    plant(client, [request("old", days_ago(100), ingest_time=days_ago(1), input_messages='"late"')])
    client.command("OPTIMIZE TABLE inference_parts FINAL")
    materialize(client, "inference_parts")
    for column in CONTENT["inference_parts"]:
        assert client.query(f"SELECT {column} FROM inference_parts").result_rows == [(None,)]  # noqa: S608  our own


def test_what_a_topic_gave_no_time_counts_from_when_it_happened(client: Client) -> None:
    plant(client, [request("untimed", days_ago(1), ingest_time=datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC))])
    apply(client, Retention())
    materialize(client, "inference_parts")
    assert client.query("SELECT inference_id, input_messages != '' FROM inference_parts").result_rows == [
        ("untimed", True)
    ]


def test_it_is_told_once_and_again_only_where_it_changes(client: Client) -> None:
    assert {statement.split()[2] for statement in apply(client, Retention())} == {
        "inference_parts",
        "aliases",
        "feedback_events",
        "finding_events",
        "finding_acks",
    }
    assert apply(client, Retention()) == []
    (changed,) = apply(client, Retention(dead_letters=7))
    assert changed == "ALTER TABLE dead_letters MODIFY TTL set_aside_at + INTERVAL 7 DAY"
    assert apply(client, Retention(dead_letters=7)) == []
    ever = Retention(content=0, rows=0, feedback=0, dead_letters=0, findings=0)
    assert len(apply(client, ever)) == 7
    assert apply(client, ever) == []
    made = "SELECT count() FROM system.tables WHERE database = {d:String} AND create_table_query LIKE '%TTL%'"
    assert client.query(made, {"d": client.database}).result_rows == [(1,)], "only `awaited`, which is no record"
