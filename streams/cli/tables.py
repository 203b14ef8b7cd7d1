"""Tables on a terminal, as wide as it is; whoever pipes them gets whole lines. Nothing in a cell is markup."""

import sys

import click
from rich.console import Console
from rich.table import Table

WIDE = 400  # columns where no terminal says how many there are


def table(*headers: str) -> Table:
    """Return an empty table without lines; what is too long for its column goes on below."""
    empty = Table(box=None, padding=(0, 2, 0, 0))
    for header in headers:
        empty.add_column(header, overflow="fold")
    return empty


def show(filled: Table) -> None:
    """Print a table."""
    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, emoji=False, highlight=False)
    if sys.stdout.isatty():
        console.print(filled)
        return
    with console.capture() as lines:
        console.print(filled)
    for line in lines.get().splitlines():
        click.echo(line.rstrip())
