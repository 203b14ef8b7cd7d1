"""A command that says what a load takes, with its arithmetic."""

from dataclasses import asdict

import click
import orjson

from streams import capacity_page
from streams.capacity import CONTENT_DAYS, EVENT_BYTES, ROWS_DAYS, Load, plan
from streams.cli import tables
from streams.cli.group import main, plainly


@main.command("plan")
@click.option("--events-per-second", type=float, required=True, help="Requests, responses and feedback, at the peak.")
@click.option("--segments", type=int, required=True, help="Segments that are watched apart.")
@click.option("--days", type=int, default=ROWS_DAYS, show_default=True, help=f"Rows kept; content, {CONTENT_DAYS}.")
@click.option("--hottest", type=float, help="Share of the busiest segment, 0 to 1 [default: as 1/rank falls].")
@click.option("--event-bytes", type=int, default=EVENT_BYTES, show_default=True, help="Size of an event in Kafka.")
@click.option("--json", "as_json", is_flag=True, help="Print numbers for programs.")
@plainly
def plan_command(
    *, events_per_second: float, segments: int, days: int, hottest: float | None, event_bytes: int, as_json: bool
) -> None:
    """Say how many workers, partitions, servers and bytes a load takes, and how that is reckoned."""
    load = Load(events_per_second, segments, days, hottest, event_bytes)
    planned = plan(load)
    warnings = capacity_page.warnings(planned)
    if as_json:
        told = {"load": asdict(load), "plan": asdict(planned), "warnings": warnings}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    shown = tables.table("what", "takes", "how")
    for line in capacity_page.lines(load, planned):
        shown.add_row(*line)
    tables.show(shown)
    for warning in warnings:
        click.echo(f"\n! {warning}")
    click.echo("\nReckoned from measurements on two cores, not measured at this load: docs/scaling.md says which.")
