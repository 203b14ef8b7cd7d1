"""The command about incidents: findings of several segments that began together, and what these have in common."""

import click

from sinks import findings as findings_module
from sinks.clickhouse import ClickHouse
from sinks.findings import Carrier, Incident
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.events import SHORT
from streams.readable import harmless, moment

CARRIERS = 3  # that are shown; the view has all


@main.command()
@click.option("--all", "closed", is_flag=True, help="Those that are over, too.")
@plainly
def incidents(closed: bool) -> None:
    """List what hit several segments at once, open ones first, and what these have in common."""
    client = ClickHouse(settings_module.load().clickhouse_url).client
    found = findings_module.incidents(client, closed=closed)
    for each in found:
        for line in _lines(each):
            click.echo(line)
    if not found:
        click.echo("Nothing." if closed else "Nothing is open that several segments have in common.")


def _lines(each: Incident) -> list[str]:
    until = f" until {moment(each.closed_unix_nano)}" if each.closed_unix_nano else ""
    when = f"{each.state} since {moment(each.since_unix_nano)}{until}"
    where = f"{each.findings} findings in {each.segments} of {each.segments_watched} segments"
    return [
        f"{each.incident_id[:SHORT]}  {when}: {where}, {harmless(', '.join(each.metrics))}",
        *(f"  {_carried(carrier, each)}" for carrier in each.carried[:CARRIERS]),
        f"  findings {' '.join(finding_id[:SHORT] for finding_id in each.finding_ids)}",
    ]


def _carried(carrier: Carrier, incident: Incident) -> str:
    return (
        f"{harmless(f'{carrier.dimension}={carrier.value}')}: {carrier.segments} of its {carrier.of} segments, "
        f"{carrier.findings} of {incident.findings} findings"
    )
