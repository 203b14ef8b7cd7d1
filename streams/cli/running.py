"""Commands that run: everything on this machine, a worker, the demo."""

import sys

import click
from rich.console import Console

from streams import demo as demo_module
from streams import settings as settings_module
from streams import stack, worker
from streams.cli.group import main, plainly


@main.command()
@plainly
def up() -> None:
    """Run everything on this machine: an embedded broker, a local ClickHouse, a worker. Ctrl-C ends it."""
    with stack.local_stack(settings_module.load()) as running:
        local = running.settings
        click.echo(
            "Sluice runs on this machine; for development only. What it holds is gone when it ends, but batches."
        )
        click.echo(f"  Kafka       {local.kafka_bootstrap}   (embedded, in memory)")
        click.echo(f"  ClickHouse  {local.clickhouse_url}   (local stand-in)")
        click.echo(f"  status page {local.pages_url}/")
        click.echo(f"  metrics     {local.pages_url}/metrics")
        click.echo(f"  worker log  {running.worker.log}")
        click.echo("In another terminal:")
        click.echo(
            f"  export SLUICE_KAFKA_BOOTSTRAP={local.kafka_bootstrap} SLUICE_CLICKHOUSE_URL={local.clickhouse_url}"
        )
        click.echo("  sluice simulate --scenario demo --hours 1 --inferences 20000 --speed max")
        stack.watch(running)
    click.echo("Everything has ended.")


@main.command("worker")
@plainly
def worker_() -> None:
    """Run a worker: consume, store, watch, and cut weeks that are due when it leads. Ctrl-C or SIGTERM ends it."""
    sys.exit(worker.run(settings_module.load()))


@main.command()
@click.option("--inferences", default=30_000, show_default=True, type=click.IntRange(5_000, 1_000_000))
@plainly
def demo(inferences: int) -> None:
    """Run a simulated week through everything on this machine, and show what came of it.

    In a terminal it stays until Ctrl-C, so that its status page can be looked at.
    """
    stays = sys.stdin.isatty() and sys.stdout.isatty()
    outcome = demo_module.run(settings_module.load(), inferences, Console(), stays=stays)
    if faults := demo_module.faults(outcome):
        raise demo_module.DemoFailed("; ".join(faults))
