"""The command that puts the group back, so that workers read again what was lost."""

import asyncio

import click

from sinks import ledger
from sinks.clickhouse import ClickHouse
from streams import offsets, rewind
from streams import settings as settings_module
from streams.cli import tables
from streams.cli.group import main, plainly
from streams.movement import Partition
from streams.offsets import Progress
from streams.settings import Settings


@main.command("rewind")
@click.argument("what", type=click.Choice(["gaps", "records", "measurements"]))
@plainly
def rewind_(what: str) -> None:
    """Have workers read again what was lost, as far as Kafka has it. Stop them first, and start them afterwards.

    gaps: offsets that are committed and not in the ledger. records: these, and all that gateways sent, after a table
    was lost. measurements: what detectors learn from, after their state was lost. What is there already stays one row.
    """
    held = settings_module.load()
    read = asyncio.run(offsets.progress(held))
    back = asyncio.run(rewind.rewind(held, _wanted(what, held, read)))
    if not back:
        click.echo("Nothing is to be read again.")
        return
    shown = tables.table("topic", "partition", "was at", "goes on at", "deleted by Kafka")
    for each in back:
        gone = f"{each.to - each.wanted:,}" if what == "gaps" else ""
        shown.add_row(each.topic, str(each.partition), f"{each.at:,}", f"{each.to:,}", gone)
    tables.show(shown)
    click.echo("Start the workers: they read it again.")


def _wanted(what: str, held: Settings, read: Progress) -> dict[Partition, int]:
    if what == "measurements":
        return rewind.to_first_measurements(held, read)
    gaps = rewind.to_gaps(ledger.read(ClickHouse(held.clickhouse_url).client, read.committed))
    return gaps if what == "gaps" else gaps | rewind.to_first_records(held, read)
