"""A command that shows what else was asked like one question."""

import click

from sinks.clickhouse import ClickHouse
from sinks.review.similar import similar
from streams import settings as settings_module
from streams.cli import tables
from streams.cli.group import main, plainly
from streams.readable import harmless
from streams.sealing import opener

SHOWN = 120  # characters of a question


@main.command("similar")
@click.argument("inference_id")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Inferences to show.")
@plainly
def similar_command(inference_id: str, limit: int) -> None:
    """Show the inferences whose questions are most like that of another."""
    held = settings_module.load()
    clickhouse = ClickHouse(held.clickhouse_url)
    found = similar(clickhouse.client, inference_id, limit, opener(held, clickhouse))
    if not found:
        click.echo("Nothing else was asked.")
        return
    shown = tables.table("alike", "time", "inference", "question")
    for each in found:
        asked = harmless(" ".join(each.question.split())[:SHOWN])
        shown.add_row(f"{each.alike:.2f}", f"{each.time:%Y-%m-%d %H:%M}", harmless(each.inference_id), asked)
    tables.show(shown)
