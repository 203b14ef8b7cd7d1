"""The command that gives a Grafana our folder, data sources and dashboards."""

import click
from grafana_api.grafana_api import GrafanaException
from requests import RequestException

from deploy.grafana.push import Taken
from deploy.grafana.push import push as push_all
from sinks.base import SinkError
from sinks.grafana import connect
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.settings import SettingsError


class NotPushed(SinkError):
    """Grafana did not take it; the message names the cure."""


@main.group()
def grafana() -> None:
    """Dashboards, in a Grafana of yours."""


@grafana.command()
@click.option("--prometheus-url", default="http://prometheus:9090", show_default=True, help="As Grafana reaches it.")
@click.option("--clickhouse-url", help="As Grafana reaches it, a user who may read [default: SLUICE_CLICKHOUSE_URL].")
@plainly
def push(prometheus_url: str, clickhouse_url: str | None) -> None:
    """Make folder, data sources and dashboards, or bring them up to date; nothing that others made is touched.

    Takes SLUICE_GRAFANA_URL, and SLUICE_GRAFANA_TOKEN of a service account with the role Admin.
    """
    held = settings_module.load()
    if not held.grafana_url:
        raise SettingsError("Set SLUICE_GRAFANA_URL, for example http://127.0.0.1:3000, and SLUICE_GRAFANA_TOKEN.")
    client = connect(held.grafana_url, held.grafana_token.get_secret_value())
    try:
        pushed = push_all(client, prometheus_url, clickhouse_url or held.clickhouse_url, held.pages_url)
    except Taken as taken:
        raise NotPushed(f"Nothing was changed.\n{taken}") from None
    except GrafanaException as refused:
        raise NotPushed(
            f"{held.grafana_url} refuses: {refused.message}. May the token do that? It needs Admin."
        ) from None
    except RequestException as away:
        raise NotPushed(f"{held.grafana_url} is away ({type(away).__name__}): is SLUICE_GRAFANA_URL right?") from None
    for what, names in (("made", pushed.made), ("changed", pushed.changed), ("as it should be", pushed.same)):
        for name in names:
            click.echo(f"{what:16}{name}")
