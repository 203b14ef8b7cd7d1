"""How long each table keeps its rows, and their content: told to ClickHouse as TTLs, which it then keeps by itself."""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

CONTENT = {
    "inference_parts": (
        "input_messages",
        "system_instructions",
        "tool_definitions",
        "input",
        "output_messages",
        "output",
        "error_message",
        "prompt_hash",  # whoever guesses a prompt could tell by it
        "sealed_request",
        "sealed_response",
    ),
    "feedback_events": ("explanation", "correction", "sealed_explanation", "sealed_correction"),
}

ACCOUNTS_DAYS = 30  # in which another account of a call may come: no record, what came is marked


@dataclass(frozen=True)
class Retention:
    """Days, each from when something was stored; 0 keeps it for ever.

    Args:
        content: what people and models said, wherever it lies; the row stays, with its numbers.
        rows: inferences, and all that is made of them one by one.
        feedback: what was said about them.
        dead_letters: records as they came, with nothing redacted.
        findings: what the detectors said, and who has seen it.
    """

    content: int = 90
    rows: int = 400
    feedback: int = 400
    dead_letters: int = 30
    findings: int = 400


class Rule(NamedTuple):
    """Days after a time of the row at which the row goes, or what a column holds."""

    table: str
    column: str | None
    time: str
    days: int


def rules(retention: Retention) -> list[Rule]:
    """Return what a retention comes to, table by table."""
    return [
        *(
            Rule(table, column, "stored_at", retention.content)
            for table, columns in CONTENT.items()
            for column in columns
        ),
        Rule("inference_parts", None, "stored_at", retention.rows),
        Rule("accounts", None, "stored_at", min(retention.rows or ACCOUNTS_DAYS, ACCOUNTS_DAYS)),
        Rule("aliases", None, "stored_at", retention.rows),
        Rule("prompt_vectors", None, "stored_at", retention.content),  # terms of what was said
        Rule("feedback_events", None, "stored_at", retention.feedback),
        Rule("dead_letters", None, "set_aside_at", retention.dead_letters),
        Rule("dead_letter_replays", None, "replayed_at", retention.dead_letters),
        Rule("finding_events", None, "stored_at", retention.findings),
        Rule("finding_acks", None, "toDateTime(time)", retention.findings),
    ]


def apply(client: Client, retention: Retention) -> list[str]:
    """Tell ClickHouse what differs from what it does today, and return the statements, at most one a table.

    ClickHouse then looks through what is stored in the background; what is too old is gone within hours.
    """
    changes: dict[str, list[str]] = {}
    for table, its in groupby(sorted(rules(retention), key=lambda rule: rule.table), key=lambda rule: rule.table):
        made = _made(client, table)
        changes[table] = [_change(rule) for rule in its if _days(made, rule.column) != rule.days]
    statements = [f"ALTER TABLE {table} {', '.join(each)}" for table, each in changes.items() if each]
    for statement in statements:
        client.command(statement)
    return statements


def _made(client: Client, table: str) -> str:
    """Return the statement that would make a table as it is, with a line for each column."""
    sql = "SELECT create_table_query FROM system.tables WHERE database = {database:String} AND name = {table:String}"
    ((made,),) = client.query(sql, {"database": client.database, "table": table}).result_rows
    return str(made)


def _days(made: str, column: str | None) -> int:
    """Return the days of a TTL of the table, or of one of its columns; 0 where there is none."""
    columns, _, rest = made.partition(" ENGINE = ")
    text = rest
    if column is not None:
        own = re.search(rf"`{column}` .*?(?=, `|\)$)", columns)
        text = own[0] if own else ""
    found = re.search(r"\bTTL .*?toIntervalDay\((\d+)\)", text)
    return int(found[1]) if found else 0


def _change(rule: Rule) -> str:
    column = f"MODIFY COLUMN {rule.column} " if rule.column else ""
    if not rule.days:
        return f"{column}REMOVE TTL"
    return f"{column or 'MODIFY '}TTL {rule.time} + INTERVAL {rule.days} DAY"
