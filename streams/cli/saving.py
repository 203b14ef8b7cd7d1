"""Commands that keep what Sluice knows: the schema's upgrades, one archive, and back from it on an empty machine."""

from pathlib import Path

import click

from sinks import retention
from sinks.clickhouse import ClickHouse, migrate
from sinks.lost_tables import make_anew
from streams import backup as backup_module
from streams import settings as settings_module
from streams.cli.group import main, plainly

FILE = click.argument("archive", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))


@main.command()
@FILE
@plainly
def backup(archive: Path) -> None:
    """Write findings, references, detectors' state, erasures, policy, batches, releases and their logs to a tar file.

    Not in it: traffic, for which ClickHouse has BACKUP; users' keys (`content_keys`), without a copy of which no sealed
    content opens; and secrets.
    """
    held = settings_module.load()
    done = backup_module.backup(held, ClickHouse(held.clickhouse_url).client, archive)
    click.echo(f"{archive} has {done.files:,} files, and the detectors of {done.segments:,} segments.")


@main.command("migrate")
@plainly
def migrate_() -> None:
    """Bring ClickHouse's tables and their retention to this version and these settings, as the owner of the schema; a
    worker that may does it by itself.

    Tables that were lost are made anew, empty: that no worker does.
    """
    held = settings_module.load()
    client = ClickHouse(held.clickhouse_url).client
    for name in migrate(client) or ["nothing: all was done before"]:
        click.echo(f"Applied {name}.")
    for name in make_anew(client):
        click.echo(
            f"{name} was gone, and is made anew without its rows. What Kafka still has of them comes back: stop the "
            "workers, `sluice rewind records`, start them.",
            err=True,
        )
    for statement in retention.apply(client, held.retention):
        click.echo(f"Retention: {statement}.")


@main.command()
@FILE
@plainly
def restore(archive: Path) -> None:
    """Put back what a backup holds, where nothing is yet, before the workers are started."""
    held = settings_module.load()
    client = ClickHouse(held.clickhouse_url).client
    migrate(client)
    retention.apply(client, held.retention)
    done = backup_module.restore(held, client, archive)
    click.echo(f"{done.files:,} files are back, and the detectors of {done.segments:,} segments.")
    if done.refused:
        click.echo(f"{done.refused:,} more learn anew: SLUICE_STATE_KEY does not open their states.", err=True)
