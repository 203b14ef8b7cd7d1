"""`python -m bench.review` cuts a week with a planted truth, and says what the batch is worth; `--scale` what it costs.

Defects (3%), rare failures (0.05%), a topic that no week knew (0.2%) and repetitions (8%) are planted among made-up
inferences; two weeks of reference lie before. A cut with the policy's defaults is then held against the truth. Cuts of
a hundred other seeds, of the control alone, show how often its interval covers the share of defects, and how near its
estimates come.

With `--scale` weeks of 1, 3 and 10 million are cut instead, by a process that does nothing else, and what that takes is
told. A run of the full size replaces its part of bench/review.json.
"""

import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from bench.review import worlds
from bench.review.judged import judged, table
from bench.review.measured import WINDOW, Cost, apart, measured
from bench.review.planted import truth
from deploy.local.clickhouse import LocalClickHouse
from sinks.clickhouse import connect
from sinks.review.policy import Policy

LATEST = Path(__file__).parents[1] / "review.json"
FULL = 1_000_000
SIZES = (1_000_000, 3_000_000, 10_000_000)


@click.command(help=__doc__)
@click.option("--seed", default=1, show_default=True, help="Of all that is drawn.")
@click.option("--inferences", default=FULL, show_default=True, help="In the week that is cut.")
@click.option("--cuts", default=100, show_default=True, help="Of the control, with other seeds.")
@click.option("--scale", is_flag=True, help="Tell what cuts of weeks of 1, 3 and 10 million cost.")
def main(seed: int, inferences: int, cuts: int, scale: bool) -> None:
    console = Console(width=None if Console().is_terminal else 120)
    with LocalClickHouse() as server, tempfile.TemporaryDirectory() as folder:
        url = f"{server.url}/planted"
        if scale:
            _scale(url, server.pid, seed, Path(folder), console)
        else:
            _judge(url, server.pid, seed, inferences, cuts, Path(folder), console)


def _judge(url: str, pid: int, seed: int, inferences: int, cuts: int, out: Path, console: Console) -> None:
    with console.status(f"Planting {inferences:,} inferences …"):
        apart(worlds.make, url, seed, inferences)
    with console.status("Cutting …"):
        cost = apart(measured, url, pid, Policy(seed=seed), out)
    with console.status(f"Cutting the control {cuts} times …"):
        verdict = judged(connect(url), out / WINDOW.name, truth(inferences, seed), seed, cuts)
    console.print(table(verdict))
    console.print(_costs({inferences: cost}))
    if (inferences, cuts) == (FULL, 100):
        _keep("worth", asdict(verdict))


def _scale(url: str, pid: int, seed: int, out: Path, console: Console) -> None:
    """Plant once, and let the week grow from cut to cut."""
    held = worlds.BASE
    with console.status(f"Planting {held:,} inferences …"):
        apart(worlds.make, url, seed, held)
    costs: dict[int, Cost] = {}
    for size in SIZES:
        with console.status(f"Growing the week to {size:,} inferences …"):
            apart(worlds.grow, url, held, size)
        held = size
        with console.status(f"Cutting {size:,} …"):
            costs[size] = apart(measured, url, pid, Policy(seed=seed), out / str(size))
        console.print(f"{size:,}: {costs[size].seconds} s")
    console.print(_costs(costs))
    _keep("cost", {str(size): asdict(cost) for size, cost in costs.items()})


def _costs(costs: dict[int, Cost]) -> Table:
    rows = Table("inferences", *(f"{size:,}" for size in costs), box=None, padding=(0, 2, 0, 0))
    rows.add_row("items", *(str(cost.items) for cost in costs.values()))
    rows.add_row("seconds by the clock", *(f"{cost.seconds:.1f}" for cost in costs.values()))
    rows.add_row("CPU of the client, s", *(f"{cost.client_cpu_s:.1f}" for cost in costs.values()))
    rows.add_row("CPU of ClickHouse, s", *(f"{cost.clickhouse_cpu_s:.1f}" for cost in costs.values()))
    rows.add_row("memory of the client, MB", *(f"{cost.client_mb:.0f}" for cost in costs.values()))
    rows.add_row("memory of ClickHouse, MB", *(f"{cost.clickhouse_mb:.0f}" for cost in costs.values()))
    for step in max(costs.values(), key=lambda cost: cost.seconds).steps:
        rows.add_row(f"  {step}: waited, s", *(f"{cost.steps.get(step, 0.0):.1f}" for cost in costs.values()))
    return rows


def _keep(part: str, facts: dict[str, Any]) -> None:
    """Replace a part of bench/review.json, and say on what machine it was run."""
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    held = orjson.loads(LATEST.read_bytes()) | {part: facts | machine}
    LATEST.write_bytes(orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
