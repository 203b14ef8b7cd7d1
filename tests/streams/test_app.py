"""What runs beside the walk: a cut that fails stops nothing, and what breaks the walk stops the worker, in one line."""

import logging
from pathlib import Path
from typing import Any, cast

import faust
import pytest
from aiohttp.test_utils import TestClient, TestServer
from faust.web.drivers.aiohttp import Web
from pydantic import SecretStr

from detectors.budget import Budget
from sinks.base import SinkBroken, SinkBusy
from sinks.clickhouse import ClickHouse
from sinks.prometheus import Metrics
from sinks.review.refusals import CutRefused
from streams.app import build
from streams.attempts import TRIES
from streams.chores import Cuts, cut_on_schedule
from streams.detect import Watch
from streams.faust_app import or_stop
from streams.fence import HEADERS
from streams.settings import Settings

RIGHT = "a-token-of-the-tests"


def _batches_cut(metrics: Metrics) -> list[float | None]:
    """Return how many batches were cut, and how many cuts failed."""
    return [metrics.registry.get_sample_value(f"sluice_{name}_total") for name in ("batches_cut", "cuts_failed")]


async def test_batches_that_were_cut_are_counted() -> None:
    metrics = Metrics()
    await cut_on_schedule(lambda: Cuts(2, 1), metrics)
    await cut_on_schedule(lambda: Cuts(0, 0), metrics)
    assert _batches_cut(metrics) == [2, 1]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CutRefused("2026-W46 is not over yet: wait."), "2026-W46 is not over yet: wait."),
        (SinkBusy("ClickHouse does not answer at http://ch:8123"), "does not answer"),
        (OSError(28, "No space left on device", str(Path("batches"))), "No space left on device: 'batches'"),
        (ValueError("first line\nsecond line"), "first line"),
        (AssertionError(), "AssertionError"),
    ],
)
async def test_a_cut_that_fails_is_one_line_and_the_next_one_is_tried(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> Cuts:
        raise error

    metrics = Metrics()
    with caplog.at_level(logging.INFO, "sluice.worker"):
        await cut_on_schedule(fails, metrics)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("The cut is tried again at the next schedule")
    assert said in record.getMessage()
    assert "\n" not in record.getMessage()
    assert record.exc_info is None
    await cut_on_schedule(lambda: Cuts(1, 0), metrics)
    assert _batches_cut(metrics) == [1, 1]


async def test_the_port_of_a_worker_fences_in_all_answers_and_limits_each_secret(clickhouse_url: str) -> None:
    settings = Settings(
        web_host="0.0.0.0",  # noqa: S104  # nothing is bound
        state_key=SecretStr("k" * 32),
        pages_token=SecretStr(RIGHT),
        metrics_token=SecretStr(RIGHT),
    )
    sink = ClickHouse(f"{clickhouse_url}/default")
    application = cast(Web, build(settings, sink, lambda: Cuts(0, 0)).web).web_app
    sink.close()
    right, wrong = ({"Authorization": f"Bearer {token}"} for token in (RIGHT, "wrong"))
    async with TestClient(TestServer(application)) as client:

        async def answers(path: str, headers: dict[str, str]) -> int:
            answer = await client.get(path, headers=headers)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
            return answer.status

        assert [await answers(path, right) for path in ("/", "/nothing", "/metrics")] == [200, 404, 200]
        assert [await answers("/metrics", wrong) for _ in range(TRIES)] == [401] * TRIES
        assert await answers("/metrics", right) == 429
        assert await answers("/livez", {}) == 200
        assert await answers("/", right) == 200, "each secret has tries of its own"


def test_the_false_alarms_that_are_accepted_reach_the_detectors(
    clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watches: list[Watch] = []

    class Noted(Watch):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            watches.append(self)

    monkeypatch.setattr("streams.app.Watch", Noted)
    sink = ClickHouse(f"{clickhouse_url}/default")
    build(Settings(state_key=SecretStr("k" * 32), segments=7, false_alarms=0.25), sink, lambda: Cuts(0, 0))
    sink.close()
    (watch,) = watches
    assert watch.segments.budget == Budget(segments=7, false_alarms=0.25)


class Crashing:
    """An app of which is known with what it crashed."""

    def __init__(self) -> None:
        self.reasons: list[BaseException] = []

    @property
    def crashed(self) -> bool:
        return bool(self.reasons)

    async def crash(self, reason: BaseException) -> None:
        self.reasons.append(reason)


@pytest.mark.parametrize("error", [SinkBroken("no such table"), ZeroDivisionError("a bug")])
async def test_what_breaks_the_walk_or_a_checkpoint_stops_the_worker(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk() -> None:
        raise error

    app = Crashing()
    await or_stop(cast(faust.App, app), walk())
    await or_stop(cast(faust.App, app), walk())  # the same fault breaks both stages
    assert app.reasons == [error, error]
    assert [record.getMessage() for record in caplog.records] == [f"The worker stops: {error}"]


async def test_a_walk_that_ends_stops_nothing() -> None:
    async def walk() -> None:
        pass

    app = Crashing()
    await or_stop(cast(faust.App, app), walk())
    assert not app.crashed
