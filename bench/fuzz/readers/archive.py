"""What reads a backup: an archive comes out with other names, kinds, lengths and contents, hashed anew or not."""

import hashlib
import io
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgpack
import orjson

from bench.fuzz.json_mutations import Tree
from bench.fuzz.packed_mutations import Packed
from bench.fuzz.readers.reader import Read, Reader
from streams.backup import MANIFEST, STATE, VERSION, BackupRefused, unpacked

_NAMES = (
    "../out", "/etc/out", "a/../../out", ".", "", "a" * 300, "a/" * 200 + "b", "batches", "batches/x/y", "é\udcff",
    "\x1b[31m", "new\nline", "CON", "~/.ssh/x", MANIFEST, STATE, "tables/findings.native", "review.toml/x",
)  # fmt: skip
_KINDS = (
    *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE),
    *(tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE, b"Z"),
)
Member = tuple[str, bytes, bytes]  # its name, its kind, what is in it


class Archive:
    """A backup, as its members; the manifest, last, has their hashes."""

    def __init__(self, archive: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            read = [(each.name, each.type, tar.extractfile(each)) for each in tar]
        self._members: list[Member] = [(name, kind, file.read()) for name, kind, file in read if file]

    def mutated(self, draw: Random) -> bytes:
        """Change a member or the manifest; what holds the hashes is mostly made to agree, or nothing got further."""
        members = [each for each in self._members if each[0] != MANIFEST]
        at = draw.randrange(len(members))
        name, kind, data = members[at]
        match draw.randrange(6):
            case 0:
                name = draw.choice(_NAMES)
            case 1:
                kind = draw.choice(_KINDS)
            case 2:
                members.insert(draw.randrange(len(members) + 1), members[at])
            case 3:
                data = draw.randbytes(draw.randrange(40))
            case _:
                data = Packed(data).mutated(draw) if name == STATE else data
        members[at] = (name, kind, data)
        manifest = _manifest(members) if draw.random() < 0.8 else self._members[-1][2]
        if draw.random() < 0.3:
            manifest = Tree(manifest).mutated(draw)
        return packed([*members, (MANIFEST, tarfile.REGTYPE, manifest)] if draw.random() < 0.95 else members)

    def flooded(self, draw: Random, size: int) -> bytes:
        """Add so many bytes of small members, or one long one."""
        count = draw.choice((1, size // 1024))
        more = [(f"batches/{number}", tarfile.REGTYPE, b"a" * (size // count)) for number in range(count)]
        members = [*self._members[:-1], *more]
        return packed([*members, (MANIFEST, tarfile.REGTYPE, _manifest(members))])


def _manifest(members: Sequence[Member]) -> bytes:
    hashes = {name.encode(errors="replace").decode(): hashlib.sha256(data).hexdigest() for name, _, data in members}
    return orjson.dumps({"version": VERSION, "files": hashes})


def packed(members: Sequence[Member]) -> bytes:
    """Write members as a tar file, whatever they are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _archives(_folder: Path) -> Sequence[bytes]:
    files = {
        STATE: msgpack.packb({"chat|a|b|c": b"sealed"}),
        "review.toml": b"seed = 1\n",
        "tables/erased.native": b"x",
    }
    members = [(name, tarfile.REGTYPE, data) for name, data in files.items()]
    return [packed([*members, (MANIFEST, tarfile.REGTYPE, _manifest(members))])]


def _restored(folder: Path) -> Read:
    """Unpack as `restore` does; nothing may lie outside of the folder afterwards."""
    archive, inside = folder / "backup.tar", folder / "inside"
    shutil.rmtree(inside, ignore_errors=True)

    def read(data: bytes) -> object:
        archive.write_bytes(data)
        inside.mkdir()
        try:
            return unpacked(archive, inside)
        finally:
            shutil.rmtree(inside)
            if strange := {path.name for path in folder.iterdir()} - {archive.name}:
                raise AssertionError(f"{strange} lies outside of the folder")

    return read


READERS = {"backup": Reader(_archives, Archive, _restored, (BackupRefused,))}
