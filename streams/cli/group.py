"""The command `sluice` itself, and how every command of it fails: in one line that names the cure."""

import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import ParamSpec

import click

from streams.readable import harmless

P = ParamSpec("P")

# What modules make stays: by the default, a quarter of the time that a worker takes to start is a search for cycles.
gc.set_threshold(50_000)

# Arrow takes from the heap that all else takes from (`streams.memory`). It asks once, when it is loaded, and no command
# is loaded yet. Its own allocator keeps what each thread's largest block took: measured, 50 MB of a worker's 320.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# By when one needs it: each command, what it does in a few words, and the modules in which it is; those of a group's
# commands come with it.
SECTIONS: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "To begin": {
        "demo": ("run a simulated week through everything, on this machine", ("running",)),
        "up": ("run a broker, ClickHouse and a worker on this machine", ("running",)),
        "doctor": ("say what a worker needs, what is missing, and the cure", ("proving",)),
        "migrate": ("bring ClickHouse's tables to this release", ("saving",)),
        "settings": ("list every setting with its value and meaning", ("contract",)),
        "plan": ("say how many workers, servers and bytes a load takes", ("planning",)),
    },
    "To run": {
        "worker": ("consume, store, watch, and cut weeks that are due", ("running",)),
        "receive": ("take events over HTTP, without the rest of a worker", ("gateways",)),
        "status": ("say whether a worker is alive, and how far it is", ("watching",)),
    },
    "What was found": {
        "findings": ("list what detectors have found, open ones first", ("findings",)),
        "incidents": ("list what hit several segments at once", ("incidents",)),
        "reference": ("show what is usual of a segment, and tell detectors", ("references",)),
        "metrics": ("print what each metric means", ("watching",)),
        "grafana": ("put the dashboards into a Grafana of yours", ("grafana",)),
    },
    "Review": {
        "batch": (
            "cut batches, have them decided, sign them off",
            ("batches", "exporting", "pushing", "reporting", "reviewing", "signing"),
        ),
        "release": ("let decided items of signed batches out, in versions", ("releasing",)),
        "similar": ("show the questions that are most like one", ("similar",)),
        "erase": ("erase a user or an inference", ("erasing",)),
        "rewrap": ("wrap users' keys under a new SLUICE_CONTENT_KEY", ("sealing",)),
    },
    "When something broke": {
        "dead-letters": ("show records that could not be read, and send them again", ("dead_letters",)),
        "ledger": ("prove that every record was written or set aside", ("proving",)),
        "rewind": ("have workers read again what was lost", ("rewinding",)),
        "backup": ("write what Sluice knows besides the traffic to a file", ("saving",)),
        "restore": ("put back what a backup holds", ("saving",)),
    },
    "Events": {
        "decode": ("show what Sluice sees in a gateway's message", ("gateways",)),
        "simulate": ("send what a fleet of gateways would", ("sending",)),
        "replay": ("send files of events again", ("sending",)),
        "schema": ("print the contract with gateways as a JSON Schema", ("contract",)),
        "openapi": ("print what the receiver takes as an OpenAPI document", ("contract",)),
    },
}
WHERE = {name: modules for commands in SECTIONS.values() for name, (_, modules) in commands.items()}


class NotRecorded(Exception):
    """What was asked is done, but not written down; the message names the cure."""


class _AsAsked(click.Group):
    """Imports a command's modules when it is asked for: all of them take seconds, for the list of commands too."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(WHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module in WHERE.get(cmd_name, ()):
            import_module(f"streams.cli.{module}")
        return super().get_command(ctx, cmd_name)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, does) for name, (does, _) in commands.items()])


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
