"""Each secret that Sluice is given is looked for in what leaves it: batches, exports, pushes, releases, a backup."""

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from moto.server import ThreadedMotoServer
from pyarrow import fs

from detectors.packed import unpack
from detectors.sealed import unseal
from sinks.review.exports.write import WRITERS
from streams.backup import TABLES, unpacked
from tests.sinks.review.prelabels.service import serving
from tests.whole.events import request, response
from tests.whole.harness import Message, World
from tests.whole.planted import OF_SERVICES, SECRETS, assert_no_secret_in, world_with_secrets

PHRASE = "violet hippopotamus"
DAY_S = 86_400.0
POLICY = """
quotas = {{ control = 10 }}
participation = {{ double_review_share = 0.0 }}
prelabels = [{{ kind = "classifier", name = "topics", url = "{url}", token = "SLUICE_TOKEN_TOPICS" }}]
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, secret in OF_SERVICES.items():
        monkeypatch.setenv(name, secret)


@pytest.fixture
def store() -> Iterator[str]:
    """The address of a bucket on loopback."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"s3://reviews?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    fs.FileSystem.from_uri(f"{address}&allow_bucket_creation=true")[0].create_dir("reviews")
    yield address
    server.stop()


@pytest.fixture
def world(clickhouse_url: str, tmp_path: Path) -> Iterator[World]:
    with world_with_secrets(clickhouse_url, tmp_path) as world:
        yield world


def asked_and_answered(name: str) -> list[Message]:
    def said(where: str, role: str) -> dict[str, Any]:
        parts = [{"type": "text", "content": f"About the {PHRASE} of {name}."}]
        return {"user.id": "ann@example.org", "service.name": "chat", where: [{"role": role, "parts": parts}]}

    return [
        request(name, **said("gen_ai.input.messages", "user")),
        response(name, duration_s=1.0, **said("gen_ai.output.messages", "assistant")),
    ]


async def label(_request: web.Request, _body: Any) -> web.Response:
    return web.json_response({"predictions": [{"label": "animals", "score": 0.5}]})


def test_no_secret_is_in_what_leaves(world: World, store: str, tmp_path: Path) -> None:
    worker = world.start()
    world.produce([*asked_and_answered("a"), *asked_and_answered("b"), response("later", at_s=9 * DAY_S)])
    world.settle()
    batch, release = str(world.settings.batches / "2025-W24"), str(world.settings.releases / "1")

    def done(words: str, *more: str) -> "subprocess.CompletedProcess[str]":
        ran = world.sluice(*words.split(), *more, "--by", "Ada")
        assert ran.returncode == 0, ran.stderr
        return ran

    with serving(label) as service:
        world.settings.review_policy.write_text(POLICY.format(url=service.url))
        assert world.sluice("batch", "cut", "--week", "2025-W24").returncode == 0
    assert {each["Authorization"] for each in service.headers} == {f"Bearer {OF_SERVICES['SLUICE_TOKEN_TOPICS']}"}
    for tool in WRITERS:
        done("batch export --to", tool, batch)
    for name in "ab":
        done("batch decide --verdict accept", batch, name)
    done("batch sign --role curator", batch)
    done("release cut --version 1", batch)
    done("release hand-over 1 --to trainers")
    for folder in (batch, release):
        done("batch push", folder, store)
    done("reference pin", "chat|", "--note", PHRASE)
    worker.stop()
    assert world.sluice("backup", str(tmp_path / "sluice.tar")).returncode == 0

    left = written(world.settings.batches) | written(world.settings.releases)
    readable = {name for name, text in left.items() if PHRASE in text}
    assert {"2025-W24/items.jsonl", "2025-W24/items.parquet", "2025-W24/report.html", "1/sft.jsonl"} <= readable
    assert {name.split("/")[3] for name in readable if "/exports/" in name} == {
        tool.replace("-", "_") for tool in WRITERS
    }
    assert '"topics"' in left["2025-W24/manifest.json"]
    assert '"to":"s3://reviews/2025-W24"' in left["2025-W24/review/audit.jsonl"]
    assert any('"to":"trainers"' in text for text in left.values())
    assert_no_secret_in(left)
    assert_none_in_the_backup(world, tmp_path)


def assert_none_in_the_backup(world: World, tmp_path: Path) -> None:
    """By design a backup has the detectors' states, signed with the state key, which is not in it; users' keys are
    not in it either, not even wrapped: beside them an erasure could be undone."""
    into = tmp_path / "unpacked"
    into.mkdir()
    _, states = unpacked(tmp_path / "sluice.tar", into)
    key = SECRETS["state_key"].encode()
    assert states
    held = {name: repr(unpack(unseal(state, key, context=name))) for name, state in states.items()}
    held |= {str(path): path.read_bytes().decode(errors="replace") for path in into.rglob("*") if path.is_file()}
    held |= written(into / "batches") | written(into / "releases")
    assert PHRASE in held[str(into / TABLES / "reference_log.native")]
    assert_no_secret_in(held)
    wrapped = world.rows("SELECT key_id, hex(wrapped) FROM content_keys")
    assert wrapped
    archive = (tmp_path / "sluice.tar").read_bytes()
    for key_id, hexed in wrapped:
        assert key_id.encode() not in archive
        assert bytes.fromhex(hexed) not in archive


def written(place: Path) -> dict[str, str]:
    """Read each file, which is text or Parquet: what is packed otherwise fails to be text."""
    return {
        path.relative_to(place).as_posix(): str(pq.read_table(path).to_pylist())
        if path.suffix == ".parquet"
        else path.read_text(encoding="utf-8")
        for path in place.rglob("*")
        if path.is_file()
    }
