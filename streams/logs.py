"""Log lines of a worker: one fact a line, for people on a terminal and as JSON for whatever gathers them elsewhere.

Ours as they are, those of libraries from warnings up and once a minute. What people and models said is in none of them.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka.errors import KafkaError

from sinks.base import SinkError
from streams.dead_letters import PoisonFlood

# What Faust and its parts say at INFO is about themselves: services that start, tables of offsets.
LIBRARIES = ("faust", "mode", "aiokafka", "asyncio", "aiohttp")
QUIET_S = 60.0


class OnceAMinute(logging.Filter):
    """Lets a library say the same thing once a minute: aiokafka says ten times a second that its broker is away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("sluice"):
            return True
        if _said_before(record):
            return False
        now, what = self._clock(), (record.name, str(record.msg))
        if now - self._said.get(what, -QUIET_S) < QUIET_S:
            return False
        self._said[what] = now
        return True


class JsonLine(logging.Formatter):
    """Writes one JSON object: `time` (UTC), `level`, `logger`, `message`, and `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(said).decode()


def _said_before(record: logging.LogRecord) -> bool:
    """Whether a library tells, with a traceback, what a line has said already, most of all the end of the walk."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name == "asyncio" and isinstance(error, KafkaError):
        return True  # a request that was under way when the connection was closed; aiokafka has told of it
    return isinstance(error, SinkError | PoisonFlood | asyncio.CancelledError) or "We experienced a crash!" in str(
        record.msg
    )


def config(level: str, *, terminal: bool | None = None) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`.

    Args:
        level: of Sluice's own lines.
        terminal: whether a person reads them as they come; None asks stderr.
    """
    readable = sys.stderr.isatty() if terminal is None else terminal
    line = "%(asctime)s %(levelname)-8s %(name)s  %(message)s"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"readable": {"format": line, "datefmt": "%Y-%m-%dT%H:%M:%S%z"}, "json": {"()": JsonLine}},
        "filters": {"once": {"()": OnceAMinute}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "readable" if readable else "json",
                "filters": ["once"],
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "sluice": {"level": level},
            **{name: {"level": "WARNING"} for name in LIBRARIES},
            # What these two warn of, they raise; and a checkpoint that waits for a sink outlasts its timer.
            **{name: {"level": "ERROR"} for name in ("clickhouse_connect", "urllib3", "mode.timers")},
        },
    }
