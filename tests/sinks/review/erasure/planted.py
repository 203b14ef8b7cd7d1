"""A database and folders in which one person and one inference stand in every place, beside others who stay."""

from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks.review.erasure.subject import Subject
from tests.sinks.review.planting import Row, feedback, finding, hour, inference, plant, request

MARKED, OTHER = "u_" + "a" * 32, "u_" + "b" * 32
RAW = "ann@example.org"
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def subject(*, users: tuple[str, ...] = (MARKED,), inferences: tuple[str, ...] = ("lone",)) -> Subject:
    return Subject(users, (RAW,) if users else (), inferences, NOW, salt="5a17", by="Dana")


def letter(
    offset: int, value: str | bytes, *, key: str | None = None, headers: list[tuple[str, str]] | None = None
) -> Row:
    row = {"topic": "inference.requests", "partition": 0, "offset": offset, "item": 0, "ingest_time": hour(1)}
    return "dead_letters", row | {
        "reason": "not_json",
        "detail": "",
        "key": key,
        "value": value,
        "headers": headers or [],
    }


def rows() -> list[Row]:
    """Return rows in which MARKED asked m1 and m2, and `lone` is to go as well; all that begins with "o" stays."""
    return [
        *inference("o1", hour(1)),
        *inference("o2", hour(2)),
        request("o2", hour(2), user_id=OTHER, conversation_id="shared"),
        *inference("m1", hour(3), response_id="chatcmpl-m1"),
        request("m1", hour(3), user_id=MARKED, conversation_id="hers", aliases=["call:m1", "resp:chatcmpl-m1"]),
        *inference("m2", hour(4)),
        request("m2", hour(4), user_id=MARKED, conversation_id="shared"),
        request("twin of m1", hour(3), shadowed_by="m1"),
        *inference("lone", hour(5)),
        request("waiting", hour(5), ingest_time=datetime.now(UTC), user_id=MARKED, source_format="native"),
        said("f m1", "m1", hour(6)),
        said("f by alias", None, hour(6), aliases=["resp:chatcmpl-m1"], explanation="about her answer"),
        said("f by session", None, hour(6), aliases=["sess:hers"]),
        said("f by her", "o1", hour(6), rater_id=MARKED, correction='"her words"'),
        said("o about o1", "o1", hour(6), rater_id=OTHER),
        said("o about both", None, hour(6), aliases=["sess:shared"]),
        finding("g", "m1", hour(7), metric="error"),
        finding("o finding", "o1", hour(7)),
        *_usage("usage", MARKED),
        *_usage("o usage", OTHER),
        letter(1, '{"inference_id": "m1", "broken'),
        letter(2, f'{{"user": "{RAW}"'),
        letter(3, "x", key="lone"),
        letter(4, "x", headers=[("about", "chatcmpl-m1")]),
        letter(5, "o: nobody, and m11, and xm1x"),
    ]


def said(feedback_id: str, about: str | None, at: datetime, **more: Any) -> Row:
    """Return feedback with all columns that any has, so that all of it is one part: merging many takes a while."""
    columns: dict[str, Any] = {"aliases": [], "rater_id": None, "correction": None, "explanation": None, "score": 0.0}
    return feedback(feedback_id, about, at, **columns | more)


def _usage(finding_id: str, who: str) -> list[Row]:
    table, row = finding(finding_id, "o1", hour(7), segment="users/3", metric="usage.tokens")
    ack = {"finding_id": finding_id, "by": "sre", "note": "", "time": hour(8)}
    return [(table, row | {"subject": who, "examples_after": ["o1", "m1"]}), ("finding_acks", ack)]


def everything(client: Client) -> str:
    """Return all that the database holds, merged or not, as text, but the hashes."""
    return "\n".join(_rows(client, name, "") for name in _tables(client))


def standing(client: Client) -> str:
    """Return what all tables say, whatever was merged by now."""
    return "\n".join(_rows(client, name, "FINAL ORDER BY ALL") for name in _tables(client))


def _tables(client: Client) -> list[str]:
    sql = "SELECT name FROM system.tables WHERE database = {d:String} AND endsWith(engine, 'Tree') AND name != 'erased'"
    return [name for (name,) in client.query(sql, {"d": client.database}).result_rows]


def _rows(client: Client, table: str, how: str) -> str:
    said = client.raw_query(f"SELECT * FROM `{table}` {how} FORMAT JSONEachRow")  # noqa: S608  our own tables
    return f"{table}: {said.decode('utf-8', 'replace')}"


def plant_all(client: Client) -> None:
    plant(client, rows())
    binary = "SELECT 'inference.requests', 0, 6, unhex('fffe00206d3220ff')"  # m2 among bytes that are no text
    client.command(f"INSERT INTO dead_letters (topic, partition, offset, value) {binary}")
