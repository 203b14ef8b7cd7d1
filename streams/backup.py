"""Everything that Sluice knows and cannot learn again goes into one archive, and comes back on an empty machine.

That is: what detectors and people said (`sinks/backup.py`), the detectors' state, the review policy, and the folders of
batches and releases with their logs, and what services said of items, without which a batch is not cut the same. Not
the traffic itself, for which ClickHouse has BACKUP, and no secret.
"""

import asyncio
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgpack
import orjson
from clickhouse_connect.driver.client import Client

from detectors.budget import Budget
from detectors.sealed import StateRefused, seal
from sinks import backup as tables
from sinks.review.folder import unwritable
from sinks.review.manifest import fact
from sinks.review.prelabels.kept import FOLDER as LABELS
from streams import kept_state
from streams.readable import harmless
from streams.segments import opened
from streams.settings import Settings

MANIFEST, STATE, TABLES, POLICY = "manifest.json", "detectors.msgpack", "tables", "review.toml"
VERSION = 1


class BackupRefused(Exception):
    """An archive that cannot be written or taken; the message names the cure."""


@dataclass(frozen=True)
class Done:
    """What went into an archive, or came out of one."""

    files: int
    segments: int  # whose detectors' state it is
    refused: int = 0  # states that this machine's key does not open: these segments are learned anew


class _Hashing:
    """A file, and the SHA-256 of what was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.sha256 = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self.sha256.update(part)
        return part


def backup(settings: Settings, client: Client, archive: Path) -> Done:
    """Write the archive, a tar file; it gets its name when all of it is durable. Workers may run meanwhile.

    Raises KafkaUnreachable, and BackupRefused where the archive is there already.
    """
    if archive.exists():
        raise BackupRefused(f"{archive} is there already: name another file.")
    states = asyncio.run(kept_state.sealed(settings))
    partial = archive.with_name(f".{archive.name}.partial")
    with tempfile.TemporaryDirectory() as scratch, partial.open("wb") as out:
        folder = Path(scratch)
        tables.write(client, folder)
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            files = [(f"{TABLES}/{path.name}", path) for path in sorted(folder.iterdir())] + list(_folders(settings))
            hashes = {name: _add(tar, name, path.open("rb")) for name, path in files}
            hashes[STATE] = _add(tar, STATE, io.BytesIO(msgpack.packb(states)))
            _add(tar, MANIFEST, io.BytesIO(orjson.dumps({"version": VERSION, "files": hashes})))
        out.flush()
        os.fsync(out.fileno())
    partial.rename(archive)
    return Done(len(hashes), len(states))


def restore(settings: Settings, client: Client, archive: Path) -> Done:
    """Put back what an archive holds, where nothing is yet. Workers are to be started afterwards.

    Detectors go on where the backup left them, and take the next event for the first of their source: a state knows
    its places in the Kafka of its day. Where Kafka has states of its own, these are newer, and stay.

    Raises KafkaUnreachable, and BackupRefused before anything is changed.
    """
    if there := _there(settings, client):
        raise BackupRefused(f"A backup is restored where nothing is yet, and here is {there}: move it away first.")
    settings.batches.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.batches, prefix=".restore-") as scratch:
        folder = Path(scratch)
        files, kept = unpacked(archive, folder)
        for name, place in _places(settings).items():
            wall = unwritable(place.parent if name == POLICY else place) if (folder / name).exists() else None
            if wall is not None:
                raise BackupRefused(
                    f"{wall} cannot be written to: mount it so that it can be, or set SLUICE_{_SETTINGS[name]} to a "
                    "path that can. Nothing is restored yet."
                )
        states, refused = _elsewhere(settings, kept)
        if not asyncio.run(kept_state.sealed(settings)):
            asyncio.run(kept_state.put(settings, states))
        tables.read(client, folder / TABLES)
        for name, place in _places(settings).items():
            if (folder / name).exists():
                _copy(folder / name, place)
    return Done(files, len(states), refused)


def _copy(found: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if found.is_dir():
        shutil.copytree(found, place, dirs_exist_ok=True)  # the place itself may be a volume that is mounted
    else:
        shutil.copyfile(found, place)


def _places(settings: Settings) -> dict[str, Path]:
    return {"batches": settings.batches, "releases": settings.releases, POLICY: settings.review_policy}


_SETTINGS = {"batches": "BATCHES", "releases": "RELEASES", POLICY: "REVIEW_POLICY"}


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Give the files of batches, releases and policy with their names in the archive; what is being written is not."""
    for name, place in _places(settings).items():
        if place.is_file():
            yield name, place
        for path in sorted(place.rglob("*")):
            inside = path.relative_to(place)
            if path.is_file() and (inside.parts[0] == LABELS or not inside.parts[0].startswith(".")):
                yield f"{name}/{inside.as_posix()}", path


