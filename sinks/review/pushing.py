"""A verified batch or release is copied to an S3-compatible store, file by file, and read back to be sure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson
import pyarrow as pa
from pyarrow import fs

from sinks.review.manifest import NAME, FileFact
from sinks.review.refusals import CutRefused, NotABatch
from sinks.urls import parts_of

PIECE = 8 << 20  # bytes in memory


class UnusableTarget(CutRefused):
    """The target is no address of an S3-compatible store, or the store refuses."""


class OtherThere(CutRefused):
    """Something else lies at the target: another batch of that name, or a file that is not what it should be."""


@dataclass(frozen=True)
class Pushed:
    """What came of it: where the files lie now; which were copied, and which lay there already, the same."""

    to: str
    copied: tuple[str, ...]
    same: tuple[str, ...]


def push(folder: Path, target: str, begins: Callable[[str], None]) -> Pushed:
    """Copy the files that a folder's manifest names, and at last the manifest: who sees that sees all of it.

    What lies there with equal bytes is left; so a push that was cut off goes on where it was. After each copy the file
    is read back and compared. The folder is to be verified before. The same batch as it was before something was erased
    from it is written over, and what it has no more is removed.

    Args:
        folder: of a batch or a release.
        target: `s3://bucket/prefix`, to which the folder's name is added; as query `region`, and for other stores than
            Amazon's `endpoint_override=host:port` and `scheme=http`. Keys come from where the AWS SDK takes them,
            never from the address.
        begins: called with where it goes, before the first byte leaves, where any has to.

    Raises:
        NotABatch: the folder has no manifest.
        UnusableTarget: the address is wrong, or the store does not answer or refuses.
        OtherThere: another manifest lies there, or what was copied reads differently.
    """
    facts = _facts(folder)
    store, prefix = _store(target)
    root = f"{prefix.rstrip('/')}/{folder.resolve().name}"
    to = f"{_shown(target).rstrip('/')}/{folder.resolve().name}"
    with _refusals(target):
        _require_same(store, root, folder, target)
        missing = tuple(name for name, fact in facts.items() if _hash(store, f"{root}/{name}") != fact.sha256)
    if missing:
        begins(to)
    with _refusals(target):
        for name in missing:
            _copy(store, folder / name, f"{root}/{name}", facts[name])
        _remove_others(store, root, facts)
    return Pushed(to, missing, tuple(name for name in facts if name not in missing))


@contextmanager
def _refusals(target: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise UnusableTarget(f"{_shown(target)} does not take it: {_said(error)}.") from error


def _facts(folder: Path) -> dict[str, FileFact]:
    """Return what is to be copied, in order of names, the manifest last."""
    path = folder / NAME
    if not path.is_file():
        raise NotABatch(f"{folder} has no {NAME}: name the folder of a batch or a release.")
    data = path.read_bytes()
    files = {name: FileFact(**fact) for name, fact in sorted(orjson.loads(data)["files"].items())}
    return files | {NAME: FileFact(bytes=len(data), sha256=sha256(data).hexdigest())}


def _store(target: str) -> tuple[fs.FileSystem, str]:
    parts = parts_of(target)
    if parts.scheme != "s3" or not parts.hostname or parts.username or parts.password:
        raise UnusableTarget(
            f"{_shown(target)} is no target: write s3://bucket/prefix, for other stores than Amazon's with "
            "?endpoint_override=host:port; keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    try:
        store, prefix = fs.FileSystem.from_uri(target)
    except (OSError, pa.ArrowException) as error:
        raise UnusableTarget(f"{_shown(target)} is no target: {_said(error)}.") from error
    return store, prefix


def _require_same(store: fs.FileSystem, root: str, folder: Path, target: str) -> None:
    """Raise OtherThere unless nothing lies there, or the same batch, perhaps with items that were erased since."""
    if store.get_file_info(f"{root}/{NAME}").type != fs.FileType.File:
        return
    with store.open_input_stream(f"{root}/{NAME}") as stream:
        there = stream.read()
    cut_there, erased_there = _as_cut(there)
    cut_here, erased_here = _as_cut((folder / NAME).read_bytes())
    if cut_there != cut_here:
        raise OtherThere(f"Another {folder.name} lies at {_shown(target)}: push to another prefix, or remove it.")
    if erased_there - erased_here:
        raise OtherThere(f"From {folder.name} at {_shown(target)} items were erased that are in {folder}: erase them.")


def _as_cut(manifest: bytes) -> tuple[str, set[str]]:
    """Return the hash of a manifest as it was before anything was erased, and the hashes of what was."""
    try:
        said = orjson.loads(manifest)
        known = said.get("cut_sha256"), {each["item"] for each in said.get("erased", [])}
    except (ValueError, AttributeError, KeyError, TypeError):  # of another kind
        known = None, set()
    return known[0] or sha256(manifest).hexdigest(), known[1]


def _remove_others(store: fs.FileSystem, root: str, facts: dict[str, FileFact]) -> None:
    for each in store.get_file_info(fs.FileSelector(root)):
        if each.type == fs.FileType.File and each.base_name not in facts:
            store.delete_file(each.path)


def _copy(store: fs.FileSystem, path: Path, to: str, fact: FileFact) -> None:
    with path.open("rb") as source, store.open_output_stream(to) as sink:
        while piece := source.read(PIECE):
            sink.write(piece)
    if _hash(store, to) != fact.sha256:
        raise OtherThere(f"{path.name} reads differently than it was written: push again, and look at the store.")


def _hash(store: fs.FileSystem, path: str) -> str | None:
    """Return the SHA-256 of what lies in the store; None where nothing does."""
    if store.get_file_info(path).type != fs.FileType.File:
        return None
    digest = sha256()
    with store.open_input_stream(path) as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _shown(target: str) -> str:
    """Return a target as it may be shown: without user, password and query."""
    parts = parts_of(target)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _said(error: BaseException) -> str:
    """Return what a store said, without the number of the request and with no more than a line."""
    return str(error).partition(" (Request ID")[0].partition("\n")[0][:300].rstrip(".")
