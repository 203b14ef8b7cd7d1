"""A batch goes to a Label Studio server in chunks; a receipt says which are there, so that no task comes twice.

A chunk may be there although the connection broke before its answer came: a run that goes on asks the server which
items it has, once, before it sends what the receipt does not know.
"""

import fcntl
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue

from sinks.review.audit import FOLDER, Audit, Step
from sinks.review.exports.label_studio import Task, task
from sinks.review.exports.label_studio_server import NotPushed, Server
from sinks.review.exports.sheet import Sheet, sheets
from sinks.review.folder import sync
from sinks.review.manifest import verify

TASKS = 1000  # of a chunk
BYTES = 32_000_000  # of a chunk, unless one task is longer


class Receipt(BaseModel):
    """What a server has confirmed: SHA-256 of chunks, in order, and how many tasks they hold."""

    model_config = ConfigDict(extra="forbid")

    url: str
    project: int
    confirmed: list[str] = []
    tasks: int = 0


def push(batch: Path, server: Server, project: int | None, by: str, at: datetime) -> Receipt:
    """Send a batch's tasks, those that are not there yet; a second run sends nothing.

    Args:
        batch: its folder.
        server: where to.
        project: its number, with the configuration of the export; else one is made, and used again by the next run.
        by: who does it.
        at: when, aware.

    Raises:
        NotABatch, TamperedBatch, WrongState: the batch is none, was edited, or is rejected.
        NotPushed: the server is away or refuses; run the same again.
    """
    name = verify(batch).window.name
    with Audit(batch).writing() as log:
        log.expect(Step.EXPORTED)
    place = batch / FOLDER / "exports" / "label_studio"
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotPushed(f"Another process is pushing {name}: wait for it.") from None
        receipt, path, fresh = _receipt(batch, place, server, project)
        there = set[str]() if fresh else None
        if waiting := sum(len(chunk) for _, chunk in _unsent(batch, receipt)):
            # Before the first byte leaves: what is broken off has been given, too, and an erasure has to name it.
            where: dict[str, JsonValue] = {"to": "label-studio", "url": server.url, "project": receipt.project}
            Audit(batch).append(Step.EXPORTED, by, at, items=waiting, **where)
        for name, chunk in _unsent(batch, receipt):
            there = _there(server, receipt.project) if there is None else there
            _send(server, receipt.project, [each for each in chunk if each["data"]["inference_id"] not in there])
            receipt.confirmed.append(name)
            receipt.tasks += len(chunk)
            _keep(receipt, path)
    return receipt


def _receipt(batch: Path, place: Path, server: Server, project: int | None) -> tuple[Receipt, Path, bool]:
    """Return the receipt of what went to this server and project, or begin one; and whether the project is new."""
    for path in sorted(place.glob("pushed-*.json")):
        found = Receipt.model_validate_json(path.read_bytes())
        if found.url == server.url and project in (None, found.project):
            return found, path, False
    fresh = project is None
    if project is None:
        most = max((each.overlap for each in sheets(batch)), default=1)
        project = server.create(f"Sluice {verify(batch).window.name}", most)
    receipt = Receipt(url=server.url, project=project)
    path = place / f"pushed-{sha256(server.url.encode()).hexdigest()[:12]}-{project}.json"
    _keep(receipt, path)
    return receipt, path, fresh


def _there(server: Server, project: int) -> set[str]:
    return {str(each["data"].get("inference_id")) for each in server.tasks(project)}


def _send(server: Server, project: int, tasks: list[Task]) -> None:
    if tasks and (taken := server.send(project, orjson.dumps(tasks))) != len(tasks):
        raise NotPushed(f"{server.url} took {taken} of {len(tasks)} tasks: run the same again.")


def _unsent(batch: Path, receipt: Receipt) -> Iterator[tuple[str, list[Task]]]:
    """Give what is not confirmed yet, in chunks, each with its hash."""
    for chunk in _chunks(sheets(batch)):
        name = sha256(b"".join(map(orjson.dumps, chunk))).hexdigest()
        if name not in receipt.confirmed:
            yield name, chunk


def _chunks(sheets: Iterator[Sheet]) -> Iterator[list[Task]]:
    chunk: list[Task] = []
    size = 0
    for each in map(task, sheets):
        length = len(orjson.dumps(each))
        if chunk and (len(chunk) == TASKS or size + length > BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += length
    if chunk:
        yield chunk


def _keep(receipt: Receipt, path: Path) -> None:
    beside = path.with_suffix(".partial")
    beside.write_bytes(receipt.model_dump_json(indent=2).encode())
    sync(beside)
    beside.replace(path)
    sync(path.parent)
