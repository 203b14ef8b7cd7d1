"""`make fuzz`: hostile records by the million pass through every decoder, and a table says what came of them.

The records are made of the tests' fixtures, each by a number, the seed of the first one and so on: `--format F --seed
NUMBER --inputs 1` repeats one. What goes wrong ends the run with exit code 1.
"""

import gc
import sys
import time
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from bench.fuzz import guided
from bench.fuzz.checks import Checker, Tally
from bench.fuzz.hostile_records import Hostile
from streams.gateways.formats import FORMATS
from streams.progress import progress

FLOODS = 0.001  # the share of records of 100 KB and more
THOROUGHLY = 32  # one in so many is checked in all ways
MOST_FAILURES = 20  # of a format, before it is left
SHOWN = 1000  # inputs between two looks at the clock


def fuzz(
    form: str, inputs: int, seed: int, seconds: float | None = None, floods: float = FLOODS, *, timed: bool = True
) -> Tally:
    """Feed one decoder.

    Args:
        form: the format's name.
        inputs: how many records.
        seed: the number of the first one; the others follow.
        seconds: where to stop before that, by the clock.
        floods: the share of records of 100 KB and more.
        timed: say which take too long; on a machine that is busy it may say so of any.
    """
    gc.collect()  # as a worker does, see streams/memory.py
    gc.freeze()
    gc.disable()
    try:
        return _fed(form, inputs, seed, seconds, floods, timed=timed)
    finally:
        gc.enable()
        gc.unfreeze()


def _fed(form: str, inputs: int, seed: int, seconds: float | None, floods: float, *, timed: bool) -> Tally:
    hostile, checker = Hostile(form, floods=floods), Checker(form, timed=timed)
    tally, until = checker.tally, time.monotonic() + seconds if seconds else None
    with progress(form, inputs) as show:
        for number in range(seed, seed + inputs):
            if (wrong := checker.wrong(hostile.record(number), thoroughly=number % THOROUGHLY == 0)) is not None:
                tally.failures.append(f"--format {form} --seed {number} --inputs 1: {wrong}")
            if tally.inputs % SHOWN == 0:
                show(tally.inputs, tally.inputs)
                gc.collect()
                if until and time.monotonic() > until:
                    break
            if len(tally.failures) == MOST_FAILURES:
                break
    return tally


def table(tallies: Sequence[tuple[str, Tally]]) -> Table:
    """Show a line for each format."""
    shown = Table("format", "inputs", "events", "dead letters", "slowest ms/MB", "slowest small, ms", "failures")
    for form, tally in tallies:
        letters = ", ".join(f"{reason} {count:,}" for reason, count in tally.letters.most_common())
        figures = (f"{tally.slowest:.0f}", f"{tally.slowest_small:.1f}", str(len(tally.failures)))
        shown.add_row(form, f"{tally.inputs:,}", f"{tally.events:,}", letters, *figures)
    return shown


@click.command()
@click.option("--inputs", default=1_000_000, show_default=True, type=click.IntRange(1), help="Records a format.")
@click.option("--seed", default=0, show_default=True, type=int, help="The number of the first record.")
@click.option("--format", "forms", multiple=True, type=click.Choice(sorted(FORMATS)), help="Only this; may repeat.")
@click.option("--seconds-per-format", type=click.FloatRange(min=1), help="Go on to the next format after so many.")
@click.option("--atheris", type=click.IntRange(1), help="Search by coverage instead, so many seconds a format.")
def main(inputs: int, seed: int, forms: Sequence[str], seconds_per_format: float | None, atheris: int | None) -> None:
    """Feed every decoder hostile records, and print what came of them."""
    tallies = []
    for form in forms or FORMATS:
        tally = guided.search(form, atheris) if atheris else fuzz(form, inputs, seed, seconds_per_format)
        for failure in tally.failures:
            click.echo(f"FAILED {failure}")
        tallies.append((form, tally))
    Console(width=160).print(table(tallies))
    sys.exit(any(tally.failures for _, tally in tallies))


if __name__ == "__main__":
    main()
