"""A worker's pages without the worker: its numbers are planted, its store and its folder of batches are real."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import sin
from pathlib import Path
from time import time

from aiohttp import web

from deploy.local.processes import free_port
from sinks import columns
from sinks.clickhouse import ClickHouse
from sinks.prometheus import Metrics
from streams.events import Finding, InferenceResponse, LedgerRow
from streams.fence import fence
from streams.health import Health
from streams.movement import Partition, Place, Standing
from streams.settings import load
from streams.status_page import guard
from streams.status_page.group import GroupView
from streams.status_page.recent import Recent
from streams.status_page.routes import Pages
from tests.sinks.found import FULL, MINUTE, SEGMENT, began

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31m\u202ered|`{{ 7 * 7 }}`|-|-"
SEGMENTS = (SEGMENT, "desk|/v1/answer|basalt-70b|production", "search|/v1/embed|delta|production", HOSTILE)
TOPICS = ("inference.requests", "inference.responses", "inference.feedback")
STEP_S = 5


def moving(behind: int = 0, still_s: float = 0.0) -> Health:
    """Return the health of a worker with twelve partitions, of which one is so many records behind."""
    places = {(topic, n): Place(120_000 + 7 * n, 120_000 + 7 * n) for topic in TOPICS for n in range(4)}
    partitions = dict.fromkeys(places, Standing(0, 0.0, 0.0))
    if behind:
        late: Partition = (TOPICS[1], 2)
        places[late] = Place(120_014, 120_014 + behind)
        partitions[late] = Standing(behind, max(still_s, 2.0), still_s)
    return Health(partitions, assigned=True, places=places)


@dataclass
class Scene:
    """The pages at `url`, and what they show."""

    url: str
    pages: Pages
    metrics: Metrics
    now: float
    health: Health = field(default_factory=moving)

    def live(self, seconds: int, failing: float = 0.02, seed: int = 7) -> None:
        """Let so much time pass, with traffic; the first segment fails as often as `failing` in the last quarter."""
        chance = random.Random(seed)  # noqa: S311  a sample, not a secret
        answers = {status: _answer(status) for status in ("ok", "error")}
        for step in range(seconds // STEP_S, 0, -1):
            self.now += STEP_S
            late = step < seconds // STEP_S / 4
            served = {}
            for n, segment in enumerate(SEGMENTS):
                share = failing if late and n == 0 else 0.02
                kinds = [
                    "error" if chance.random() < share else "ok" for _ in range(chance.randrange(20, 40) // (n + 1))
                ]
                served[segment] = [(answers[kind], chance.lognormvariate(0.5 + 0.2 * n, 0.5)) for kind in kinds]
            self.metrics.answered(served, int(self.now * 1e9))
            self.metrics.read({("native", "response"): 3 * sum(map(len, served.values()))}, {})
            if step == seconds // STEP_S // 5:
                self.metrics.found(FULL)
            self.pages.recent.take()


def _answer(status: str) -> InferenceResponse:
    said = {"kind": "response", "event_id": status, "time_unix_nano": FULL.time_unix_nano, "inference_id": "i"}
    return InferenceResponse.model_validate(said | {"status": status, "input_tokens": 90, "output_tokens": 200})


@contextmanager
def served(store: str, batches: Path, up_s: int) -> Iterator[Scene]:
    """Serve the pages of a worker that is so many seconds old in a thread, as it does, on a free port of loopback."""
    port, metrics = free_port(), Metrics()
    held = load(clickhouse_url=store, batches=batches, web_port=port)
    began, scenes = time() - up_s, list[Scene]()
    recent = Recent(metrics, clock=lambda: scenes[0].now if scenes else began)
    pages = Pages(held, GroupView(held, TOPICS), recent, lambda: scenes[0].health)
    scene = Scene(f"http://127.0.0.1:{port}", pages, metrics, began)
    scenes.append(scene)
    application = web.Application(middlewares=[guard.middleware(held, guard.OPEN)])
    fence(application)
    application.router.add_routes(pages.routes())
    up, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        loops.append(asyncio.get_running_loop())
        up.set()
        await over.wait()
        await runner.cleanup()

    loops: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    assert up.wait(20)
    try:
        yield scene
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join()


def told(now: float) -> list[Finding]:
    """Return findings as they stand: one that says everything, a hostile one, and one that is over."""
    since = int((now - 600) * 1e9)
    full = FULL.model_copy(
        update={
            "since_unix_nano": since,
            "time_unix_nano": since + 2 * MINUTE,
            "said_unix_nano": since + 2 * MINUTE,
        }
    )
    names = dict.fromkeys(("segment", "subject", "detector", "inference_id"), HOSTILE)
    lists = {name: [HOSTILE] for name in ("versions", "examples_before", "examples_after")}
    slices = [each.model_copy(update={"value": HOSTILE}) for each in FULL.slices]
    hostile = began("a" * 32, 0, **names, **lists, slices=slices, metric="finish_reason", direction="other")
    closed = began("c" * 32, 3, segment=SEGMENTS[1], metric="duration_s", mean_before=1.76, mean_after=3.43)
    return [full, hostile, closed, closed.model_copy(update={"state": "closed", "said_unix_nano": since})]


def plant(sink: ClickHouse, now: float) -> None:
    """Store the findings, and an hour of the ledger of two workers."""
    sink.insert("finding_events", columns.finding_rows(told(now)))
    for at in range(int(now) - 3600, int(now), 10):
        count = int(1200 + 300 * sin(at / 700) + 90 * sin(at))
        rows = [LedgerRow(topic, 0, at, at + count - 1, count, count, 0, count, 0) for topic in TOPICS]
        sink.insert("ledger", columns.ledger_rows(rows, at * 1000))
