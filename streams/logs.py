"""Log lines of a worker: one fact a line; ours as they are, those of libraries from warnings up and once a minute."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError

from sinks.base import SinkError
from streams.dead_letters import PoisonFlood

# What Faust and its parts say at INFO is about themselves: services that start, tables of offsets.
LIBRARIES = ("faust", "mode", "aiokafka", "asyncio")
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


def _said_before(record: logging.LogRecord) -> bool:
    """Whether a library tells, with a traceback, what a line has said already, most of all the end of the walk."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name == "asyncio" and isinstance(error, KafkaError):
        return True  # a request that was under way when the connection was closed; aiokafka has told of it
    return isinstance(error, SinkError | PoisonFlood | asyncio.CancelledError) or "We experienced a crash!" in str(
        record.msg
    )


def config(level: str) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`; `level` is that of Sluice's own lines."""
    line = "%(asctime)s %(levelname)-8s %(name)s  %(message)s"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": line, "datefmt": "%Y-%m-%dT%H:%M:%S%z"}},
        "filters": {"once": {"()": OnceAMinute}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
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
