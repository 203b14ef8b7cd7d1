"""Tables and views that a migration made and that are not there any more: they are found, and made anew, empty."""

import re
from importlib.resources import files

from clickhouse_connect.driver.client import Client

from sinks.clickhouse import pending, statements

_MADE = re.compile(r"^CREATE (?:OR REPLACE )?(?:MATERIALIZED )?(?:TABLE|VIEW) (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)


def lost(client: Client) -> list[str]:
    """Name the tables and views that were made and are gone. What is still to be made is not lost."""
    made = [name for script in _applied(client) for name in _MADE.findall(script)]
    there = (
        client.query("SELECT name FROM system.tables WHERE database = currentDatabase()").result_rows if made else []
    )
    return sorted(set(made) - {name for (name,) in there})


def make_anew(client: Client) -> list[str]:
    """Make anew what is lost, without its rows, and return the names; where nothing is, nothing is done.

    Scripts are run once more in their order: each statement of them leaves alone what is there already
    (`tests/deploy/test_migrations.py` holds them to that).
    """
    gone = lost(client)
    if gone:
        for statement in (each for script in _applied(client) for each in statements(script)):
            client.command(statement)
    return gone


def _applied(client: Client) -> list[str]:
    """Return the scripts that the database has seen, in order."""
    waiting = set(pending(client))
    shipped = sorted(files("deploy.clickhouse").iterdir(), key=lambda script: script.name)
    return [
        script.read_text(encoding="utf-8")
        for script in shipped
        if script.name.endswith(".sql") and script.name not in waiting
    ]
