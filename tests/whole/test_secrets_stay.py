"""Each secret that a worker is given is looked for in whatever it says: logs, metrics, pages, errors, commands."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import ServerFailed
from tests.whole.events import request, response
from tests.whole.harness import REQUESTS, Message, World
from tests.whole.planted import PASSWORD, SECRETS, assert_no_secret_in, world_with_secrets


@pytest.fixture
def world(clickhouse_url: str, tmp_path: Path) -> Iterator[World]:
    with world_with_secrets(clickhouse_url, tmp_path) as world:
        yield world


def said(url: str) -> str:
    answer = httpx.get(url, timeout=60, headers={"Authorization": f"Bearer {SECRETS['metrics_token']}"})
    return str(answer.headers) + answer.text


def test_no_secret_is_in_what_a_worker_says(world: World) -> None:
    assert len(SECRETS) >= 5
    worker = world.start(log_level="DEBUG")
    world.produce([request("a"), response("a"), Message(REQUESTS, b"no event")])
    world.settle()
    page = f"http://127.0.0.1:{worker.port}"
    heard = {path: said(page + path) for path in ("/", "/metrics", "/livez", "/readyz", "/api/status", "/litellm")}
    for command in (
        ("settings",),
        ("doctor",),
        ("status", "--url", page),
        ("dead-letters",),
        ("findings",),
        ("batch", "plan"),
    ):
        ran = world.sluice(*command)
        heard[" ".join(command)] = ran.stdout + ran.stderr
    worker.stop()
    refused = world.worker(clickhouse_url=f"http://ann:{PASSWORD}@127.0.0.1:1/sluice")
    with pytest.raises(ServerFailed) as failed:
        refused.start()
    heard |= {"a worker that is refused": str(failed.value), "log": worker.log.read_text()}
    assert all(heard.values()), [where for where, text in heard.items() if not text]
    assert_no_secret_in(heard)
