"""The tables that `make bench` prints: costs of workers, and how late rows and findings come."""

import statistics
from collections.abc import Mapping, Sequence

from rich.table import Table

from bench.latency import Step, quantile
from bench.runs import Cost

LABELS = {
    "stock": "stock Faust agent, doing nothing",
    "idiomatic": "stock Faust agent, doing the work",
    "quix": "Quix Streams, doing the work",
    "bytewax": "Bytewax, doing the work",
    "arroyo": "Sentry's Arroyo, doing the work",
    "floor": "the floor: fetch, validate, insert",
    "ingest": "Sluice stage 1: read, redact, store, join, measure",
    "detect": "Sluice stage 2: watch, find, keep state",
    "both": "Sluice, both stages in one worker",
    "litellm": "… a record of LiteLLM, 12 KB",
}
_LATE = ("of the top rate", "events/s", "row p50", "p99", "max", "no row", "finding p50", "p99", "max", "of", "MB")
_BESIDE = ("stock", "floor")  # what the others are put in proportion to


def costs(rounds: Sequence[Mapping[str, Cost]]) -> Table:
    """Return the medians of the runs; proportions are medians of each round's, whose runs had the same machine."""
    table = Table(title="CPU of an event, medians")
    for head in ("worker", "runs", "µs", "range", "of stock", "of the floor", "servers µs", "events/s", "MB"):
        table.add_column(head, justify="left" if head == "worker" else "right")
    for name, label in LABELS.items():
        runs = [costs[name] for costs in rounds if name in costs]
        if not runs:
            table.add_row(label, "none")
            continue
        cpu = [run.cpu_us for run in runs]
        shares = ["" if name == "litellm" else share(rounds, name, of) for of in _BESIDE]
        servers, rate, resident = (
            statistics.median(getattr(run, figure) for run in runs)
            for figure in ("servers_us", "events_per_s", "resident_mb")
        )
        spread = f"{min(cpu):.1f}-{max(cpu):.1f}"
        figures = (f"{statistics.median(cpu):.1f}", spread, *shares, f"{servers:.1f}", f"{rate:,.0f}")
        table.add_row(label, str(len(runs)), *figures, f"{resident:.0f}")
    return table


def share(rounds: Sequence[Mapping[str, Cost]], name: str, of: str) -> str:
    """Return the median, over the rounds that have both, of a worker's CPU in proportion to another's."""
    shares = [costs[name].cpu_us / costs[of].cpu_us for costs in rounds if name in costs and of in costs]
    return f"{statistics.median(shares):.2f}" if shares else "-"


def latencies(steps: Sequence[Step]) -> Table:
    """Return how late rows and findings came at each rate."""
    table = Table(title="seconds from an event's time to a query that sees it")
    for head in _LATE:
        table.add_column(head, justify="right")
    for step in steps:
        rate = [f"{step.share:.0%}", f"{step.events_per_s:,.0f}"]
        rows = [*_spread(step.row_s), str(step.unseen)]
        findings = [*_spread(step.finding_s), str(len(step.finding_s))]
        table.add_row(*rate, *rows, *findings, f"{step.resident_mb:.0f}")
    return table


def _spread(seconds: Sequence[float]) -> list[str]:
    return [f"{quantile(seconds, q):.2f}" if seconds else "-" for q in (0.5, 0.99, 1.0)]
