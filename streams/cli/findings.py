"""Commands about findings: what is open, one explained, and a person's word on it."""

import json
import time
from typing import Any

import click

from sinks import findings as findings_module
from sinks.clickhouse import ClickHouse
from sinks.findings import Standing
from streams import finding_page
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.cli.references import BY, NOTE, tell
from streams.cli.tables import show, table
from streams.commands import Command
from streams.events import SHORT, Finding
from streams.readable import harmless, moment
from streams.usage import is_usage

ID = click.argument("beginning", metavar="ID")


@main.group(invoke_without_command=True)
@click.option("--all", "closed", is_flag=True, help="Those that are over, too.")
@click.option("--segment", default="", help="Only segments whose names contain this.")
@click.option("--json", "as_json", is_flag=True, help="Print all that is known of them as a JSON array.")
@click.pass_context
@plainly
def findings(context: click.Context, closed: bool, segment: str, as_json: bool) -> None:
    """List what the detectors have found, open ones first. IDs may be shortened, here and below."""
    if context.invoked_subcommand:
        return
    held = settings_module.load()
    standing = findings_module.listed(ClickHouse(held.clickhouse_url).client, closed=closed, segment=segment)
    if as_json:
        plain = [_plain(each) | {"page": held.finding_page(each.finding.finding_id)} for each in standing]
        click.echo(json.dumps(plain, indent=2))
    elif not standing:
        click.echo("Nothing." if closed else "Nothing is open.")
    else:
        _list(standing)
        click.echo(f"Each has a page: {held.finding_page('ID')}")


def _list(standing: list[Standing]) -> None:
    rows = table("state", "id", "since", "what", "change", "segment")
    for each in standing:
        found = each.finding
        state = f"{each.state} ({harmless(each.by)})" if each.state == "acknowledged" else each.state
        since, short = moment(found.since_unix_nano), found.finding_id[:SHORT]
        rows.add_row(state, short, since, f"{found.about} {found.direction}", _change(found), harmless(found.segment))
    show(rows)


def _change(found: Finding) -> str:
    before, after = (found.amount(mean) for mean in (found.mean_before, found.mean_after))
    return f"{before} → {after}"


def _plain(each: Standing) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(each.finding.model_dump_json())
    acknowledged = {"by": each.by, "note": each.note, "time_unix_nano": each.acknowledged_unix_nano}
    return known | {"state": each.state, "acknowledged": acknowledged if each.acknowledged_unix_nano else None}


@findings.command("show")
@ID
@plainly
def show_one(beginning: str) -> None:
    """Explain a finding: what changed, since when, how sure that is, what carries it, and what to do."""
    held = settings_module.load()
    client = ClickHouse(held.clickhouse_url).client
    standing = findings_module.one(client, beginning)
    around = (each for each in findings_module.incidents(client, closed=True) if standing.is_in(each))
    page = held.finding_page(standing.finding.finding_id)
    for line in finding_page.lines(standing, next(around, None), page):
        click.echo(line)


@findings.command()
@ID
@BY
@NOTE
@plainly
def ack(beginning: str, by: str, note: str) -> None:
    """Say that somebody is on it. It closes by itself when the stream returns."""
    client = ClickHouse(settings_module.load().clickhouse_url).client
    found = findings_module.one(client, beginning).finding
    findings_module.acknowledge(client, found.finding_id, by, note, time.time_ns())
    click.echo(f"Acknowledged by {harmless(by)}: {found}")


@findings.command()
@ID
@BY
@NOTE
@plainly
def accept(beginning: str, by: str, note: str) -> None:
    """Say that this is the new normal: the detectors go on from there. Also acknowledges it."""
    held = settings_module.load()
    client = ClickHouse(held.clickhouse_url).client
    standing = findings_module.one(client, beginning)
    found, now = standing.finding, time.time_ns()
    if standing.state == "closed":
        raise click.UsageError("It is over: the stream has returned, and there is nothing to accept.")
    if is_usage(found.segment):
        raise click.UsageError(
            "Who uses far more than before is no reference that could be accepted: it closes by itself once the use "
            f"falls. `sluice findings ack {found.finding_id[:SHORT]} --by {by}` says that somebody knows."
        )
    metrics = dict.fromkeys((found.metric, *(moved.metric for moved in found.also)))
    tell(held, client, found.segment, *(Command("accept", metric, by, note, now) for metric in metrics))
    findings_module.acknowledge(client, found.finding_id, by, note or "accepted as the new normal", now)
    click.echo(f"The new normal of {harmless(found.segment)}, says {harmless(by)}: {harmless(', '.join(metrics))}.")
