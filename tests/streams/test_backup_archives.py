"""An archive that was not written by a backup is refused before anything of it is unpacked."""

import io
import tarfile
from pathlib import Path

import pytest

from streams.backup import BackupRefused, unpacked


def archive(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "hostile.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "hostile",
    [
        member("batches", tarfile.SYMTYPE, linkname="/etc"),
        member("batches/x", tarfile.SYMTYPE, linkname="y"),
        member("batches/x", tarfile.LNKTYPE, linkname="manifest.json"),
        member("batches/x", tarfile.FIFOTYPE),
        member("batches/x", tarfile.CHRTYPE, devmajor=1, devminor=5),
        member("../outside", size=1),
        member("batches/../../outside", size=1),
    ],
    ids=lambda each: f"{each.name}-{each.type!r}",
)
def test_what_leads_out_of_the_folder_is_refused(hostile: tarfile.TarInfo, tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(BackupRefused, match="is no whole backup"):
        unpacked(archive(tmp_path, hostile), into)
    assert not list(into.rglob("*"))
    assert not (tmp_path / "outside").exists()


def test_an_absolute_name_stays_in_the_folder(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    outside = tmp_path / "outside"
    with pytest.raises(BackupRefused):
        unpacked(archive(tmp_path, member(str(outside), size=1)), into)
    assert not outside.exists()


def test_a_file_of_holes_is_refused(tmp_path: Path) -> None:
    """GNU tar writes a terabyte of zeros as a few bytes: a name, and where nothing is."""
    path, into = tmp_path / "holes.tar", tmp_path / "into"
    into.mkdir()
    head = bytearray(member("bomb", tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    head[386:398], head[398:410] = b"00000000000\0", b"00000000000\0"  # one piece of nothing
    head[483:495] = f"{2**33 - 1:011o}\0".encode()  # of 8 GB
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head[:512]):06o}\0 ".encode()
    path.write_bytes(bytes(head) + bytes(1024))
    with tarfile.open(path) as tar:
        assert tar.getmembers()[0].size == 2**33 - 1
    with pytest.raises(BackupRefused, match="no plain file"):
        unpacked(path, into)
    assert not list(into.rglob("*"))


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(member("x", size=1 << 20), io.BytesIO(bytes(1 << 20)))
    with pytest.raises(BackupRefused, match="is no whole backup"):
        unpacked(path, tmp_path)
