"""Log lines: Sluice's own as they are, a library's once a minute, and nothing twice in other words."""

import json
import logging
import logging.config
from collections.abc import Iterator
from datetime import datetime

import pytest

from sinks.base import SinkBroken
from streams import logs


def _record(name: str, text: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error else None
    return logging.LogRecord(name, logging.WARNING, __file__, 1, text, args, exc_info)


def test_a_library_says_the_same_thing_once_a_minute_and_we_whenever_we_like() -> None:
    once = logs.OnceAMinute()
    away = "Unable to connect to %s"
    assert once.filter(_record("aiokafka.conn", away, "a:1"))
    assert not once.filter(_record("aiokafka.conn", away, "b:2")), "it is the same thing about another broker"
    assert once.filter(_record("aiokafka.conn", "Something else"))
    assert once.filter(_record("faust.app", away, "a:1"))
    assert all(once.filter(_record("sluice.offers", "ClickHouse is busy")) for _ in range(3))


def test_after_a_minute_it_may_say_so_again() -> None:
    now = 100.0
    once = logs.OnceAMinute(lambda: now)
    assert once.filter(_record("aiokafka", "away"))
    now += logs.QUIET_S - 1
    assert not once.filter(_record("aiokafka", "away"))
    now += 1
    assert once.filter(_record("aiokafka", "away"))


def test_what_the_walk_has_said_is_not_said_again_with_a_traceback() -> None:
    once = logs.OnceAMinute()
    assert not once.filter(_record("mode.worker", "Error: %r", error=SinkBroken("no such table")))
    assert once.filter(_record("mode.worker", "Error: %r", error=ZeroDivisionError())), "a bug keeps its traceback"
    assert once.filter(_record("sluice.worker", "The worker stops: %s", error=SinkBroken("no such table")))


@pytest.fixture
def configured() -> Iterator[None]:
    """Put loggers back as they were."""
    names = ["", "sluice", *logs.config("INFO")["loggers"]]
    before = {name: logging.getLogger(name).level for name in names}
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("configured")
def test_levels_are_ours_to_choose_and_libraries_warn_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logs.config("DEBUG", terminal=True))
    logging.getLogger("sluice.walk").debug("a fact")
    for library in (
        "faust.app",
        "mode.services",
        "aiokafka.consumer",
        "asyncio",
        "clickhouse_connect.driver",
        "urllib3",
    ):
        logging.getLogger(library).info("about itself")
    logging.getLogger("clickhouse_connect.driver").warning("what it raises as well")
    logging.getLogger("aiokafka.consumer").warning("a broker is away")
    logging.config.dictConfig(logs.config("WARNING", terminal=True))
    logging.getLogger("sluice.walk").info("not wanted")
    said = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[-1] for line in said] == ["a fact", "a broker is away"]
    time, level, name, *_ = said[0].split()
    assert (level, name) == ("DEBUG", "sluice.walk")
    assert time[4] == "-"
    assert time[10] == "T"


@pytest.mark.usefixtures("configured")
def test_off_a_terminal_every_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(logs.config("INFO"))
    logging.getLogger("sluice.walk").info("%s in\ntwo lines, \x1b[31mred", "a fact")
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError:
        logging.getLogger("faust.app").exception("It broke")
    fact, broke = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert datetime.fromisoformat(fact.pop("time")).tzinfo is not None
    assert fact == {"level": "INFO", "logger": "sluice.walk", "message": "a fact in\ntwo lines, \x1b[31mred"}
    assert (broke["logger"], broke["message"]) == ("faust.app", "It broke")
    assert broke["traceback"].endswith("ZeroDivisionError: a bug")
