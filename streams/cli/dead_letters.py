"""Commands about dead letters: how many and why, one of them whole, and back to where they came from."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

import click

from sinks import dead_letters as letters_module
from sinks.clickhouse import ClickHouse
from sinks.dead_letters import Letter, Place, State, Wanted
from streams import letters_back
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.cli.tables import show, table
from streams.kafka import connection
from streams.progress import progress
from streams.readable import harmless

C = TypeVar("C", bound=Callable[..., None])
SHOWN = 4096  # characters of a letter's bytes
TIME = "%Y-%m-%d %H:%M:%S"


def _wanted(command: C) -> C:
    for option in (
        click.option("--until", type=click.DateTime(), help="Set aside before this time, UTC."),
        click.option("--since", type=click.DateTime(), help="Set aside at this time or later, UTC."),
        click.option("--topic", default="", help="Only of this topic, with its prefix."),
        click.option("--reason", default="", help="Only for this reason."),
    ):
        command = option(command)
    return command


def _chosen(reason: str, topic: str, since: datetime | None, until: datetime | None) -> Wanted:
    times = {"since": since, "until": until}
    return Wanted(reason, topic, **{name: time.replace(tzinfo=UTC) for name, time in times.items() if time})


@main.group("dead-letters", invoke_without_command=True)
@click.pass_context
@plainly
def dead_letters(context: click.Context) -> None:
    """Count the records that could not be read, by topic and reason, with the last one's words."""
    if context.invoked_subcommand:
        return
    counts = letters_module.counts(ClickHouse(settings_module.load().clickhouse_url).client, Wanted())
    if not counts:
        click.echo("There are none.")
        return
    rows = table("topic", "reason", "state", "letters", "first", "last", "the last says")
    for each in counts:
        first, last = each.first.strftime(TIME), each.last.strftime(TIME)
        words = harmless(each.detail)
        rows.add_row(harmless(each.topic), each.reason, each.state, f"{each.letters:,}", first, last, words)
    show(rows)


@dead_letters.command("list")
@_wanted
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@plainly
def list_letters(reason: str, topic: str, since: datetime | None, until: datetime | None, limit: int) -> None:
    """List dead letters by place."""
    client = ClickHouse(settings_module.load().clickhouse_url).client
    every: tuple[State, ...] = ("waiting", "replayed", "failed again")
    rows = table("place", "set aside", "state", "reason", "what is wrong")
    for each in islice(letters_module.letters(client, _chosen(reason, topic, since, until), every), limit):
        aside = each.set_aside_at.strftime(TIME)
        rows.add_row(harmless(str(each.place)), aside, each.state, each.reason, harmless(each.detail))
    show(rows)


@dead_letters.command("show")
@click.argument("place", metavar="TOPIC/PARTITION/OFFSET[/ITEM]")
@plainly
def show_letter(place: str) -> None:
    """Show a dead letter whole: as it came, with nothing redacted."""
    letter = letters_module.one(ClickHouse(settings_module.load().clickhouse_url).client, Place.of(place))
    for name, value in _facts(letter):
        click.echo(f"{name:12}{value}")


def _facts(letter: Letter) -> list[tuple[str, str]]:
    return [
        ("place", harmless(str(letter.place))),
        ("set aside", f"{letter.set_aside_at.strftime(TIME)} UTC"),
        ("state", letter.state),
        ("reason", letter.reason),
        ("wrong is", harmless(letter.detail)),
        ("key", _text(letter.key)),
        *(("header", f"{harmless(name)}: {_text(value)}") for name, value in letter.headers),
        ("bytes", "with an earlier letter of the record" if letter.value is None else f"{len(letter.value):,}"),
        ("value", _text(letter.value)),
    ]


def _text(value: bytes | None) -> str:
    if value is None:
        return "none"
    text = value[: 4 * SHOWN].decode(errors="replace")
    return harmless(text[:SHOWN]) + (" …" if len(text) > SHOWN else "")


@dead_letters.command()
@_wanted
@click.option("--again", is_flag=True, help="Also what was replayed before and has failed again.")
@plainly
def replay(reason: str, topic: str, since: datetime | None, until: datetime | None, again: bool) -> None:
    """Send dead letters again to where they came from, each once, when what was wrong is mended.

    What fails again is a new letter, which a replay leaves alone unless --again is given.
    """
    held = settings_module.load()
    client, wanted = ClickHouse(held.clickhouse_url).client, _chosen(reason, topic, since, until)
    states: tuple[State, ...] = ("waiting", "failed again") if again else ("waiting",)
    meant = sum(each.letters for each in letters_module.counts(client, wanted) if each.state in states)
    with progress("Replaying", max(1, meant)) as tell:
        # Only as many as there were: what fails again at once, and is set aside while this runs, is for the next time.
        letters = islice(letters_module.letters(client, wanted, states), meant)
        sent = letters_back.send_again(client, connection(held), letters, lambda done: tell(done, done))
    for name, count in sorted(sent.records.items()):
        click.echo(f"{count:,} records to {harmless(name)}")
    if sent.without_bytes:
        click.echo(f"{sent.without_bytes:,} letters went with an earlier one of their record.")
    if not sent.records:
        click.echo("There was nothing to send.")
