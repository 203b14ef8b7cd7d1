"""`python -m tests.chaos --minutes M --seed N` breaks what runs, at random, and proves that nothing is lost."""

import logging
import sys
import tempfile
from pathlib import Path

import click

from tests.chaos import report
from tests.chaos.run import RATE, run


@click.command(help=__doc__)
@click.option("--minutes", default=20.0, show_default=True, help="How long faults are made.")
@click.option("--seed", default=1, show_default=True, help="Which faults come when; the same, the same.")
@click.option("--rate", default=RATE, show_default=True, help="Answers a second; a burst is a hundred seconds of them.")
@click.option("--keep", is_flag=True, help="Put the table into docs/reliability.md.")
def main(minutes: float, seed: int, rate: float, keep: bool) -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is the point
    click.echo(f"Seed {seed}, {minutes:g} minutes.")
    with tempfile.TemporaryDirectory(prefix="sluice-chaos-") as folder:
        result = run(Path(folder), seed, 60 * minutes, click.echo, rate)
    table = report.table(result, minutes)
    click.echo("\n".join([*result.unlike(), table]))
    if keep:
        report.keep(table)
    sys.exit(0 if result.holds else 1)


main()
