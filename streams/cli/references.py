"""Commands about references: what the detectors expect of a segment's week, shown, pinned, unpinned and reset."""

import asyncio
import time
from collections.abc import Callable

import click
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks import references
from sinks.clickhouse import AWAY, ClickHouse
from sinks.references import Told
from streams import settings as settings_module
from streams import week_chart
from streams.cli.group import NotRecorded, main, plainly
from streams.commands import EVERY, WORDS, Action, Command, send
from streams.readable import harmless, moment
from streams.settings import Settings


def _no_longer_than(name: str) -> Callable[[click.Context, click.Parameter, str], str]:
    def check(_context: click.Context, _option: click.Parameter, value: str) -> str:
        if not len(value) <= WORDS[name]:
            raise click.BadParameter(f"takes {WORDS[name]} characters at most")
        return value

    return check


BY = click.option("--by", required=True, callback=_no_longer_than("by"), metavar="NAME", help="Who says so.")
NOTE = click.option("--note", default="", callback=_no_longer_than("note"), help="Why, for whoever comes next.")


@main.group()
def reference() -> None:
    """Show what the detectors expect of a segment, and tell them to keep it or to forget it."""


@reference.command("show")
@click.argument("segment")
@click.argument("metric", required=False)
@plainly
def show_references(segment: str, metric: str | None) -> None:
    """Draw what is expected, by hour of the week. SEGMENT may be a part of its name that no other has."""
    client = ClickHouse(settings_module.load().clickhouse_url).client
    name = references.named(client, segment)
    learned = references.of_segment(client, name)
    wanted = [each for each in learned if metric in (None, each.metric)]
    for each in wanted:
        click.echo("\n".join([*week_chart.lines(each), ""]))
    if not wanted:
        of = f"Of {harmless(metric)} in" if metric else "Of"
        those = f"; of {harmless(', '.join(each.metric for each in learned))} it is" if learned else ""
        click.echo(f"{of} {harmless(name)} nothing is learned yet{those}.")
    for line in references.told(client, name):
        note = f" ({harmless(line.note)})" if line.note else ""
        said = f"{line.action} {line.metric}, by {line.by}"
        click.echo(f"{moment(line.time_unix_nano)}  {harmless(said)}{note}")


def _command(action: Action, help_: str) -> None:
    """Add the command that tells the detectors to do this."""

    @reference.command(action, help=help_)
    @click.argument("segment")
    @click.argument("metric", default=EVERY)
    @BY
    @NOTE
    @plainly
    def told(segment: str, metric: str, by: str, note: str) -> None:
        held = settings_module.load()
        client = ClickHouse(held.clickhouse_url).client
        name = references.named(client, segment)
        _check(client, name, metric)
        tell(held, client, name, Command(action, metric, by, note, time.time_ns()))
        which = "every metric" if metric == EVERY else harmless(metric)
        click.echo(f"{action} {which} of {harmless(name)}: Kafka has it, its worker does it in its turn.")


_command("pin", "Keep what is expected as it is, whatever comes: of METRIC, or of all.")
_command("unpin", "Go on learning what is expected: of METRIC, or of all.")
_command("reset", "Forget what is expected and learn it anew: of METRIC, or of all.")


def _check(client: Client, segment: str, metric: str) -> None:
    known = [each.metric for each in references.of_segment(client, segment)]
    if metric not in (EVERY, *known):
        there = f"there are {harmless(', '.join(known))}" if known else "nothing is learned of it yet"
        raise click.UsageError(f"No reference of {metric!r} in {segment!r}: {there}.")


def tell(settings: Settings, client: Client, segment: str, *commands: Command) -> None:
    """Tell the worker that owns a segment, then write it down. Raises KafkaUnreachable, or NotRecorded."""
    asyncio.run(send(settings, segment, *commands))
    lines = [Told(each.time_unix_nano, segment, each.metric, each.action, each.by, each.note) for each in commands]
    try:
        references.write(client, lines)
    except (ClickHouseError, *AWAY) as error:
        raise NotRecorded(
            f"The detectors are told, but ClickHouse did not write down by whom ({type(error).__name__}). "
            "When it answers, say it again: twice is once."
        ) from error
