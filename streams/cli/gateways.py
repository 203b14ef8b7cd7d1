"""Commands about gateways: what Sluice sees in a message of theirs, and the HTTP receiver alone."""

import asyncio
import logging.config
import sys
from typing import get_args

import click

from streams import decode_file, logs
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.decode_file import Header, headers_of
from streams.gateways.formats import FORMATS
from streams.receiver.alone import serve
from streams.sources import Content


def _headers(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[Header]:
    try:
        return headers_of(given)
    except (ValueError, OSError) as wrong:
        raise click.BadParameter(str(wrong)) from None


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "format_", required=True, type=click.Choice(sorted(FORMATS)), help="What the file is in.")
@click.option("--headers", multiple=True, callback=_headers, help="'name: value', or @FILE of JSON; may be repeated.")
@click.option(
    "--content", default="redacted", show_default=True, type=click.Choice(get_args(Content)), help="What is to be kept."
)
@plainly
def decode(file: str, format_: str, headers: list[Header], content: Content) -> None:
    """Show what Sluice sees in a gateway's message: an event a line. Exits with 1 where there are dead letters."""
    dead = 0
    for line in decode_file.seen(file, format_, headers, content, settings_module.load()):
        click.echo(line)
        dead += line.startswith('{"kind": "dead_letter"')
    if dead:
        click.echo(f"{dead} of them cannot be read.", err=True)
        sys.exit(1)


@main.command()
@plainly
def receive() -> None:
    """Take events over HTTP, on SLUICE_WEB_HOST and SLUICE_WEB_PORT, and write them to Kafka. Ctrl-C ends it."""
    held = settings_module.load()
    logging.config.dictConfig(logs.config(held.log_level))
    asyncio.run(serve(held))