def _there(settings: Settings, client: Client) -> str | None:
    """Say what would be overwritten."""
    own = {name.partition("/")[0] for name, _ in _folders(settings)}
    found = [str(place) for name, place in _places(settings).items() if name in own]
    found += [f"the table {client.database}.{table}" for table in tables.filled(client)]
    return ", ".join(found) or None


def _add(tar: tarfile.TarFile, name: str, file: BinaryIO) -> str:
    """Add a file as long as it is now, since logs may grow meanwhile, and return its SHA-256."""
    with file:
        info = tarfile.TarInfo(name)
        info.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        hashing = _Hashing(file)
        tar.addfile(info, hashing)
        return hashing.sha256.hexdigest()


def unpacked(archive: Path, folder: Path) -> tuple[int, dict[str, bytes]]:
    """Unpack an archive into an empty folder, and return how many files it has, and the sealed states.

    Raises BackupRefused where anything is other than was written.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            _require_plain(tar)
            tar.extractall(folder, filter="data")
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        version, written = manifest["version"], dict[str, str](manifest["files"])
        states = msgpack.unpackb((folder / STATE).read_bytes())
        if type(version) is not int or not _are_states(states):
            raise TypeError("its manifest or its states are of another kind")
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, msgpack.UnpackException) as broken:
        raise BackupRefused(f"{archive} is no whole backup ({harmless(str(broken))[:200]}): take another.") from None
    if version != VERSION:
        raise BackupRefused(f"{archive} is of version {version}, this Sluice reads {VERSION}: restore it with that.")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found.pop(MANIFEST)
    for name in sorted(written.keys() | found.keys()):
        if name not in found or name not in written or fact(found[name]).sha256 != written[name]:
            said = harmless(name)[:120]
            raise BackupRefused(f"{archive}: {said} is not what was written. Take another backup.")
    return len(found), states


def _are_states(states: object) -> bool:
    """Whether these are sealed states by segment."""
    return isinstance(states, dict) and {type(each) for pair in states.items() for each in pair} <= {str, bytes}


def _require_plain(tar: tarfile.TarFile) -> None:
    """Raise TarError for what `backup` never writes: a link leads out of the folder, a sparse file is a bomb.

    Without compression and holes nothing that comes out is larger than the archive.
    """
    for member in tar:
        if not member.isreg() or member.issparse():
            raise tarfile.TarError(f"{member.name} is no plain file")


def _elsewhere(settings: Settings, states: Mapping[str, bytes]) -> tuple[dict[str, bytes], int]:
    """Return states without their places in Kafka, and how many could not be read."""
    key, budget = settings.state_key.get_secret_value().encode(), Budget(settings.segments, settings.false_alarms)
    moved: dict[str, bytes] = {}
    for segment, sealed in states.items():
        try:
            bank = opened(segment, sealed, key, budget)
        except StateRefused:
            continue
        bank.unplace()
        moved[segment] = seal(bank.dumps(), key, context=segment)
    return moved, len(states) - len(moved)
