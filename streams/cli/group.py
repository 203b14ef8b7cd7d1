"""The command `sluice` itself, and how every command of it fails: in one line that names the cure."""

import logging
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.processes import ServerFailed
from sinks.base import SinkBusy, SinkError
from sinks.dead_letters import NoSuchLetter
from sinks.findings import NoSuchFinding
from sinks.references import NoSuchSegment
from sinks.review.refusals import CutRefused
from streams.backup import BackupRefused
from streams.demo import DemoFailed
from streams.doctor import CLICKHOUSE_CURE
from streams.kafka import CannotCall
from streams.letters_back import LettersRefused
from streams.readable import harmless
from streams.receiver.refusals import CannotServe
from streams.replay import UnreadableFile
from streams.scenarios import UnknownScenario
from streams.settings import SettingsError
from streams.topics import KafkaUnreachable
from streams.worker import Unready

P = ParamSpec("P")


class NotRecorded(Exception):
    """What was asked is done, but not written down; the message names the cure."""


# What a person can mend: said in one line, without a traceback.
PLAIN = (
    SettingsError,
    CannotCall,
    KafkaUnreachable,
    SinkError,
    CutRefused,
    ServerFailed,
    UnknownScenario,
    UnreadableFile,
    Unready,
    CannotServe,
    NoSuchFinding,
    NoSuchLetter,
    LettersRefused,
    NoSuchSegment,
    NotRecorded,
    BackupRefused,
    DemoFailed,
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


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command fail with one line that names the cure instead of a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever reads has had enough; click ends it quietly
        except SinkBusy as away:
            click.echo(f"sluice: {away}. {CLICKHOUSE_CURE}", err=True)
            sys.exit(2)
        except PLAIN as error:
            said = "\n".join(map(harmless, str(error).splitlines()))  # it may quote what a stranger wrote
            click.echo(f"sluice: {said}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            sys.exit(130)

    return run
