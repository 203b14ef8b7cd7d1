"""`sluice`: each command reads the settings, calls one thing, and prints what came of it."""

import asyncio
import json
import logging.config
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import ParamSpec, get_args

import click
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console
from rich.table import Table

from deploy.local.processes import ServerFailed
from sinks import ledger as ledger_module
from sinks.base import SinkBusy, SinkError
from sinks.clickhouse import ClickHouse
from sinks.review.cut import cut
from sinks.review.manifest import verify
from sinks.review.policy import Policy
from sinks.review.refusals import CutRefused
from sinks.review.windows import Window
from streams import decode_file, events, logs, offsets, replay, simulate, stack, topics, weekly, worker
from streams import demo as demo_module
from streams import doctor as doctor_module
from streams import settings as settings_module
from streams.decode_file import Header, headers_of
from streams.gateways.formats import FORMATS
from streams.produce import Speed, speed_of
from streams.receiver import openapi
from streams.receiver.alone import serve
from streams.receiver.refusals import CannotServe
from streams.scenarios import PRESETS, UnknownScenario, scenarios
from streams.settings import Settings, SettingsError
from streams.sources import Content
from streams.topics import KafkaUnreachable
from streams.traffic.plan import WEEK, Plan, week_start

P = ParamSpec("P")

# What a person can mend: said in one line, without a traceback.
PLAIN = (
    SettingsError,
    KafkaUnreachable,
    SinkError,
    CutRefused,
    ServerFailed,
    UnknownScenario,
    replay.UnreadableFile,
    worker.Unready,
    CannotServe,
    demo_module.DemoFailed,
    ClickHouseError,
    OSError,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="sluice")
