"""The command that wraps users' keys under another key of content."""

import click

from sinks.clickhouse import ClickHouse
from sinks.review.folder import workshop
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.sealing import content_keys


@main.command("rewrap")
@plainly
def rewrap_command() -> None:
    """Wrap users' keys under SLUICE_CONTENT_KEY, which SLUICE_CONTENT_KEYS_BEFORE has wrapped; content stays as it is.

    Workers may run meanwhile, if they have both settings. Afterwards the key of before opens nothing, but in backups.
    """
    held = settings_module.load()
    keys = content_keys(held, ClickHouse(held.clickhouse_url))
    if keys is None:
        raise click.UsageError("SLUICE_CONTENT_KEY is empty: nothing is sealed here.")
    keys.require_known()
    with workshop(held.batches, "rewrapping"):  # an erasure that ran beside it would destroy a key that comes back
        wrapped = keys.rewrap()
    click.echo(f"{wrapped:,} keys are wrapped anew: take SLUICE_CONTENT_KEYS_BEFORE out of the settings.")
