"""Commands that prove: what a worker needs is there, and every record is accounted for."""

import asyncio
import sys

import click
from rich.console import Console
from rich.table import Table

from sinks import ledger as ledger_module
from sinks.clickhouse import ClickHouse
from streams import doctor as doctor_module
from streams import offsets
from streams import settings as settings_module
from streams.cli.group import main, plainly


@main.command()
@plainly
def doctor() -> None:
    """Look at what a worker needs, and say what is missing and what to do about it."""
    diagnoses = asyncio.run(doctor_module.examine(settings_module.load()))
    for each in diagnoses:
        click.echo(f"{'ok     ' if each.well else 'MISSING'}  {each.subject}: {each.words}")
    sys.exit(0 if all(each.well for each in diagnoses) else 1)


@main.command()
@plainly
def ledger() -> None:
    """Prove that every record was written or set aside. Exits with 1 where offsets are missing."""
    held = settings_module.load()
    progress = asyncio.run(offsets.progress(held))
    ledgers = ledger_module.read(ClickHouse(held.clickhouse_url).client, progress.committed)
    table = Table("topic", "partition", "from", "to", "offsets", "blocks", "missing", box=None, padding=(0, 2, 0, 0))
    for each in ledgers:
        missing = ", ".join(f"{first}-{last}" for first, last in each.gaps)
        span = (each.first_offset, each.last_offset, each.offsets, each.blocks)
        table.add_row(each.topic, str(each.partition), *(f"{number:,}" for number in span), missing or "none")
    Console().print(table)
    missing_in = sum(bool(each.gaps) for each in ledgers)
    click.echo(f"{missing_in} partitions have gaps." if missing_in else "Gapless.")
    sys.exit(1 if missing_in else 0)
