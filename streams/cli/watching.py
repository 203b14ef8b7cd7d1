"""Commands that look at a running worker: is it well, and if not, why; and what its metrics mean."""

import sys
import time
from typing import Any

import click
import urllib3
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams import metrics_page
from streams import settings as settings_module
from streams.cli.group import main, plainly

AGAIN_S = 2.0
ANSWER_S = 5.0


@main.command()
@click.option("--url", help="Where the worker serves [default: http://SLUICE_WEB_HOST:SLUICE_WEB_PORT].")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@plainly
def status(url: str | None, watch: bool) -> None:
    """Say whether a worker is alive and ready, and how far each partition is. Exits with 1 where it is not ready."""
    held = settings_module.load()
    where = url or f"http://{held.web_host}:{held.web_port}"
    console = Console()
    if watch:
        with Live(_drawn(_asked(where), where), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(AGAIN_S)
                live.update(_drawn(_asked(where), where), refresh=True)
    told = _asked(where)
    console.print(_drawn(told, where))
    sys.exit(0 if told and told["ready"] else 1)


@main.command()
def metrics() -> None:
    """Print what each metric means, and what to do when it is out of the ordinary."""
    click.echo(metrics_page.page(), nl=False)


def _asked(where: str) -> dict[str, Any] | None:
    """Ask a worker how it is; None where nobody answers."""
    try:
        answer = urllib3.request("GET", f"{where}/readyz", timeout=ANSWER_S, retries=False)
        told: dict[str, Any] = answer.json()
    except (urllib3.exceptions.HTTPError, ValueError):
        return None
    return told if "ready" in told else None


def _drawn(told: dict[str, Any] | None, where: str) -> Group:
    if told is None:
        return Group(
            Text(f"No worker answers at {where}.", "bold red"),
            Text("Start one (`sluice worker`), or name its port with --url or SLUICE_WEB_PORT."),
        )
    words, style = ("ready", "bold green") if told["ready"] else ("alive, not ready", "bold yellow")
    if not told["live"]:
        words, style = "not alive: start it anew", "bold red"
    table = Table("topic", "partition", "records behind", "seconds behind", "still for", box=None, padding=(0, 2, 0, 0))
    for each in told["partitions"]:
        stands = each["still_s"] >= told["stalled_after_s"] / 2
        numbers = f"{each['lag']:,}", f"{each['behind_s']:.0f}", f"{each['still_s']:.0f} s"
        table.add_row(each["topic"], str(each["partition"]), *numbers, style="red" if stands else None)
    return Group(Text(f"{where}: {words}", style), *(Text(f"  {why}") for why in told["why"]), table)
