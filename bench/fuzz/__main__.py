"""`make fuzz`: hostile inputs pass through all that reads what others wrote, and a table says what came of them.

Decoders, importers, readers of files, states and settings: `bench/fuzz/targets.py` names them. Inputs are made of real
ones, each by a number: `--target T --seed NUMBER --inputs 1` repeats one. What goes wrong makes the exit code 1.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.fuzz import guided
from bench.fuzz.run import fuzz, fuzz_all
from bench.fuzz.tally import Tally, tally_of
from bench.fuzz.targets import NAMES

REPORT = Path(__file__).parents[1] / "fuzz.json"
SAID_EVERY_S = 30.0


def table(tallies: Mapping[str, Tally]) -> Table:
    """Show a line for each target."""
    shown = Table("target", "inputs", "read", "refused", "slowest ms", "ms/MB", "failures")
    for name, tally in tallies.items():
        refused = ", ".join(f"{reason} {count:,}" for reason, count in tally.refused.most_common())
        figures = (f"{tally.slowest_ms:.0f}", f"{tally.slowest:.0f}", str(len(tally.failures)))
        shown.add_row(name, f"{tally.inputs:,}", f"{tally.read:,}", refused, *figures)
    return shown


class Report:
    """What a run has come to, as JSON: written anew after each batch, so that it can be gone on with."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._seed, self._said = path, seed, 0.0
        self.before: dict[str, Tally] = {}

    def go_on(self) -> None:
        """Take up what it says."""
        held = json.loads(self._path.read_bytes())
        self._seed = held["seed"]
        self.before = {name: tally_of(tally) for name, tally in held["targets"].items()}

    def write(self, tallies: Mapping[str, Tally]) -> None:
        inputs = sum(each.inputs for each in tallies.values())
        failures = sum(len(each.failures) for each in tallies.values())
        said = {"seed": self._seed, "inputs": inputs, "failures": failures}
        targets = {name: tally.said() for name, tally in tallies.items()}
        beside = self._path.with_suffix(".partial")
        beside.write_text(json.dumps(said | {"targets": targets}, indent=1) + "\n", encoding="utf-8")
        beside.replace(self._path)
        if time.monotonic() - self._said > SAID_EVERY_S:
            self._said = time.monotonic()
            click.echo(f"{inputs:,} inputs, {failures} failures", err=True)


@click.command()
@click.option("--inputs", default=1_000_000, show_default=True, type=click.IntRange(1), help="Inputs a target.")
@click.option("--seed", default=0, show_default=True, type=int, help="The number of each target's first.")
@click.option("--target", "names", multiple=True, type=click.Choice(sorted(NAMES)), help="Only this; may repeat.")
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(min=0), help="When to stop, at last.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1), help="How many at once.")
@click.option("--report", type=click.Path(path_type=Path), default=REPORT, help="Where the counts go, as JSON.")
@click.option("--more", is_flag=True, help="Go on where the report ends.")
@click.option("--timed", is_flag=True, help="Hold decoders to their milliseconds; on a quiet machine, one process.")
@click.option("--atheris", type=click.IntRange(1), help="Search by coverage instead, so many seconds a target.")
def main(
    inputs: int,
    seed: int,
    names: Sequence[str],
    minutes: float,
    processes: int,
    report: Path,
    more: bool,
    timed: bool,
    atheris: int | None,
) -> None:
    """Feed hostile inputs to what reads them, and print what came of them."""
    names = names or NAMES
    if atheris:
        tallies = {name: guided.search(name, atheris) for name in names}
    elif timed or inputs == 1:
        tallies = {name: fuzz(name, inputs, seed, timed=timed) for name in names}
    else:
        held = Report(report, seed)
        if more:
            held.go_on()
        click.echo(f"Seed {seed}, {len(names)} targets, up to {inputs:,} inputs each, {minutes:g} minutes.", err=True)
        tallies = fuzz_all(names, inputs, seed, minutes, processes, before=held.before, told=held.write)
    for tally in tallies.values():
        for failure in tally.failures:
            click.echo(f"FAILED {failure}")
    Console(width=160).print(table(tallies))
    sys.exit(any(tally.failures for tally in tallies.values()))


if __name__ == "__main__":
    main()
