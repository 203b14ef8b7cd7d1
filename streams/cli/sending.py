"""Commands that send records to Kafka: made up, or from files of events."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from streams import replay, simulate, topics
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.kafka import connection
from streams.produce import Speed, speed_of
from streams.scenarios import PRESETS, scenarios
from streams.traffic.plan import WEEK, Plan, week_start


def _speed(_context: click.Context, _option: click.Parameter, value: str) -> Speed:
    try:
        return speed_of(value)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None


_SPEED = click.option(
    "--speed", default="max", show_default=True, callback=_speed, help="max, live (at their own time) or records/s."
)


@main.command("simulate")
@click.option("--week", help="Simulate this ISO week, such as 2026-W46.")
@click.option(
    "--hours",
    type=float,
    default=24.0,
    show_default=True,
    help="Without --week: the last hours; from now on with --speed live.",
)
@click.option("--inferences", type=click.IntRange(1), default=30_000, show_default=True, help="Calls of a model.")
@click.option("--scenario", "names", multiple=True, help=f"What to inject, repeatable: {', '.join(PRESETS)}.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other traffic; the same, the same.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a file for `sluice replay` instead."
)
@_SPEED
@plainly
def simulate_(
    week: str | None, hours: float, inferences: int, names: tuple[str, ...], seed: int, out: Path | None, speed: Speed
) -> None:
    """Produce what a fleet of gateways would: calls, answers, feedback, and what goes wrong."""
    now = datetime.now(UTC)
    duration = WEEK if week else timedelta(hours=hours)
    try:
        start = week_start(week) if week else now if speed == "live" else now - duration
        until = start + duration if speed == "live" else now
        plan = Plan(start, duration, inferences, seed, scenarios(names), until)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None
    if out:
        truth, left_out = simulate.to_file(plan, out)
        click.echo(f"{truth.records.total() - left_out.total():,} records of {truth.inferences:,} calls are in {out}.")
        return
    held = settings_module.load()
    asyncio.run(topics.ensure(held))
    truth, produced = asyncio.run(simulate.to_kafka(plan, connection(held), held.topic_prefix, speed))
    click.echo(f"{produced.confirmed.total():,} records of {truth.inferences:,} calls are in Kafka.")
    for change in truth.changes:
        click.echo(f"  {change.scenario.name} in {change.segment} from {change.first_inference_id} on")


@main.command("replay")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--topic", help="Send lines that name no kind to this topic instead of leaving them out.")
@_SPEED
@plainly
def replay_(files: tuple[Path, ...], topic: str | None, speed: Speed) -> None:
    """Produce files of events again, one JSON object a line, plain or gzip."""
    held = settings_module.load()
    replaying = replay.Replay(files, topic)
    asyncio.run(topics.ensure(held))
    produced = asyncio.run(replay.to_kafka(replaying, connection(held), held.topic_prefix, speed))
    for name, count in sorted(produced.confirmed.items()):
        click.echo(f"{count:,} records to {held.topic_prefix}{name}")
    for name, count in sorted(produced.refused.items()):
        click.echo(f"{count:,} records were refused by the broker for {held.topic_prefix}{name}", err=True)
    for unplaced in replaying.unplaced:
        click.echo(str(unplaced), err=True)