def main() -> None:
    """Watch what model gateways serve, and cut a weekly review batch for people to decide on."""
    # A command says itself, in one line, that a server is away; its client would say it too, aiokafka by the dozen.
    for client in ("aiokafka", "clickhouse_connect", "urllib3"):
        logging.getLogger(client).setLevel(logging.CRITICAL)


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command fail with one line that names the cure instead of a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever reads has had enough; click ends it quietly
        except SinkBusy as away:
            click.echo(f"sluice: {away}. {doctor_module.CLICKHOUSE_CURE}", err=True)
            sys.exit(2)
        except PLAIN as error:
            click.echo(f"sluice: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)

    return run


# ---- running


@main.command()
@_plainly
def up() -> None:
    """Run everything on this machine: an embedded broker, a local ClickHouse, a worker. Ctrl-C ends it."""
    with stack.local_stack(settings_module.load()) as running:
        local = running.settings
        click.echo(
            "Sluice runs on this machine; for development only. What it holds is gone when it ends, but batches."
        )
        click.echo(f"  Kafka       {local.kafka_bootstrap}   (embedded, in memory)")
        click.echo(f"  ClickHouse  {local.clickhouse_url}   (local stand-in)")
        click.echo(f"  metrics     http://127.0.0.1:{local.web_port}/metrics")
        click.echo(f"  worker log  {running.worker.log}")
        click.echo("In another terminal:")
        click.echo(
            f"  export SLUICE_KAFKA_BOOTSTRAP={local.kafka_bootstrap} SLUICE_CLICKHOUSE_URL={local.clickhouse_url}"
        )
        click.echo("  sluice simulate --scenario demo --hours 1 --inferences 20000 --speed max")
        stack.watch(running)
    click.echo("Everything has ended.")


@main.command("worker")
@_plainly
def worker_() -> None:
    """Run a worker: consume, store, watch, and cut weeks that are due when it leads. Ctrl-C or SIGTERM ends it."""
    sys.exit(worker.run(settings_module.load()))


@main.command()
@click.option("--inferences", default=30_000, show_default=True, type=click.IntRange(5_000, 1_000_000))
@_plainly
def demo(inferences: int) -> None:
    """Run a simulated week through everything on this machine, and show what came of it."""
    console = Console()
    outcome = demo_module.run(settings_module.load(), inferences, console)
    demo_module.show(outcome, console)
    if faults := demo_module.faults(outcome):
        raise demo_module.DemoFailed("; ".join(faults))


@main.command()
@_plainly
def doctor() -> None:
    """Look at what a worker needs, and say what is missing and what to do about it."""
    diagnoses = asyncio.run(doctor_module.examine(settings_module.load()))
    for each in diagnoses:
        click.echo(f"{'ok     ' if each.well else 'MISSING'}  {each.subject}: {each.words}")
    sys.exit(0 if all(each.well for each in diagnoses) else 1)


# ---- input


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
@_plainly
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
    truth, produced = asyncio.run(simulate.to_kafka(plan, held.kafka_bootstrap, held.topic_prefix, speed))
    click.echo(f"{produced.confirmed.total():,} records of {truth.inferences:,} calls are in Kafka.")
    for change in truth.changes:
        click.echo(f"  {change.scenario.name} in {change.segment} from {change.first_inference_id} on")


@main.command("replay")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--topic", help="Send lines that name no kind to this topic instead of leaving them out.")
@_SPEED
@_plainly
def replay_(files: tuple[Path, ...], topic: str | None, speed: Speed) -> None:
    """Produce files of events again, one JSON object a line, plain or gzip."""
    held = settings_module.load()
    replaying = replay.Replay(files, topic)
    asyncio.run(topics.ensure(held))
    produced = asyncio.run(replay.to_kafka(replaying, held.kafka_bootstrap, held.topic_prefix, speed))
    for name, count in sorted(produced.confirmed.items()):
        click.echo(f"{count:,} records to {held.topic_prefix}{name}")
    for name, count in sorted(produced.refused.items()):
        click.echo(f"{count:,} records were refused by the broker for {held.topic_prefix}{name}", err=True)
    for unplaced in replaying.unplaced:
        click.echo(str(unplaced), err=True)


# ---- output


@main.group()
def batch() -> None:
    """Cut review batches, and check them."""


@batch.command("cut")
@click.option("--week", help="ISO week, such as 2026-W46.")
@click.option("--from", "begin", help="Begin of another window, such as 2026-11-09T08:00:00Z.")
@click.option("--to", "end", help="End of that window, itself not in it.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of batches; else SLUICE_BATCHES.")
@_plainly
def batch_cut(week: str | None, begin: str | None, end: str | None, out: Path | None) -> None:
    """Cut a week, or any closed window, into a review batch; one that is there is compared, never written over."""
    held = settings_module.load()
    window = _window(week, begin, end)
    result = cut(ClickHouse(held.clickhouse_url).client, window, Policy(), out or held.batches, held.lateness)
    click.echo(weekly.told(result))


def _window(week: str | None, begin: str | None, end: str | None) -> Window:
    if week and not (begin or end):
        return Window.week(week)
    if week or not (begin and end):
        raise click.UsageError("Name a window: --week, or --from and --to.")
    try:
        return Window.between(datetime.fromisoformat(begin), datetime.fromisoformat(end))
    except ValueError as wrong:
        raise click.UsageError(f"{wrong}: write times like 2026-11-09T08:00:00Z") from None


@batch.command("verify")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_plainly
def batch_verify(folder: Path) -> None:
    """Check a batch's files against its manifest."""
    manifest = verify(folder)
    click.echo(f"{folder} is what its manifest says: {manifest.counts.items} items of {manifest.window.name}.")


@main.command()
@_plainly
def ledger() -> None:
    """Prove that every record was written or set aside. Exits with 1 where offsets are missing."""
    held = settings_module.load()
    progress = asyncio.run(offsets.progress(held))
    ledgers = ledger_module.read(ClickHouse(held.clickhouse_url).client, progress.committed)
    table = Table("topic", "partition", "from", "to", "offsets", "blocks", "missing", box=None, padding=(0, 2, 0, 0))
    for each in ledgers:
        missing = ", ".join(f"{first}-{last}" for first, last in each.gaps)
        span = (each.first_offset, each.last_offset, each.offsets, each.blocks)
        table.add_row(each.topic, str(each.partition), *(f"{number:,}" for number in span), missing or "none")
    Console().print(table)
    missing_in = sum(bool(each.gaps) for each in ledgers)
    click.echo(f"{missing_in} partitions have gaps." if missing_in else "Gapless.")
    sys.exit(1 if missing_in else 0)


# ---- gateways


def _headers(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[Header]:
    try:
        return headers_of(given)
    except (ValueError, OSError) as wrong:
        raise click.BadParameter(str(wrong)) from None


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "format_", required=True, type=click.Choice(sorted(FORMATS)), help="What the file is in.")
@click.option("--headers", multiple=True, callback=_headers, help="'name: value', or @FILE of JSON; may be repeated.")
@click.option(
    "--content", default="redacted", show_default=True, type=click.Choice(get_args(Content)), help="What is to be kept."
)
@_plainly
def decode(file: str, format_: str, headers: list[Header], content: Content) -> None:
    """Show what Sluice sees in a gateway's message: an event a line. Exits with 1 where there are dead letters."""
    dead = 0
    for line in decode_file.seen(file, format_, headers, content, settings_module.load()):
        click.echo(line)
        dead += line.startswith('{"kind": "dead_letter"')
    if dead:
        click.echo(f"{dead} of them cannot be read.", err=True)
        sys.exit(1)


@main.command()
@_plainly
def receive() -> None:
    """Take events over HTTP, on SLUICE_WEB_HOST and SLUICE_WEB_PORT, and write them to Kafka. Ctrl-C ends it."""
    held = settings_module.load()
    logging.config.dictConfig(logs.config(held.log_level))
    asyncio.run(serve(held))


# ---- reference


@main.command()
def schema() -> None:
    """Print the contract with gateways as a JSON Schema."""
    click.echo(json.dumps(events.json_schema(), indent=2, ensure_ascii=False))


@main.command("openapi")
def openapi_() -> None:
    """Print what the receiver takes as an OpenAPI document."""
    click.echo(json.dumps(openapi.document(), indent=2, ensure_ascii=False))


@main.command()
@_plainly
def settings() -> None:
    """List every setting with its value and meaning."""
    held = settings_module.load()
    for name, field in Settings.model_fields.items():
        click.echo(f"SLUICE_{name.upper()}={held.shown(name)}\n    {field.description}")


if __name__ == "__main__":
    main()
