"""Sluice's own tables go into files and come back: what people and detectors said, not the traffic itself."""

from pathlib import Path

from clickhouse_connect.driver.client import Client

KEPT = (
    "dead_letter_replays",
    "erased",
    "erasing",
    "finding_acks",
    "finding_events",
    "reference_log",
    "references",
    "segments",
)
# What gateways sent, by far the most: ClickHouse's own BACKUP is made for it.
TRAFFIC = (
    "accounts",
    "aliases",
    "awaited",
    "dead_letters",
    "feedback_events",
    "inference_parts",
    "ledger",
    "prompt_vectors",
    "timeouts_found",
)
# Users' keys. A backup of them beside what they open would undo each erasure: they are kept apart, and only the newest.
KEYS = ("content_keys",)


def write(client: Client, folder: Path) -> None:
    """Write each of KEPT to `folder` in ClickHouse's Native format, in which every type comes back as it was."""
    for table in KEPT:
        (folder / f"{table}.native").write_bytes(client.raw_query(f"SELECT * FROM {table} FINAL", fmt="Native"))  # noqa: S608


def read(client: Client, folder: Path) -> None:
    """Insert what `write` wrote; what is there already stays, and what is there twice counts once."""
    for table in KEPT:
        if rows := (folder / f"{table}.native").read_bytes():
            client.raw_insert(table, insert_block=rows, fmt="Native")


def filled(client: Client) -> list[str]:
    """Name those of KEPT that have rows."""
    return [table for table in KEPT if client.query(f"SELECT 1 FROM {table} LIMIT 1").result_rows]  # noqa: S608
