"""`python -m bench.detection --seed N [--peers]` measures how soon drift is noticed, and how often falsely.

All sections of the yardstick go past Sluice and River: streams at rest (nulls), with a change (changes), a hundred
segments for a week (fleet), texts of real models (texts), and NAB (nab); with `--peers` the first streams go past the
real peers, too. Sections of a full run in the yardstick's own world replace theirs in bench/detection.json, with the
seed; what is quick, or of another world, is only printed.
"""

import os
import platform
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from bench.detection import others, ours, peers, scenarios, targets
from bench.detection.report import keep, outcome
from bench.detection.scenarios import QUICK, Setup
from bench.detection.streams import METRICS, SWAP
from bench.detection.work import Job, done

SECTIONS = ("nulls", "changes", "peers", "cost", "fleet", "texts", "nab")
LATEST = Path(__file__).parents[1] / "detection.json"
DATA = Path(__file__).parents[3] / "shared" / "data"
_WIDTH = 180  # where no terminal says how wide it is


def _swaps(_: click.Context, __: click.Parameter, said: tuple[str, ...]) -> dict[str, float]:
    swap = dict(SWAP)
    for each in said:
        metric, _equals, size = each.partition("=")
        try:
            swap[METRICS[METRICS.index(metric)]] = float(size)
        except ValueError:
            raise click.BadParameter(f"{each} is not {'|'.join(METRICS)}=size") from None
    return swap


def _sections(_: click.Context, __: click.Parameter, said: str) -> tuple[str, ...]:
    chosen = tuple(said.split(","))
    if strangers := set(chosen) - set(SECTIONS):
        raise click.BadParameter(f"no such section: {', '.join(sorted(strangers))}; there are {', '.join(SECTIONS)}")
    return chosen


@click.command(help=__doc__)
@click.option("--seed", required=True, type=click.IntRange(0), help="Of all that is drawn.")
@click.option("--peers", "with_peers", is_flag=True, help="Run the real peers, too (ten minutes more).")
@click.option("--quick", is_flag=True, help="A small run of two minutes.")
@click.option("--only", default=",".join(SECTIONS), callback=_sections, help="Sections, with commas between.")
@click.option("--wobble", default=0.03, show_default=True, help="How much hours differ by chance.")
@click.option("--weekend", default=0.94, show_default=True, help="Factor of latency and tokens on weekends.")
@click.option("--ramp", default=20_000, show_default=True, help="Events over which a slow change comes.")
@click.option("--swap", multiple=True, callback=_swaps, metavar="METRIC=SIZE", help="Another size of a change.")
@click.option("--segments", type=click.IntRange(1), help="Of the fleet [default: 100].")
@click.option("--events", type=click.IntRange(1000), help="At rest, for each metric and kind [default: 3,000,000].")
@click.option("--data", default=DATA, type=click.Path(file_okay=False, path_type=Path), help="Of texts and NAB.")
def main(
    seed: int,
    with_peers: bool,
    quick: bool,
    only: tuple[str, ...],
    wobble: float,
    weekend: float,
    ramp: int,
    swap: dict[str, float],
    segments: int | None,
    events: int | None,
    data: Path,
) -> None:
    whole = replace(QUICK, seed=seed) if quick else Setup(seed)
    sized = replace(whole, segments=segments or whole.segments, events=events or whole.events)
    setup = replace(sized, wobble=wobble, weekend=weekend, ramp=ramp, swap=swap)
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    about = {"setup": asdict(setup), "machine": {"python": platform.python_version(), "cores": os.cpu_count()}}
    for section, results in done(_jobs(setup, only, data, console, with_peers=with_peers)):
        came = outcome(section, results)
        console.print(*came.tables, *(f"failed: {each}" for each in came.failures))
        if setup == sized and came.verdicts:
            console.print(targets.table(came.verdicts))
        if setup == Setup(seed):
            keep(LATEST, section, came, about)


def _jobs(
    setup: Setup, only: tuple[str, ...], data: Path, console: Console, *, with_peers: bool
) -> dict[str, list[Job]]:
    """Return the jobs of each section that can be run, and say why another cannot."""
    if with_peers:
        try:
            peers.python()
        except peers.PeersMissing as why:
            console.print(f"without peers: {why}")
            with_peers = False
    jobs: dict[str, list[Job]] = {
        "nulls": list(scenarios.nulls(setup)),
        "changes": list(scenarios.changes(setup)),
        "peers": others.peer_jobs(setup) if with_peers else [],
        "cost": [partial(ours.cost_together, setup.seed)],
        "fleet": list(scenarios.fleets(setup)),
    }
    if data.is_dir():
        jobs |= {"texts": others.text_jobs(setup, data), "nab": others.nab_jobs(data, with_peers)}
    else:
        console.print(f"without texts and nab: there is no {data}")
    return {section: some for section, some in jobs.items() if section in only and some}


if __name__ == "__main__":
    main()
