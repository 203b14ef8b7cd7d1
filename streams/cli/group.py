"""The command `sluice` itself, and how every command of it fails: in one line that names the cure."""

import gc
import logging
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import ParamSpec

import click

from streams.readable import harmless

P = ParamSpec("P")

# What modules make stays: by the default, a quarter of the time that a worker takes to start is a search for cycles.
gc.set_threshold(50_000)

# The modules in which each command is; those of a group's commands come with it.
WHERE = {
    "backup": ("saving",),
    "batch": ("batches", "exporting", "pushing", "reporting", "reviewing", "signing"),
    "dead-letters": ("dead_letters",),
    "decode": ("gateways",),
    "demo": ("running",),
    "doctor": ("proving",),
    "erase": ("erasing",),
    "findings": ("findings",),
    "grafana": ("grafana",),
    "incidents": ("incidents",),
    "ledger": ("proving",),
    "metrics": ("watching",),
    "migrate": ("saving",),
    "openapi": ("contract",),
    "plan": ("planning",),
    "receive": ("gateways",),
    "reference": ("references",),
    "release": ("releasing",),
    "replay": ("sending",),
    "restore": ("saving",),
    "rewind": ("rewinding",),
    "rewrap": ("sealing",),
    "schema": ("contract",),
    "settings": ("contract",),
    "similar": ("similar",),
    "simulate": ("sending",),
    "status": ("watching",),
    "up": ("running",),
    "worker": ("running",),
}


class NotRecorded(Exception):
    """What was asked is done, but not written down; the message names the cure."""


class _AsAsked(click.Group):
    """Imports a command's modules when it is asked for: all of them take seconds."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(WHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module in WHERE.get(cmd_name, ()):
            import_module(f"streams.cli.{module}")
        return super().get_command(ctx, cmd_name)


@click.group(cls=_AsAsked, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="sluice")
def main() -> None:
    """Watch what model gateways serve, and cut a weekly review batch for people to decide on."""
    # A command says itself, in one line, that a server is away; its client would say it too, aiokafka by the dozen.
    for client in ("aiokafka", "clickhouse_connect", "urllib3"):
        logging.getLogger(client).setLevel(logging.CRITICAL)


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command fail with one line that names the cure instead of a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever reads has had enough; click ends it quietly
        except Exception as error:
            from streams.cli.errors import words  # which takes a while to import: it knows the errors of every module

            if (said := words(error)) is None:
                raise
            quoted = "\n".join(map(harmless, said.splitlines()))  # it may quote what a stranger wrote
            click.echo(f"sluice: {quoted}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)

    return run
